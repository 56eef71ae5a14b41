"""Windows that slide over a batch of images or sequences: their number, their padding, and the numbers in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mnist_cli.model.layers.base import Array, Pair, Shape, Sizes, Spatial, UnusableModel

Padding = Literal["valid", "same", "causal"]


@dataclass(frozen=True, kw_only=True)
class Windowed(Spatial):
    """A layer whose window slides along one axis (`rank` 2) or two (`rank` 3) before that of the channels.

    The fields named in `sizes`, first the size of the window, have a number for each of these axes; a single number
    stands for all. Raises `UnusableModel` for any other count.
    """

    strides: Sizes
    padding: Padding = "valid"

    sizes: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        axes = (self.rank or 0) - 1
        for name in self.sizes:
            values = getattr(self, name)
            if len(values) not in (1, axes):
                raise UnusableModel(f"the layer {self.name} has {name}={values} for {axes} axes")
            object.__setattr__(self, name, values * axes if len(values) == 1 else values)
        if self.padding == "causal" and axes > 1:
            raise UnusableModel(f"the layer {self.name} has causal padding, which is for Conv1D")

    @property
    def window(self) -> Sizes:
        sizes: Sizes = getattr(self, self.sizes[0])
        return sizes

    @property
    def dilation(self) -> Sizes:
        return (1,) * len(self.window)

    def grid(self, shape: Shape) -> Shape:
        """The number of windows along each axis of `shape` but the last. Raises `UnusableModel`."""
        return tuple(_steps(*axis, self.padding) for axis in self._axes(shape))

    def padded_size(self, shape: Shape) -> int:
        """How many numbers a padded input of `shape` has."""
        return prod(size + sum(margins) for size, margins in zip(shape, self._margins(shape), strict=False)) * shape[-1]

    def padded(self, x: Array, fill: float = 0) -> Array:
        """A batch with its margins, sequences as images of one row."""
        margins = self._margins(x.shape[1:])
        if any(map(sum, margins)):
            x = np.pad(x, ((0, 0), *margins, (0, 0)), constant_values=fill)
        return x if x.ndim == 4 else x[:, np.newaxis]

    def _margins(self, shape: Shape) -> list[Pair]:
        """The places added before and after each axis of `shape` but the last."""
        return [_margins(*axis, self.padding) for axis in self._axes(shape)]

    def _axes(self, shape: Shape) -> Iterator[tuple[int, int, int]]:
        """The size of each axis of `shape` but the last, the places that a window spans along it, and the stride."""
        return zip(shape[:-1], reach(self.window, self.dilation), self.strides, strict=True)


def reach(window: Shape, dilation: Shape) -> Shape:
    """The number of places that a window spans along each axis."""
    return tuple(rate * (size - 1) + 1 for size, rate in zip(window, dilation, strict=True))


def _steps(size: int, length: int, stride: int, padding: str) -> int:
    """The number of windows along one axis; "same" and "causal" pad until every stride has its window."""
    if padding != "valid":
        return -(-size // stride)
    if size < length:
        raise UnusableModel(f"a window of {length} does not fit into {size}")
    return (size - length) // stride + 1


def _margins(size: int, length: int, stride: int, padding: str) -> Pair:
    """The padding before and after one axis; with "same", the odd place goes after it."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return length - 1, 0
    missing = max((-(-size // stride) - 1) * stride + length - size, 0)
    return missing // 2, missing - missing // 2


def pair(sizes: Shape) -> Pair:
    """Sizes along one axis or two as those of images."""
    return sizes[0] if len(sizes) > 1 else 1, sizes[-1]


def places(x: Array, window: Pair, strides: Pair, dilation: Pair = (1, 1)) -> list[Array]:
    """For each place in a window of images its number in all windows: views of shape (n, rows, columns, channels).

    To go over the batch once for each place is many times faster than to reduce or multiply each small window.
    """
    view = sliding_window_view(x, reach(window, dilation), axis=(1, 2))[:, :: strides[0], :: strides[1]]
    return [view[..., row * dilation[0], column * dilation[1]] for row, column in np.ndindex(*window)]
