"""Normalizations: by figures from the training, or by each image's own."""

from dataclasses import dataclass
from math import prod

import numpy as np

from mnist_cli.model.layers.base import (
    Array,
    Axis,
    Figures,
    Layer,
    Shape,
    UnusableModel,
    Weights,
    axis_index,
    axis_indices,
)

# What Keras' `epsilon()` is unless somebody sets another.
_EPSILON = 1e-7

Axes = tuple[Axis, ...]


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Ioffe and Szegedy 2015 (arXiv:1502.03167), with the moving mean and variance of the training."""

    axis: Axis = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    frozen_weights = 2
    only = {"renorm": False}

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        size = shape[axis_index(self.axis, shape)]
        return ((size,),) * (self.scale + self.center + self.frozen_weights)

    def multiply_adds(self, shape: Shape) -> int:
        return prod(shape)

    def apply(self, weights: Weights, x: Array) -> Array:
        *learned, mean, variance = weights
        factor = 1 / np.sqrt(variance + np.float32(self.epsilon))
        if self.scale:
            factor = factor * learned.pop(0)
        offset = (learned.pop() if self.center else 0) - mean * factor
        axis = axis_index(self.axis, x.shape[1:]) + 1
        y = x * _along(factor, axis, x.ndim)
        y += _along(offset, axis, x.ndim)
        return y


def _along(values: Array, axis: int, dimensions: int) -> Array:
    """Values that go along one axis of a batch."""
    return values.reshape([-1 if index == axis else 1 for index in range(dimensions)])


@dataclass(frozen=True)
class LayerNormalization(Layer):
    """Ba, Kiros and Hinton 2016 (arXiv:1607.06450)."""

    axis: Axes = (-1,)
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    only = {"rms_scaling": False}

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        sizes = tuple(shape[index] for index in axis_indices(self.axis, shape))
        return (sizes,) * (self.scale + self.center)

    def apply(self, weights: Weights, x: Array) -> Array:
        axes = tuple(index + 1 for index in axis_indices(self.axis, x.shape[1:]))
        y: Array = x - x.mean(axis=axes, keepdims=True)
        y /= np.sqrt(np.square(y).mean(axis=axes, keepdims=True) + np.float32(self.epsilon))
        learned = [array.reshape([x.shape[i] if i in axes else 1 for i in range(x.ndim)]) for array in weights]
        if self.scale:
            y *= learned.pop(0)
        if self.center:
            y += learned.pop()
        return y


@dataclass(frozen=True)
class Normalization(Layer):
    """(x - mean) / standard deviation, for each place along `axis`, as learned from data or given."""

    axis: Axes | None = (-1,)
    mean: Figures | None = None
    variance: Figures | None = None
    invert: bool = False

    frozen_weights = 3  # mean, variance, and how many images they are of

    def output_shape(self, shape: Shape) -> Shape:
        figures, given = self._figures_shape(shape), [self.mean, self.variance]
        if given != [None, None] and any(values is None or np.shape(values) not in ((), figures) for values in given):
            raise UnusableModel(f"the layer {self.name} does not have {prod(figures)} means and variances")
        return shape

    def _figures_shape(self, shape: Shape) -> Shape:
        return tuple(shape[index] for index in sorted(axis_indices(self.axis or (), shape)))

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        figures = self._figures_shape(shape)
        return () if self.mean is not None else (figures, figures, ())

    def apply(self, weights: Weights, x: Array) -> Array:
        mean, variance = (np.asarray(v, np.float32) for v in weights[:2] or (self.mean, self.variance))
        kept = {index + 1 for index in axis_indices(self.axis or (), x.shape[1:])}
        sizes = [size if index in kept else 1 for index, size in enumerate(x.shape)]
        mean, deviation = (np.broadcast_to(v.reshape(sizes) if v.size > 1 else v, sizes) for v in (mean, variance**0.5))
        deviation = np.maximum(deviation, np.float32(_EPSILON))
        return x * deviation + mean if self.invert else (x - mean) / deviation


@dataclass(frozen=True)
class Rescaling(Layer):
    scale: Figures
    offset: Figures = 0.0

    def output_shape(self, shape: Shape) -> Shape:
        if any(np.shape(values) not in ((), (1,), shape[-1:]) for values in (self.scale, self.offset)):
            raise UnusableModel(f"the layer {self.name} does not have one factor for each channel")
        return shape

    def apply(self, weights: Weights, x: Array) -> Array:
        return x * np.asarray(self.scale, np.float32) + np.asarray(self.offset, np.float32)
