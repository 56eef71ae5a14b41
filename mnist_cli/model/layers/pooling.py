"""Pooling: windows, or all places, reduced to one number a channel."""

from dataclasses import dataclass
from math import prod

import numpy as np

from mnist_cli.model.layers.base import Array, Shape, Sizes, Spatial, Weights
from mnist_cli.model.layers.windows import Windowed, pair, places, places_cost


@dataclass(frozen=True, kw_only=True)
class _Pooling(Windowed):
    pool_size: Sizes

    sizes = ("pool_size", "strides")

    @property
    def window(self) -> Sizes:
        return self.pool_size

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.grid(shape), shape[-1])

    def overhead(self, shape: Shape) -> int:
        return places_cost(prod(self.output_shape(shape)), self.pool_size)

    def _reduced(self, operation: np.ufunc, x: Array, fill: float) -> Array:
        """Every window reduced to one number."""
        first, *others = places(self.padded(x, fill), pair(self.pool_size), pair(self.strides))
        result = first.copy()
        for place in others:
            operation(result, place, out=result)
        return result if x.ndim == 4 else result[:, 0]


class MaxPooling2D(_Pooling):
    rank = 3

    def apply(self, weights: Weights, x: Array) -> Array:
        return self._reduced(np.maximum, x, -np.inf)


class MaxPooling1D(MaxPooling2D):
    rank = 2


class AveragePooling2D(_Pooling):
    rank = 3

    def apply(self, weights: Weights, x: Array) -> Array:
        # Padding does not count: it is left out of the sum and of the number that divides it.
        ones = np.ones_like(x[:1, ..., :1])
        return self._reduced(np.add, x, 0) / self._reduced(np.add, ones, 0)


class AveragePooling1D(AveragePooling2D):
    rank = 2


@dataclass(frozen=True)
class _GlobalPooling(Spatial):
    keepdims: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        return (*(1 for _ in shape[:-1]), shape[-1]) if self.keepdims else shape[-1:]

    def _reduced(self, operation: np.ufunc, x: Array) -> Array:
        return operation.reduce(x, axis=tuple(range(1, x.ndim - 1)), keepdims=self.keepdims)


class GlobalMaxPooling2D(_GlobalPooling):
    rank = 3

    def apply(self, weights: Weights, x: Array) -> Array:
        return self._reduced(np.maximum, x)


class GlobalMaxPooling1D(GlobalMaxPooling2D):
    rank = 2


class GlobalAveragePooling2D(_GlobalPooling):
    rank = 3

    def apply(self, weights: Weights, x: Array) -> Array:
        return self._reduced(np.add, x) / np.float32(prod(x.shape[1:-1]))


class GlobalAveragePooling1D(GlobalAveragePooling2D):
    rank = 2
