"""Windows that slide over a batch of images or sequences: their number, their padding, and their values."""

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

    The fields named in `size_fields`, the first of which is the size of the window, hold a number for each of these
    axes, or one number for all. Raises `UnusableModel` for any other count.
    """

    strides: Sizes
    padding: Padding = "valid"

    size_fields: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        axes = (self.rank or 0) - 1
        for name in self.size_fields:
            values = getattr(self, name)
            if len(values) not in (1, axes):
                raise UnusableModel(f"the layer {self.name} has {name}={values} for {axes} axes")
            object.__setattr__(self, name, values * axes if len(values) == 1 else values)
        if self.padding == "causal" and axes > 1:
            raise UnusableModel(f"the layer {self.name} has causal padding, which is for Conv1D")

    @property
    def window(self) -> Sizes:
        sizes: Sizes = getattr(self, self.size_fields[0])
        return sizes

    @property
    def dilation(self) -> Sizes:
        return (1,) * len(self.window)

    def grid(self, shape: Shape) -> Shape:
        """The number of windows along each axis of `shape` but the last. Raises `UnusableModel`."""
        return tuple(_window_count(*axis, self.padding) for axis in self._axes(shape))

    def padded_size(self, shape: Shape) -> int:
        """The number of values in a padded input of `shape`."""
        return prod(size + sum(margins) for size, margins in zip(shape, self.margins(shape), strict=False)) * shape[-1]

    def padded(self, x: Array, fill: float = 0) -> Array:
        """A padded batch: shape (n, rows, columns, channels), with one row for sequences."""
        margins = self.margins(x.shape[1:])
        if any(map(sum, margins)):
            x = np.pad(x, ((0, 0), *margins, (0, 0)), constant_values=fill)
        return x if x.ndim == 4 else x[:, np.newaxis]

    def margins(self, shape: Shape) -> list[Pair]:
        """The padding before and after each axis of `shape` but the last."""
        return [_margins(*axis, self.padding) for axis in self._axes(shape)]

    def _axes(self, shape: Shape) -> Iterator[tuple[int, int, int]]:
        """For each axis of `shape` but the last: its size, the places that a window spans, and the stride."""
        return zip(shape[:-1], reach(self.window, self.dilation), self.strides, strict=True)


def reach(window: Shape, dilation: Shape) -> Shape:
    """The number of places that a window spans along each axis."""
    return tuple(rate * (size - 1) + 1 for size, rate in zip(window, dilation, strict=True))


def _window_count(size: int, length: int, stride: int, padding: str) -> int:
    """The number of windows along one axis; with "same" and "causal" padding, there is one for every stride.

    `length`: the number of places that a window spans. Raises `UnusableModel` if no window fits.
    """
    if padding != "valid":
        return -(-size // stride)
    if size < length:
        raise UnusableModel(f"a window of {length} does not fit into {size}")
    return (size - length) // stride + 1


def _margins(size: int, length: int, stride: int, padding: str) -> Pair:
    """The padding before and after one axis; with "same", an odd place goes after it."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return length - 1, 0
    missing = max((-(-size // stride) - 1) * stride + length - size, 0)
    return missing // 2, missing - missing // 2


def pair(sizes: Shape) -> Pair:
    """Sizes along one axis or two as (rows, columns)."""
    return sizes[0] if len(sizes) > 1 else 1, sizes[-1]


def places(x: Array, window: Pair, strides: Pair, dilation: Pair = (1, 1)) -> list[Array]:
    """A view for each place in a window, row by row: its value in every window, shape (n, rows, columns, channels).

    One pass over the batch for each place is many times faster than reducing or multiplying each small window.
    """
    view = sliding_window_view(x, reach(window, dilation), axis=(1, 2))[:, :: strides[0], :: strides[1]]
    return [view[..., row * dilation[0], column * dilation[1]] for row, column in np.ndindex(*window)]
