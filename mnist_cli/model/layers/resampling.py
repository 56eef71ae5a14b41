"""Layers that give images another size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mnist_cli.model.layers.base import Array, Count, Pair, Shape, Spatial, Weights

Interpolation = Literal["nearest", "bilinear", "bicubic"]


@dataclass(frozen=True)
class _Resampling(Spatial):
    """Images of another size, as `tf.image.resize` makes them."""

    rank = 3

    def _size(self, shape: Shape) -> Pair:
        """The new height and width."""
        raise NotImplementedError

    def output_shape(self, shape: Shape) -> Shape:
        return (*self._size(shape), shape[-1])

    def working_numbers(self, shape: Shape) -> int:
        """Those of the samplings, while they are made, and of images of the new height."""
        (height, width), channels = self._size(shape), shape[-1]
        return 4 * (height * shape[0] + width * shape[1]) + height * shape[1] * channels

    def overhead(self, shape: Shape) -> int:
        """The two products with the samplings."""
        height, width, channels = shape
        rows, columns = self._size(shape)
        return rows * height * width * channels + rows * columns * width * channels

    def _resampled(self, x: Array, interpolation: Interpolation, antialias: bool = False) -> Array:
        n, height, width, channels = x.shape
        size = self._size(x.shape[1:])
        rows = _sampling(height, size[0], interpolation, antialias)
        columns = _sampling(width, size[1], interpolation, antialias)
        y = (rows @ x.reshape(n, height, -1)).reshape(n * size[0], width, channels)
        return (columns @ y).reshape(n, *size, channels)


@dataclass(frozen=True)
class UpSampling2D(_Resampling):
    size: Pair
    interpolation: Interpolation = "nearest"

    def _size(self, shape: Shape) -> Pair:
        return shape[0] * self.size[0], shape[1] * self.size[1]

    def apply(self, weights: Weights, x: Array) -> Array:
        return self._resampled(x, self.interpolation)


@dataclass(frozen=True)
class Resizing(_Resampling):
    height: Count
    width: Count
    interpolation: Interpolation = "bilinear"
    antialias: bool = False

    only = {"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": False}

    def _size(self, shape: Shape) -> Pair:
        return self.height, self.width

    def apply(self, weights: Weights, x: Array) -> Array:
        return self._resampled(x, self.interpolation, self.antialias)


def _sampling(before: int, after: int, interpolation: str, antialias: bool) -> Array:
    """How much each place of an axis counts for each new place: float32, shape (after, before), rows of the sum 1."""
    scale = before / after
    centres = (np.arange(after) + 0.5) * scale
    if interpolation == "nearest":
        # In float32, as TensorFlow computes it: which of two equally near places is taken depends on that.
        centres = (np.arange(after, dtype=np.float32) + np.float32(0.5)) * (np.float32(before) / np.float32(after))
        return np.eye(before, dtype=np.float32)[np.minimum(centres.astype(int), before - 1)]
    distances = np.arange(before) + 0.5 - centres[:, np.newaxis]
    if interpolation == "bicubic" and not antialias:  # for which TensorFlow has a table of so many steps
        distances = np.rint(distances * 1024) / 1024
    shares = _KERNELS[interpolation](np.abs(distances) / (max(scale, 1) if antialias else 1))
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def _cubic(x: Array) -> Array:
    """Keys 1981, "Cubic convolution interpolation for digital image processing", with a = -0.5."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


_KERNELS: dict[str, Callable[[Array], Array]] = {"bilinear": lambda x: np.maximum(1 - x, 0), "bicubic": _cubic}
