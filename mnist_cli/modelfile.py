"""The `.keras` archive: read without running anything from it, written whole or not at all.

A `.keras` file is a zip archive of `config.json` (the layers), `metadata.json` and `model.weights.h5` (an HDF5 file
with the weights).
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.architecture import CLASSES, IMAGE_SHAPE, Network, ShapeError, Stage
from mnist_cli.archive import Archive
from mnist_cli.errors import ModelError, OutputError
from mnist_cli.files import check_destination, read_file, write_files
from mnist_cli.kerasconfig import ConfigError, UnknownPart, read_config
from mnist_cli.record import Record, is_record_or_free, read_record, record_content, record_path

FILE_LIMIT = 2**29
CONFIG_LIMIT = 2**22

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_NO_MODEL = "A model file is what `mnistcli train` or Keras' `model.save('name.keras')` writes."

# Keras names the groups of weights after the kind of layer, not after the layer.
_GROUPS = {
    "Activation": "activation",
    "AveragePooling2D": "average_pooling2d",
    "BatchNormalization": "batch_normalization",
    "Conv2D": "conv2d",
    "Dense": "dense",
    "Dropout": "dropout",
    "Flatten": "flatten",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "MaxPooling2D": "max_pooling2d",
    "ReLU": "re_lu",
    "Rescaling": "rescaling",
    "Softmax": "softmax",
}

Weights = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class ModelFile:
    """A model file as read: the checked bytes, what they describe, and the training record that belongs to them.

    `network` is None, and `unknown` says why, where the model has parts that only Keras can run. `weights` has
    a tuple of float32 arrays for each layer of the network, with the shapes of `Stage.weight_shapes`.
    """

    path: Path
    sha256: str
    network: Network | None
    weights: tuple[Weights, ...] = field(repr=False)
    unknown: str = ""
    record: Record | None = None
    warning: str = ""
    content: bytes = field(default=b"", repr=False)


def read_model(path: Path) -> ModelFile:
    """Read the model file at `path` and the record beside it. Raises `ModelError`."""
    content = read_file(path, FILE_LIMIT, ModelError)
    digest = hashlib.sha256(content).hexdigest()
    network, weights, unknown = _parse(content, path)
    record, warning = read_record(path, digest)
    return ModelFile(path, digest, network, weights, unknown, record, warning, content)


def write_model(path: Path, content: bytes, record: Record) -> None:
    """Put a `.keras` archive, once it has proved readable, and its record where they belong; both or neither.

    Raises `ModelError` and `OutputError`.
    """
    _parse(content, path)
    check_replaceable(path, "Move it, and train again.")
    write_files({path: content, record_path(path): record_content(record)})


def check_destinations(path: Path, hint: str) -> None:
    """Raise `OutputError`, with the hint, unless a model at `path` and its record can be written.

    What is there already must be a model and a record: nothing else is ever replaced.
    """
    for destination in (path, record_path(path)):
        check_destination(destination, hint)
    check_replaceable(path, hint)


def check_replaceable(path: Path, hint: str) -> None:
    """Raise `OutputError`, with the hint, where something that is no model or no record would be replaced."""
    if os.path.exists(path) and not _begins_like_a_model(path):
        raise OutputError(f"{path}: a file that is no model stands there", hint)
    if not is_record_or_free(record_path(path)):
        raise OutputError(f"{record_path(path)}: stands where the training record goes, and is none", hint)


def _begins_like_a_model(path: Path) -> bool:
    """Whether a file is an archive, whole or cut short by a crash, or empty."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"")
    except OSError as reason:
        raise OutputError(f"{path}: can't be read: {reason.strerror}") from reason


def check_digit_classifier(network: Network, path: Path) -> None:
    """Raise `ModelError` unless the network turns 28x28x1 images into 10 probabilities."""
    hint = "mnistcli reads models that take 28x28x1 and end in a softmax over 10 digits."
    if network.input_shape != IMAGE_SHAPE or network.output_shape != (CLASSES,):
        shapes = f"{_shape_text(network.input_shape)} to {_shape_text(network.output_shape)}"
        raise ModelError(f"{path}: no digit classifier: it goes from {shapes}", hint)
    if not network.ends_in_softmax:
        raise ModelError(f"{path}: no digit classifier: its last layer gives no probabilities", hint)


def _shape_text(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape)


def _parse(content: bytes, path: Path) -> tuple[Network | None, tuple[Weights, ...], str]:
    try:
        archive = Archive(content)
        config = json.loads(archive.read(_CONFIG, CONFIG_LIMIT))
        weights_file = archive.read(_WEIGHTS, FILE_LIMIT)
    except (ValueError, RecursionError) as reason:
        raise ModelError(f"{path}: not a .keras model file, or a damaged one", _NO_MODEL) from reason
    try:
        network = read_config(config)
        return network, _read_weights(weights_file, tuple(network.stages())), ""
    except UnknownPart as part:
        return None, (), str(part)
    except (ConfigError, ShapeError) as reason:
        raise ModelError(f"{path}: no model file that can be used: {reason}") from reason


def _read_weights(content: bytes, stages: tuple[Stage, ...]) -> tuple[Weights, ...]:
    import h5py  # a tenth of a second that only reading weights should cost

    group_of = _group_names()
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            return tuple(_layer_weights(file, group_of(type(stage.layer).__name__), stage) for stage in stages)
    except ConfigError:
        raise
    except Exception as reason:  # a damaged file makes HDF5 raise almost anything
        raise ConfigError("its weights can't be read") from reason


def _group_names() -> Callable[[str], str]:
    """Names for one layer after the other: conv2d, conv2d_1, …, as Keras counts them."""
    seen: dict[str, int] = {}

    def name(kind: str) -> str:
        group = _GROUPS[kind]
        count = seen[group] = seen.get(group, -1) + 1
        return f"{group}_{count}" if count else group

    return name


def _layer_weights(file: Any, group: str, stage: Stage) -> Weights:
    shapes = stage.weight_shapes
    if not shapes and f"layers/{group}/vars" not in file:
        return ()
    stored = _member(_member(_member(file, "layers"), group), "vars")
    if len(stored) != len(shapes):
        raise ConfigError(f"it has {len(stored)} arrays of weights for {stage.layer.name}, which has {len(shapes)}")
    return tuple(_array(_member(stored, str(index)), shape) for index, shape in enumerate(shapes))


def _member(group: Any, name: str) -> Any:
    """What a group of an HDF5 file holds itself: links into other places, other files even, are not followed."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ConfigError(f"its weights lack {name}")
    return group[name]


def _array(stored: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import h5py

    if not isinstance(stored, h5py.Dataset) or stored.external or stored.is_virtual:
        raise ConfigError("its weights are not stored in it")
    if stored.shape != shape or stored.dtype.kind != "f":
        raise ConfigError(f"its weights are not the {_shape_text(shape)} numbers that its layers need")
    array: NDArray[np.float32] = stored[()].astype(np.float32)
    if not np.isfinite(array).all():
        raise ConfigError("it has weights that are infinite or no numbers")
    return array


def reproducible(archive: bytes) -> bytes:
    """The same `.keras` archive without what differs from one save to the next: times, dates and memory addresses."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(target, "w") as result:
        for name, content in _stable_members(source):
            result.writestr(zipfile.ZipInfo(name), content)  # a ZipInfo is dated 1980 and stored as it is
    return target.getvalue()


def _stable_members(source: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    metadata = json.loads(source.read(_METADATA))
    metadata.pop("date_saved", None)
    yield _METADATA, json.dumps(metadata).encode()
    yield _CONFIG, json.dumps(_without_addresses(json.loads(source.read(_CONFIG)))).encode()
    yield _WEIGHTS, source.read(_WEIGHTS)


def _without_addresses(node: Any) -> Any:
    """The config without `shared_object_id`, a memory address by which Keras restores which objects were one."""
    if isinstance(node, dict):
        return {key: _without_addresses(value) for key, value in node.items() if key != "shared_object_id"}
    if isinstance(node, list):
        return [_without_addresses(value) for value in node]
    return node
