"""Layers that resize images."""

from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnist_cli.model.layers.base import Array, Cost, Count, Pair, Shape, Spatial, Weights

Interpolation = Literal["nearest", "bilinear"]
Neighbours = list[tuple[NDArray[np.intp], Array]]
"""The old places that each new place along an axis is computed from: pairs of indices and weights, shape (after,)."""


@dataclass(frozen=True, kw_only=True)
class _Resampling(Spatial):
    """Resizes images as `tf.image.resize` does."""

    interpolation: Interpolation

    rank = 3

    def _size(self, shape: Shape) -> Pair:
        """The new height and width."""
        raise NotImplementedError

    def output_shape(self, shape: Shape) -> Shape:
        return (*self._size(shape), shape[-1])

    def neighbours(self, shape: Shape) -> tuple[Neighbours, Neighbours]:
        """Those of the rows and those of the columns of an image of `shape`."""
        height, width = self._size(shape)
        return _neighbours(shape[0], height, self.interpolation), _neighbours(shape[1], width, self.interpolation)

    def cost(self, shape: Shape) -> Cost:
        """A bilinear result is the sum of four weighted images."""
        return Cost(held_numbers=4 * prod(self.output_shape(shape)))

    def apply(self, weights: Weights, x: Array) -> Array:
        rows, columns = self.neighbours(x.shape[1:])
        parts = [
            x[:, row[:, np.newaxis], column] * (row_share[:, np.newaxis, np.newaxis] * column_share[:, np.newaxis])
            for (row, row_share), (column, column_share) in product(rows, columns)
        ]
        return reduce(np.add, parts)


@dataclass(frozen=True, kw_only=True)
class UpSampling2D(_Resampling):
    size: Pair
    interpolation: Interpolation = "nearest"

    def _size(self, shape: Shape) -> Pair:
        return shape[0] * self.size[0], shape[1] * self.size[1]


@dataclass(frozen=True, kw_only=True)
class Resizing(_Resampling):
    height: Count
    width: Count
    interpolation: Interpolation = "bilinear"

    fixed_options = {"antialias": False, "crop_to_aspect_ratio": False, "pad_to_aspect_ratio": False}

    def _size(self, shape: Shape) -> Pair:
        return self.height, self.width


def _neighbours(before: int, after: int, interpolation: Interpolation) -> Neighbours:
    """The neighbours along an axis whose size goes from `before` to `after`.

    The positions are float32, as in TensorFlow, because rounding decides which of two equally near places is the
    nearest.
    """
    centres = (np.arange(after, dtype=np.float32) + np.float32(0.5)) * (np.float32(before) / np.float32(after))
    if interpolation == "nearest":
        return [(np.minimum(centres.astype(int), before - 1), np.ones(after, np.float32))]
    positions = centres - np.float32(0.5)
    lower = np.floor(positions)
    shares = positions - lower
    low, high = (np.clip(index.astype(int), 0, before - 1) for index in (lower, lower + 1))
    return [(low, 1 - shares), (high, shares)]
