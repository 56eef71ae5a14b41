"""The base class of all layers: shapes, weights, cost, and the output after training.

A layer's fields have the names of the arguments of the Keras layer of the same name. Shapes leave out the batch axis
and have the channels last: (height, width, channels), (steps, channels) or (features,). Arrays have the batch axis
first and are float32.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Array = NDArray[np.floating[Any]]
Weights = tuple[NDArray[np.float32], ...]
"""The arrays of one layer, in the order and with the shapes of `weight_shapes`."""

# Types of options with their meaning: options of a model file are checked against them.
Count = Annotated[int, "at least 1"]
Size = Annotated[int, "at least 0"]
Axis = Annotated[int, "as Keras counts axes: from 0, which is the batch axis, or backwards from -1, the last"]
Constants = Annotated[float | tuple[float, ...], "one number, or one for each place along an axis"]
Pair = tuple[Count, Count]
Sizes = tuple[Count, ...]

# The cost of writing a number or taking its exponential, and of calling NumPy, in multiply-adds of a matrix product.
NUMBER_COST, CALL_COST = 20, 20_000


def shape_text(shape: Shape) -> str:
    """A shape for people: `26x26x32`."""
    return "x".join(map(str, shape))


class UnusableModel(ValueError):
    """A model that can't be used. The message is the reason, and `hint` says what to do about it."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class Cost(NamedTuple):
    """The cost of a layer for one image.

    `multiply_adds`: multiplications followed by an addition, without biases, pooling and activations. `held_numbers`:
    the number of values in memory at once besides the input and the output. `overhead`: the cost of computing windows
    or steps one by one, in multiply-adds.
    """

    multiply_adds: int = 0
    held_numbers: int = 0
    overhead: int = 0


def axis_index(axis: int, shape: Shape) -> int:
    """The index of an axis in a shape, which leaves out the batch axis. Raises `UnusableModel`."""
    index = axis + len(shape) if axis < 0 else axis - 1
    if not 0 <= index < len(shape):
        raise UnusableModel(f"{shape_text(shape)} has no axis {axis}")
    return index


def axis_indices(axes: Sequence[int], shape: Shape) -> Shape:
    """The indices of distinct axes. Raises `UnusableModel`."""
    indices = tuple(axis_index(axis, shape) for axis in axes)
    if len(set(indices)) < len(indices):
        raise UnusableModel(f"the axes {axes} are not distinct")
    return indices


@dataclass(frozen=True)
class Layer:
    """A layer. The base class keeps the shape, has no weights and changes nothing."""

    name: str
    trainable: bool = field(default=True, kw_only=True)

    rank: ClassVar[int | None] = None
    """The number of axes that the input must have (None: any)."""
    merges: ClassVar[bool] = False
    """Whether the layer takes two or more inputs instead of one."""
    frozen_weights: ClassVar[int] = 0
    """The number of the layer's last arrays that gradients never change."""
    weights_at: ClassVar[tuple[str, ...]] = ("vars",)
    """The places of the layer's arrays in a `.keras` file, relative to the layer's group."""
    fixed_options: ClassVar[Mapping[str, Any]] = {}
    """Keras options that would change the answers, each with the only supported value."""

    def output_shape(self, shape: Shape, /) -> Shape:
        """The shape of the output for an input of `shape`. Raises `UnusableModel`."""
        return shape

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """The shapes of the layer's arrays for an input of `shape`, in the order in which Keras stores them."""
        return ()

    def cost(self, shape: Shape) -> Cost:
        """The cost for one image of `shape`."""
        return Cost()

    def apply(self, weights: Weights, x: Array, /) -> Array:
        """The output for a batch, as Keras computes it after training. Leaves `x` unchanged."""
        return x


@dataclass(frozen=True)
class Spatial(Layer):
    """A layer that treats the axis of the channels unlike the others.

    Its methods always see the channels last: with `channels_first`, `Stage.run` moves the axis.
    """

    data_format: Literal["channels_last", "channels_first"] = field(default="channels_last", kw_only=True)


def with_bias(use_bias: bool, *shapes: Shape) -> tuple[Shape, ...]:
    """The given shapes of kernels and, with `use_bias`, that of a bias for the last axis of the last kernel."""
    return (*shapes, shapes[-1][-1:]) if use_bias else shapes
