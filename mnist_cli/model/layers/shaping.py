"""Layers without weights that change the shape of their input or do nothing after training."""

from dataclasses import dataclass
from math import prod

import numpy as np

from mnist_cli.model.layers.base import Array, Layer, Shape, Size, Spatial, UnusableModel, Weights, shape_text


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
            raise UnusableModel(f"{shape_text(shape)} can't be reshaped to {shape_text(self.target_shape)}")
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
class ZeroPadding2D(Spatial):
    padding: tuple[tuple[Size, Size], tuple[Size, Size]]
    """((top, bottom), (left, right))."""

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = shape
        return (height + sum(self.padding[0]), width + sum(self.padding[1]), channels)

    def apply(self, weights: Weights, x: Array) -> Array:
        return np.pad(x, ((0, 0), *self.padding, (0, 0)))


class Inactive(Layer):
    """A layer that does nothing after training."""


@dataclass(frozen=True)
class Dropout(Inactive):
    """Srivastava et al. 2014 (JMLR 15): in training it zeroes the share `rate` of its input."""

    rate: float
