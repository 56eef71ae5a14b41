"""Pooling: windows, or all places, reduced to one number a channel."""

from dataclasses import dataclass

import numpy as np

from mnist_cli.model.layers.base import Array, Layer, Shape, Sizes, Spatial, Weights
from mnist_cli.model.layers.windows import Windowed, as_images, grid, padded, pair, places


@dataclass(frozen=True, kw_only=True)
class _Pooling(Windowed):
    pool_size: Sizes
    strides: Sizes

    sizes = ("pool_size", "strides")

    def output_shape(self, *shapes: Shape) -> Shape:
        return (*grid(shapes[0], self.pool_size, self.strides, self.padding), shapes[0][-1])

    def _reduced(self, operation: np.ufunc, x: Array, fill: float) -> Array:
        """Every window reduced to one number."""
        images = as_images(padded(x, self.pool_size, self.strides, self.padding, fill))
        first, *others = places(images, pair(self.pool_size), pair(self.strides))
        result = first.copy()
        for place in others:
            operation(result, place, out=result)
        return result if x.ndim == 4 else result[:, 0]


class MaxPooling2D(_Pooling):
    rank = 3

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        return self._reduced(np.maximum, inputs[0], -np.inf)


class MaxPooling1D(MaxPooling2D):
    rank = 2


class AveragePooling2D(_Pooling):
    rank = 3

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        # Padding does not count: it is left out of the sum and of the number that divides it.
        ones = np.ones_like(inputs[0][:1, ..., :1])
        return self._reduced(np.add, inputs[0], 0) / self._reduced(np.add, ones, 0)


class AveragePooling1D(AveragePooling2D):
    rank = 2


@dataclass(frozen=True)
class _GlobalPooling(Spatial):
    keepdims: bool = False

    def output_shape(self, *shapes: Shape) -> Shape:
        return (*(1 for _ in shapes[0][:-1]), shapes[0][-1]) if self.keepdims else shapes[0][-1:]

    def _reduced(self, operation: np.ufunc, x: Array) -> Array:
        result: Array = operation.reduce(x, axis=tuple(range(1, x.ndim - 1)), keepdims=self.keepdims)
        return result


class GlobalMaxPooling2D(_GlobalPooling):
    rank = 3

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        return self._reduced(np.maximum, inputs[0])


class GlobalMaxPooling1D(GlobalMaxPooling2D):
    rank = 2


class GlobalAveragePooling2D(_GlobalPooling):
    rank = 3

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        (x,) = inputs
        return self._reduced(np.add, x) / np.float32(x[0, ..., 0].size)


class GlobalAveragePooling1D(GlobalAveragePooling2D):
    rank = 2


LAYERS: tuple[type[Layer], ...] = (
    *(AveragePooling1D, AveragePooling2D, GlobalAveragePooling1D, GlobalAveragePooling2D),
    *(GlobalMaxPooling1D, GlobalMaxPooling2D, MaxPooling1D, MaxPooling2D),
)
