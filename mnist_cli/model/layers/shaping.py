"""Layers that learn nothing: they give another shape to what comes in, or do nothing after training."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from mnist_cli.model.layers.base import (
    Array,
    Count,
    Layer,
    Pair,
    Shape,
    Size,
    Spatial,
    UnusableModel,
    Weights,
    shape_text,
)

Margins = tuple[tuple[Size, Size], tuple[Size, Size]]
Interpolation = Literal["nearest", "bilinear", "bicubic"]


class Flatten(Spatial):
    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def apply(self, weights: Weights, x: Array) -> Array:
        return x.reshape(len(x), -1)


@dataclass(frozen=True)
class Reshape(Layer):
    target_shape: tuple[int, ...]

    def output_shape(self, shape: Shape) -> Shape:
        known = prod(size for size in self.target_shape if size != -1)
        rest = prod(shape) // known if known > 0 else 0
        target = tuple(rest if size == -1 else size for size in self.target_shape)
        if min(target, default=0) < 1 or self.target_shape.count(-1) > 1 or prod(target) != prod(shape):
            raise UnusableModel(f"{shape_text(shape)} can't be given the shape {shape_text(self.target_shape)}")
        return target

    def apply(self, weights: Weights, x: Array) -> Array:
        return x.reshape(len(x), *self.output_shape(x.shape[1:]))


@dataclass(frozen=True)
class Permute(Layer):
    dims: tuple[int, ...]
    """Axes of the input, counted from 1, in their new order."""

    def output_shape(self, shape: Shape) -> Shape:
        if sorted(self.dims) != list(range(1, len(shape) + 1)):
            raise UnusableModel(f"{shape_text(shape)} has no axes in the order {self.dims}")
        return tuple(shape[axis - 1] for axis in self.dims)

    def apply(self, weights: Weights, x: Array) -> Array:
        return x.transpose(0, *self.dims)


@dataclass(frozen=True)
class RepeatVector(Layer):
    n: Count

    rank = 1

    def output_shape(self, shape: Shape) -> Shape:
        return (self.n, *shape)

    def apply(self, weights: Weights, x: Array) -> Array:
        return np.repeat(x[:, np.newaxis], self.n, axis=1)


@dataclass(frozen=True)
class ZeroPadding2D(Spatial):
    padding: Margins

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = shape
        return (height + sum(self.padding[0]), width + sum(self.padding[1]), channels)

    def apply(self, weights: Weights, x: Array) -> Array:
        return np.pad(x, ((0, 0), *self.padding, (0, 0)))


@dataclass(frozen=True)
class Cropping2D(Spatial):
    cropping: Margins

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = shape
        left = (height - sum(self.cropping[0]), width - sum(self.cropping[1]), channels)
        if min(left) < 1:
            raise UnusableModel(f"cropping {shape_text(shape)} by {self.cropping} leaves nothing")
        return left

    def apply(self, weights: Weights, x: Array) -> Array:
        (top, bottom), (left, right) = self.cropping
        _, height, width, _ = x.shape
        return x[:, top : height - bottom, left : width - right]


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


class Inactive(Layer):
    """A layer that does nothing after training."""


@dataclass(frozen=True)
class Dropout(Inactive):
    """Srivastava et al. 2014 (JMLR 15): zeroes a share `rate` of its input in training."""

    rate: float


# Their options matter in training only, and need no fields.
OTHERS_INACTIVE = (
    "ActivityRegularization",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomHeight",
    "RandomRotation",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "SpatialDropout1D",
    "SpatialDropout2D",
)
