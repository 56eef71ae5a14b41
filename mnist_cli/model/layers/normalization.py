"""Normalization by the statistics of the training images or of each image, and rescaling."""

from dataclasses import dataclass
from math import prod

import numpy as np

from mnist_cli.model.layers.base import (
    Array,
    Axis,
    Constants,
    Cost,
    Layer,
    Shape,
    UnusableModel,
    Weights,
    axis_index,
    axis_indices,
)

# The default of Keras' `epsilon()`.
_EPSILON = 1e-7

Axes = tuple[Axis, ...]


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Ioffe and Szegedy 2015 (arXiv:1502.03167), with the moving mean and variance from training."""

    axis: Axis = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    frozen_weights = 2
    fixed_options = {"renorm": False}

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        size = shape[axis_index(self.axis, shape)]
        return ((size,),) * (self.scale + self.center + self.frozen_weights)

    def cost(self, shape: Shape) -> Cost:
        return Cost(multiply_adds=prod(shape))

    def factor_and_offset(self, weights: Weights, shape: Shape) -> tuple[Array, Array]:
        """What a batch of inputs of `shape` is multiplied by, and what is added then; both broadcast with it."""
        *learned, mean, variance = weights
        factor = 1 / np.sqrt(variance + np.float32(self.epsilon))
        if self.scale:
            factor = factor * learned.pop(0)
        offset = (learned.pop() if self.center else 0) - mean * factor
        axes = {axis_index(self.axis, shape) + 1}
        return along(axes, factor, shape), along(axes, offset, shape)

    def apply(self, weights: Weights, x: Array) -> Array:
        factor, offset = self.factor_and_offset(weights, x.shape[1:])
        y = x * factor
        y += offset
        return y


@dataclass(frozen=True)
class LayerNormalization(Layer):
    """Ba, Kiros and Hinton 2016 (arXiv:1607.06450)."""

    axis: Axes = (-1,)
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    fixed_options = {"rms_scaling": False}

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        sizes = tuple(shape[index] for index in axis_indices(self.axis, shape))
        return (sizes,) * (self.scale + self.center)

    def apply(self, weights: Weights, x: Array) -> Array:
        axes = tuple(index + 1 for index in axis_indices(self.axis, x.shape[1:]))
        y: Array = x - x.mean(axis=axes, keepdims=True)
        y /= np.sqrt(np.square(y).mean(axis=axes, keepdims=True) + np.float32(self.epsilon))
        learned = [along(set(axes), array, x.shape[1:]) for array in weights]
        if self.scale:
            y *= learned.pop(0)
        if self.center:
            y += learned.pop()
        return y


@dataclass(frozen=True)
class Normalization(Layer):
    """(x - mean) / standard deviation for each place along `axis`, learned from data or given as constants."""

    axis: Axes | None = (-1,)
    mean: Constants | None = None
    variance: Constants | None = None

    frozen_weights = 3  # mean, variance, and the number of images that they were computed from
    fixed_options = {"invert": False}

    def output_shape(self, shape: Shape) -> Shape:
        places, given = self._places(shape), (self.mean, self.variance)
        if given != (None, None) and any(values is None or np.shape(values) not in ((), places) for values in given):
            raise UnusableModel(f"the layer {self.name} does not have {prod(places)} means and variances")
        return shape

    def _places(self, shape: Shape) -> Shape:
        """The shape of the means and of the variances."""
        return tuple(shape[index] for index in sorted(axis_indices(self.axis or (), shape)))

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        places = self._places(shape)
        return () if self.mean is not None else (places, places, ())

    def statistics(self, weights: Weights, shape: Shape) -> tuple[Array, Array]:
        """The means and the standard deviations, float32, which broadcast with a batch of inputs of `shape`."""
        axes = {index + 1 for index in axis_indices(self.axis or (), shape)}
        if weights:
            mean, variance = weights[:2]
        else:
            mean, variance = np.asarray(self.mean, np.float32), np.asarray(self.variance, np.float32)
        deviation = np.maximum(np.sqrt(variance), np.float32(_EPSILON))
        return along(axes, mean, shape), along(axes, deviation, shape)

    def apply(self, weights: Weights, x: Array) -> Array:
        mean, deviation = self.statistics(weights, x.shape[1:])
        return (x - mean) / deviation


@dataclass(frozen=True)
class Rescaling(Layer):
    scale: Constants
    offset: Constants = 0.0

    def output_shape(self, shape: Shape) -> Shape:
        if any(np.shape(values) not in ((), shape[-1:]) for values in (self.scale, self.offset)):
            raise UnusableModel(f"the layer {self.name} does not have one factor for each channel")
        return shape

    def apply(self, weights: Weights, x: Array) -> Array:
        return x * np.asarray(self.scale, np.float32) + np.asarray(self.offset, np.float32)


def along(axes: set[int], values: Array, shape: Shape) -> Array:
    """Values for each place along some axes of a batch, or a single value, reshaped to broadcast with the batch.

    `axes` count from 0, the batch axis; `shape` is that of an item of the batch.
    """
    return values.reshape([1, *(size if axis in axes and values.size > 1 else 1 for axis, size in enumerate(shape, 1))])
