"""Windows that slide over a batch of images or sequences: how many there are, what is padded, and what they show."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mnist_cli.model.layers.base import Array, Pair, Shape, ShapeError, Sizes, Spatial, shape_text

Padding = Literal["valid", "same", "causal"]

# Places in a window, which are gone through one by one.
_WINDOW_LIMIT = 10_000


@dataclass(frozen=True, kw_only=True)
class Windowed(Spatial):
    """A layer whose window slides along one axis (`rank` 2) or two (`rank` 3) before that of the channels.

    The fields named in `sizes` have a number for each of these axes; a single one is given to all.
    """

    padding: Padding = "valid"

    sizes: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        axes = (self.rank or 0) - 1
        for name in self.sizes:
            values = getattr(self, name)
            if len(values) not in (1, axes):
                raise ShapeError(f"the layer {self.name} has {name}={values} for {axes} axes")
            object.__setattr__(self, name, values * axes if len(values) == 1 else values)
        if self.padding == "causal" and axes != 1:
            raise ShapeError(f"the layer {self.name} has causal padding, which is for sequences")


def grid(shape: Shape, window: Shape, strides: Shape, padding: str, dilation: Shape = ()) -> Shape:
    """How many windows there are along each axis of `shape` but the last. Raises `ShapeError`."""
    if prod(window) > _WINDOW_LIMIT:
        raise ShapeError(f"a window of {shape_text(window)} is too large")
    axes = zip(shape[:-1], reach(window, dilation), strides, strict=True)
    return tuple(_steps(size, length, stride, padding) for size, length, stride in axes)


def reach(window: Shape, dilation: Shape = ()) -> Shape:
    """How many places a window spans along each axis."""
    return tuple(rate * (size - 1) + 1 for size, rate in zip(window, dilation or [1] * len(window), strict=True))


def _steps(size: int, length: int, stride: int, padding: str) -> int:
    """How many windows fit along one axis; "same" and "causal" pad until every stride has its window."""
    if padding != "valid":
        return -(-size // stride)
    if size < length:
        raise ShapeError(f"a window of {length} does not fit into {size}")
    return (size - length) // stride + 1


def padded(x: Array, lengths: Shape, strides: Shape, padding: str, fill: float = 0) -> Array:
    """A batch with margins for windows of these lengths; of what "same" adds, the odd one goes after an axis."""
    if padding == "valid" or prod(lengths) == 1:
        return x
    axes = zip(x.shape[1:-1], lengths, strides, strict=True)
    return np.pad(x, [(0, 0), *(_margins(*axis, padding) for axis in axes), (0, 0)], constant_values=fill)


def _margins(size: int, length: int, stride: int, padding: str) -> Pair:
    if padding == "causal":
        return length - 1, 0
    missing = max((-(-size // stride) - 1) * stride + length - size, 0)
    return missing // 2, missing - missing // 2


def pair(sizes: Shape) -> Pair:
    """Sizes along one axis or two as those of images; sequences are images of one row."""
    return sizes[0] if len(sizes) > 1 else 1, sizes[-1]


def as_images(x: Array) -> Array:
    return x if x.ndim == 4 else x[:, np.newaxis]


def places(x: Array, window: Pair, strides: Pair, dilation: Pair = (1, 1)) -> list[Array]:
    """For each place in a window of images what all windows show there: views of shape (n, rows, columns, channels).

    To go once over the batch for each place is many times faster than to reduce or multiply each small window.
    """
    view = sliding_window_view(x, reach(window, dilation), axis=(1, 2))[:, :: strides[0], :: strides[1]]
    return [view[..., row * dilation[0], column * dilation[1]] for row, column in np.ndindex(*window)]
