"""The Keras model of a network, and the `.keras` archive of it: the same bytes for the same weights."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mnist_cli.errors import OutputError, first_line
from mnist_cli.model.file import CONFIG, METADATA, WEIGHTS
from mnist_cli.model.network import Network
from mnist_cli.storage.files import temporary_beside
from mnist_cli.training.backend import keras


def build_model(network: Network) -> Any:
    """A Keras model of the network: every layer is the Keras layer of the same name with the same arguments."""
    layers = (getattr(keras.layers, type(layer).__name__)(**vars(layer)) for layer in network.layers)
    return keras.Sequential([keras.Input(network.input_shape), *layers], name=network.name)


def archive_of(model: Any, beside: Path) -> bytes:
    """The content of the `.keras` archive of a Keras model.

    Keras can only save to a file: a temporary one in the folder of the path `beside`. Raises `OutputError`.
    """
    temporary = temporary_beside(beside, ".keras")
    try:
        model.save(temporary)
        return reproducible(temporary.read_bytes())
    except Exception as reason:  # on a full disk, HDF5 raises errors of its own
        raise OutputError(f"{beside}: could not be written, and is as it was: {first_line(reason)}") from reason
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def reproducible(archive: bytes) -> bytes:
    """The content of a `.keras` archive without what differs from save to save: times, dates and memory addresses."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(target, "w") as result:
        for name, content in _stable_members(source):
            result.writestr(zipfile.ZipInfo(name), content)  # a new ZipInfo has the date 1980-01-01, uncompressed
    return target.getvalue()


def _stable_members(source: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    metadata = json.loads(source.read(METADATA))
    metadata.pop("date_saved", None)
    yield METADATA, json.dumps(metadata).encode()
    yield CONFIG, json.dumps(_without_addresses(json.loads(source.read(CONFIG)))).encode()
    yield WEIGHTS, source.read(WEIGHTS)


def _without_addresses(node: Any) -> Any:
    """The config without every `shared_object_id`: a memory address by which Keras recognises shared objects."""
    if isinstance(node, dict):
        return {key: _without_addresses(value) for key, value in node.items() if key != "shared_object_id"}
    if isinstance(node, list):
        return [_without_addresses(value) for value in node]
    return node
