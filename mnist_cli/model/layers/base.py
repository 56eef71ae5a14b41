"""What every layer is: shapes, the arrays it keeps, its work, and what it computes after training.

The fields of a layer bear the names of the arguments of the Keras layer of the same name. Shapes leave out the batch
axis and have the channels last: (height, width, channels), (steps, channels) or (features,). Arrays have the batch
axis first and are float32.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Array = NDArray[np.floating[Any]]
Weights = tuple[NDArray[np.float32], ...]
"""Those of one layer, in the order and with the shapes of `weight_shapes`."""

# What an option may be, beyond its type; a model file's options are held against that.
Count = Annotated[int, "at least 1"]
Size = Annotated[int, "at least 0"]
Axis = Annotated[int, "as Keras counts axes: from 0, which is the batch axis, or backwards from -1, the last"]
Figures = Annotated[float | tuple[Any, ...], "a number, or numbers to any depth"]
Pair = tuple[Count, Count]
Sizes = tuple[Count, ...]

# What it costs to write a number, or to take its exponential, and what to call NumPy, in multiply-adds of a product of
# matrices.
NUMBER_COST, CALL_COST = 20, 20_000


def shape_text(shape: Shape) -> str:
    """A shape for people: `26x26x32`."""
    return "x".join(map(str, shape))


class UnusableModel(ValueError):
    """A model that can't be used: why, and what may be done about it."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def axis_index(axis: int, shape: Shape) -> int:
    """The index of an axis in a shape, which leaves out the batch axis. Raises `UnusableModel`."""
    index = axis + len(shape) if axis < 0 else axis - 1
    if not 0 <= index < len(shape):
        raise UnusableModel(f"{shape_text(shape)} has no axis {axis}")
    return index


def axis_indices(axes: Sequence[int], shape: Shape) -> Shape:
    """The indices of different axes. Raises `UnusableModel`."""
    indices = tuple(axis_index(axis, shape) for axis in axes)
    if len(set(indices)) < len(indices):
        raise UnusableModel(f"the axes {axes} are not different ones")
    return indices


@dataclass(frozen=True)
class Layer:
    """One layer. By itself it keeps the shape, learns nothing and changes nothing."""

    name: str
    trainable: bool = field(default=True, kw_only=True)

    rank: ClassVar[int | None] = None
    """The number of axes that the input must have (None: any)."""
    merges: ClassVar[bool] = False
    """Whether it takes two inputs or more, and otherwise one."""
    frozen_weights: ClassVar[int] = 0
    """How many of the layer's arrays, the last ones, no gradient ever changes."""
    weights_at: ClassVar[tuple[str, ...]] = ("vars",)
    """Where a `.keras` file has the layer's arrays, below the group of the layer itself."""
    only: ClassVar[Mapping[str, Any]] = {}
    """Options of Keras that would change the answers: each with the one value that the layer here can have."""

    def output_shape(self, shape: Shape, /) -> Shape:
        """The shape that comes out where `shape` comes in. Raises `UnusableModel`."""
        return shape

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Shapes of the arrays that the layer keeps for an input of `shape`, in the order that Keras stores them."""
        return ()

    def multiply_adds(self, shape: Shape) -> int:
        """Multiplications followed by an addition for one image; biases, pooling and activations are not counted."""
        return 0

    def working_numbers(self, shape: Shape) -> int:
        """How many numbers the layer holds for one image beside its input and its output."""
        return 0

    def overhead(self, shape: Shape) -> int:
        """What going over windows, steps or groups one by one costs for one image, in multiply-adds."""
        return 0

    def apply(self, weights: Weights, x: Array, /) -> Array:
        """What comes out for a batch, as Keras computes it after training. `x` is left as it is."""
        return x


@dataclass(frozen=True)
class Spatial(Layer):
    """A layer that tells channels from places. With `channels_first`, the network turns the axes around it."""

    data_format: Literal["channels_last", "channels_first"] = field(default="channels_last", kw_only=True)


def with_bias(use_bias: bool, *shapes: Shape) -> tuple[Shape, ...]:
    """The shapes of kernels, and of a bias for the last axis of the last one, where there is a bias."""
    return (*shapes, shapes[-1][-1:]) if use_bias else shapes
