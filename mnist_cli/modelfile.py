"""The `.keras` archive: read without running anything from it, written whole or not at all.

A `.keras` file is a zip archive of `config.json` (the layers), `metadata.json` and `model.weights.h5` (an HDF5 file
with the weights).
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.architecture import CLASSES, IMAGE_SHAPE, Network, ShapeError, shape_text
from mnist_cli.archive import Archive
from mnist_cli.arrays import Weights
from mnist_cli.errors import ModelError, OutputError
from mnist_cli.files import check_destination, read_file, write_files
from mnist_cli.kerasconfig import ConfigError, UnknownPart, read_config
from mnist_cli.record import Record, is_record_or_free, read_record, record_content, record_path

FILE_LIMIT = 2**29
CONFIG_LIMIT = 2**22

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_NO_MODEL = "A model file is what `mnistcli train` or Keras' `model.save('name.keras')` writes."


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
    model = parse_model(path, read_file(path, FILE_LIMIT, ModelError))
    record, warning = read_record(path, model.sha256)
    return replace(model, record=record, warning=warning)


def parse_model(path: Path, content: bytes) -> ModelFile:
    """The model in a `.keras` archive that is to stand at `path`, without a record. Raises `ModelError`."""
    network, weights, unknown = _parse(content, path)
    return ModelFile(path, hashlib.sha256(content).hexdigest(), network, weights, unknown, content=content)


def read_adam_state(model: ModelFile) -> tuple[int, tuple[NDArray[np.float32], ...]]:
    """The steps that Adam has taken and what it remembers: momentum and velocity of each array of weights in turn.

    Raises `ModelError` where the model does not hold that.
    """
    from mnist_cli.weights import read_adam

    shapes = [array.shape for layer in model.weights for array in layer]
    try:
        return read_adam(Archive(model.content).read(_WEIGHTS, FILE_LIMIT), shapes)
    except ConfigError as reason:
        raise ModelError(f"{model.path}: training can't go on from it: {reason}") from reason


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
    """Whether a file is empty, or an archive that begins with a member of a model, whole or cut short by a crash."""
    try:
        with path.open("rb") as file:
            header, name = file.read(30), file.read(20)
            members = (_METADATA.encode(), _CONFIG.encode(), _WEIGHTS.encode())
            return not header or (header.startswith(b"PK\x03\x04") and name.startswith(members))
    except OSError as reason:
        raise OutputError(f"{path}: can't be read: {reason.strerror}") from reason


def check_digit_classifier(network: Network, path: Path) -> None:
    """Raise `ModelError` unless the network turns 28x28x1 images into 10 probabilities."""
    hint = "mnistcli reads models that take 28x28x1 and end in a softmax over 10 digits."
    if network.input_shape != IMAGE_SHAPE or network.output_shape != (CLASSES,):
        shapes = f"{shape_text(network.input_shape)} to {shape_text(network.output_shape)}"
        raise ModelError(f"{path}: no digit classifier: it goes from {shapes}", hint)
    if not network.ends_in_softmax:
        raise ModelError(f"{path}: no digit classifier: its last layer gives no probabilities", hint)


def _parse(content: bytes, path: Path) -> tuple[Network | None, tuple[Weights, ...], str]:
    try:
        archive = Archive(content)
        config = json.loads(archive.read(_CONFIG, CONFIG_LIMIT))
        weights_file = archive.read(_WEIGHTS, FILE_LIMIT)
    except (ValueError, RecursionError) as reason:
        raise ModelError(f"{path}: not a .keras model file, or a damaged one", _NO_MODEL) from reason
    from mnist_cli.weights import read_weights  # loads h5py, which a file that is no model need not cost

    try:
        network = read_config(config)
        return network, read_weights(weights_file, tuple(network.stages())), ""
    except UnknownPart as part:
        return None, (), str(part)
    except (ConfigError, ShapeError) as reason:
        raise ModelError(f"{path}: no model file that can be used: {reason}") from reason


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
