"""Model files, `.keras` or HDF5: read without running anything in them, replaced whole or not at all.

A `.keras` file is a zip archive of `config.json` (the layers), `metadata.json` and `model.weights.h5` (an HDF5 file
with the weights). An HDF5 file of a whole model has the config in an attribute.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.errors import ModelError
from mnist_cli.model.calibration import UNCALIBRATED, Calibration
from mnist_cli.model.config import read_config
from mnist_cli.model.layers.base import UnusableModel, Weights
from mnist_cli.model.network import Network
from mnist_cli.model.record import Record, is_record, read_record, record_content, record_path, refuse
from mnist_cli.storage.archive import Archive, ArchiveError
from mnist_cli.storage.files import check_destination, check_replaceable, read_file, size_text, write_files

# Bytes: enough for the most parameters, with the momentum and velocity of Adam, and the structure of HDF5.
FILE_LIMIT = 2**28
CONFIG_LIMIT, METADATA_LIMIT = 2**22, 2**16

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
"""The members of a `.keras` archive."""

_ZIP_MAGIC, _HDF5_MAGIC = b"PK", b"\x89HDF\r\n\x1a\n"
_NO_MODEL = "A model file is what `mnistcli train`, or `model.save('name.keras')` in Keras, writes."
_SAVE_WHOLE = "Save the whole model where it was trained: `model.save('name.keras')`."


@dataclass(frozen=True)
class ModelFile:
    """The content of a model file, and its training record.

    `weights`: for each stage of the network, a tuple of float32 arrays with the shapes of its `weight_shapes`.
    `content`: the bytes of the whole file. `warning`: why a record beside the file was ignored; empty if none was.
    """

    path: Path
    sha256: str
    network: Network
    weights: tuple[Weights, ...] = field(repr=False)
    content: bytes = field(repr=False)
    record: Record | None = None
    warning: str = ""

    @property
    def calibration(self) -> Calibration:
        """The calibration in the record, or `UNCALIBRATED`."""
        return self.record.calibration if self.record and self.record.calibration else UNCALIBRATED


def read_model(path: Path) -> ModelFile:
    """Read the model file at `path` and the record beside it. Raises `ModelError`."""
    model = parse_model(path, _read(path))
    record, warning = read_record(path, model.sha256)
    return replace(model, record=record, warning=warning)


def parse_model(path: Path, content: bytes) -> ModelFile:
    """The model in the content of a file at `path`, without a record. Raises `ModelError`."""
    try:
        network, weights = _parse(content)
    except _NotAModel as reason:
        raise ModelError(f"{path}: {reason}", reason.hint) from reason
    except UnusableModel as reason:
        raise ModelError(f"{path}: this model can't be used: {reason}", reason.hint) from reason
    return ModelFile(path, hashlib.sha256(content).hexdigest(), network, weights, content)


def _read(path: Path) -> bytes:
    """The content of a file that may be a model. Raises `ModelError`."""
    if os.path.isfile(path / "saved_model.pb"):
        raise ModelError(f"{path}: this is a SavedModel, not a model file", _SAVE_WHOLE)
    if re.match(r"\w+:/", str(path)) and not os.path.lexists(path):
        raise ModelError(f"{path}: no such file", "Models are read from files of this machine only.")
    return read_file(path, FILE_LIMIT, ModelError)


class _NotAModel(UnusableModel):
    """A file that is not a model, or a damaged one."""


def _parse(content: bytes) -> tuple[Network, tuple[Weights, ...]]:
    if content.startswith(_ZIP_MAGIC):
        return _parse_archive(content)
    if content.startswith(_HDF5_MAGIC):
        return _parse_hdf5(content)
    start = content[:200].lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        raise _NotAModel("this is a Git LFS pointer, not the model itself", "`git lfs pull` fetches the model.")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise _NotAModel("this is a web page, not a model file", "Download the file itself: its raw form.")
    raise _NotAModel("not a model file: neither a .keras archive nor HDF5", _NO_MODEL)


def _parse_archive(content: bytes) -> tuple[Network, tuple[Weights, ...]]:
    try:
        archive = Archive(content)
        if others := archive.names() ^ {CONFIG, METADATA, WEIGHTS}:
            raise ArchiveError(f"{min(others):.100} is missing or does not belong there")
        metadata = _json(archive.read(METADATA, METADATA_LIMIT))
        config = _json(archive.read(CONFIG, CONFIG_LIMIT))
        stored = archive.read(WEIGHTS, FILE_LIMIT)
    except ArchiveError as reason:
        why = str(reason).removeprefix("damaged: ")
        raise _NotAModel(f"not a .keras model file, or a damaged one: {why}", _NO_MODEL) from reason
    from mnist_cli.model import weights  # imports h5py, which is slow and not needed to refuse another file

    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    network, parts = read_config(config, _major_version(version))
    return network, weights.archived_weights(weights.open_weights(stored), network, parts)


def _parse_hdf5(content: bytes) -> tuple[Network, tuple[Weights, ...]]:
    from mnist_cli.model import weights

    file = weights.open_weights(content)
    config = weights.text(file, "model_config")
    if config is None:
        raise _NotAModel("this file has weights, but no description of the layers they belong to", _SAVE_WHOLE)
    if len(config) > CONFIG_LIMIT:
        raise UnusableModel(f"its config holds more than {size_text(CONFIG_LIMIT)}")
    network, parts = read_config(_json(config), _major_version(weights.text(file, "keras_version")))
    return network, weights.named_weights(file, network, parts)


def _json(content: bytes | str) -> Any:
    """The value of a JSON document without NaN and infinities. Raises `_NotAModel`."""
    try:
        return json.loads(content, parse_constant=refuse)
    except (ValueError, RecursionError) as reason:
        raise _NotAModel("not a model file, or a damaged one: no JSON in it", _NO_MODEL) from reason


def _major_version(text: Any) -> int:
    """The major version in a version of Keras such as "2.15.0"; 3 for anything but a 2."""
    return 2 if isinstance(text, str) and text.startswith("2.") else 3


def read_adam_state(model: ModelFile) -> tuple[int, tuple[NDArray[np.float32], ...]]:
    """The number of steps that Adam has taken, and the momentum and the velocity of each array in turn: float32.

    Raises `ModelError` if the file does not hold them.
    """
    from mnist_cli.model.weights import adam_state

    shapes = [array.shape for layer in model.weights for array in layer]
    try:
        return adam_state(Archive(model.content).read(WEIGHTS, FILE_LIMIT), shapes)
    except (UnusableModel, ArchiveError) as reason:
        raise ModelError(f"{model.path}: training can't continue from it: {reason}") from reason


def write_model(model: ModelFile, record: Record) -> None:
    """Write a parsed model to its path, and its record beside it. Raises `OutputError`.

    Neither of the old files is replaced before both new ones are completely on disk.
    """
    for path, is_ours in _destinations(model.path):
        check_replaceable(path, is_ours, "Move it, and train again.")
    write_files({model.path: model.content, record_path(model.path): record_content(record)})


def check_model_destination(path: Path, hint: str) -> None:
    """Raise `OutputError` with the hint unless a model and its record can be written at `path`."""
    for destination, is_ours in _destinations(path):
        check_destination(destination, is_ours, hint)


def _destinations(path: Path) -> tuple[tuple[Path, Callable[[Path], bool]], ...]:
    return (path, _begins_like_a_model), (record_path(path), is_record)


def _begins_like_a_model(path: Path) -> bool:
    """Whether a file begins like a `.keras` archive; it may have been cut short by a crash."""
    with path.open("rb") as file:
        header, name = file.read(30), file.read(20)
    members = (METADATA.encode(), CONFIG.encode(), WEIGHTS.encode())
    return header.startswith(b"PK\x03\x04") and name.startswith(members)
