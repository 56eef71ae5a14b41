"""The weights of a model: `model.weights.h5`, an HDF5 file, walked and checked before anything of it is used."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mnist_cli.architecture import Stage, shape_text
from mnist_cli.arrays import Weights
from mnist_cli.kerasconfig import ConfigError

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


def read_weights(content: bytes, stages: tuple[Stage, ...]) -> tuple[Weights, ...]:
    """The weights of each stage, finite and with the shapes of `Stage.weight_shapes`.

    Raises `ConfigError` where the file does not hold exactly these.
    """
    group_of = _group_names()
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            return tuple(_layer_weights(file, group_of(type(stage.layer).__name__), stage) for stage in stages)
    except ConfigError:
        raise
    except Exception as reason:  # a damaged file makes HDF5 raise almost anything
        raise ConfigError("its weights can't be read") from reason


def read_adam(content: bytes, shapes: Sequence[tuple[int, ...]]) -> tuple[int, tuple[NDArray[np.float32], ...]]:
    """What Keras' Adam remembers of arrays of weights with these shapes: its steps; momentum and velocity of each.

    Raises `ConfigError` where the file does not hold exactly these.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            stored = _member(_member(file, "optimizer"), "vars")
            if len(stored) != 2 + 2 * len(shapes):  # the number of steps, the learning rate, and two for each array
                raise ConfigError("its optimizer is not Adam")
            twice = [shape for shape in shapes for _ in range(2)]
            arrays = tuple(_array(_member(stored, str(index)), shape) for index, shape in enumerate(twice, start=2))
            return int(_member(stored, "0")[()]), arrays
    except ConfigError:
        raise
    except Exception as reason:
        raise ConfigError("its optimizer can't be read") from reason


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
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ConfigError(f"its weights lack {name}")
    return group[name]


def _array(stored: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if not isinstance(stored, h5py.Dataset) or stored.external or stored.is_virtual:
        raise ConfigError("its weights are not stored in it")
    if stored.shape != shape or stored.dtype.kind != "f":
        raise ConfigError(f"its weights are not the {shape_text(shape)} numbers that its layers need")
    array: NDArray[np.float32] = stored[()].astype(np.float32)
    if not np.isfinite(array).all():
        raise ConfigError("it has weights that are infinite or no numbers")
    return array
