"""The weights of a model: `model.weights.h5`, an HDF5 file, walked and checked before anything of it is used."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mnist_cli.architecture import Stage, shape_text
from mnist_cli.arrays import Weights
from mnist_cli.kerasconfig import Description
from mnist_cli.kerasparts import ConfigError

_OBJECTS_LIMIT = 5000


def read_weights(content: bytes, description: Description) -> tuple[Weights, ...]:
    """The weights of each layer of the network, finite and with the shapes of `Stage.weight_shapes`.

    Raises `ConfigError` where the file does not hold exactly these, or anything but plain groups and arrays of numbers.
    """
    stages = description.network.stages()
    with _opened(content) as file:
        _check_all(file)
        return tuple(_layer_weights(file, *pair) for pair in zip(description.groups, stages, strict=True))


def read_adam(content: bytes, shapes: Sequence[tuple[int, ...]]) -> tuple[int, tuple[NDArray[np.float32], ...]]:
    """What Keras' Adam remembers of arrays of weights with these shapes: its steps; momentum and velocity of each.

    Raises `ConfigError` where the file does not hold exactly these.
    """
    with _opened(content) as file:
        stored = _member(_member(file, "optimizer"), "vars")
        if len(stored) != 2 + 2 * len(shapes):  # the number of steps, the learning rate, and two for each array
            raise ConfigError("its optimizer is not Adam")
        twice = [shape for shape in shapes for _ in range(2)]
        arrays = tuple(_array(_member(stored, str(index)), shape) for index, shape in enumerate(twice, start=2))
        return int(_member(stored, "0")[()]), arrays


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    """An HDF5 file; what is done with it inside the context raises `ConfigError`."""
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            yield file
    except ConfigError:
        raise
    except Exception as reason:  # a damaged file makes HDF5 raise almost anything
        raise ConfigError("its weights can't be read") from reason


def _check_all(file: Any) -> None:
    """Walk through all that is in the file, used or not."""
    groups, seen = [file], {_address(file)}
    while groups:
        group = groups.pop()
        for name in group:
            item = _member(group, name)
            if _address(item) in seen or len(seen) > _OBJECTS_LIMIT:
                raise ConfigError("its weights are not a tree, or one of too many parts")
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                groups.append(item)
            else:
                _check_array(item)


def _address(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _check_array(stored: Any) -> None:
    """Numbers, in the file itself as they are: not in another file, nor put together of others, nor compressed."""
    if not isinstance(stored, h5py.Dataset) or stored.external or stored.is_virtual or stored.dtype.kind not in "iuf":
        raise ConfigError("it has weights that are no plain numbers in it")
    if stored.id.get_storage_size() != stored.size * stored.dtype.itemsize:
        raise ConfigError("its weights are not all there, or compressed")


def _layer_weights(file: Any, group: str, stage: Stage) -> Weights:
    """Those of the layer whose arrays are in a group: numbered from 0, and there are no others."""
    shapes = stage.weight_shapes
    if not shapes and group not in file:
        return ()
    stored = file
    for name in group.split("/"):
        stored = _member(stored, name)
    if len(stored) != len(shapes):
        raise ConfigError(f"it has {len(stored)} arrays of weights for {stage.layer.name}, which has {len(shapes)}")
    return tuple(_array(_member(stored, str(index)), shape) for index, shape in enumerate(shapes))


def _member(group: Any, name: str) -> Any:
    """What a group of an HDF5 file holds itself: links into other places, other files even, are not followed."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ConfigError(f"its weights lack {name:.100}, or have a link in its place")
    return group[name]


def _array(stored: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    _check_array(stored)
    if stored.shape != shape or stored.dtype.kind != "f":
        raise ConfigError(f"its weights are not the {shape_text(shape)} numbers that its layers need")
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        array: NDArray[np.float32] = stored[()].astype(np.float32)
    if not np.isfinite(array).all():
        raise ConfigError("it has weights that are infinite or no numbers")
    return array
