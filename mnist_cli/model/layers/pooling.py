"""Pooling: each channel is reduced to one value per window, or to a single value."""

from dataclasses import dataclass
from math import prod

import numpy as np

from mnist_cli.model.layers.base import CALL_COST, NUMBER_COST, Array, Cost, Shape, Sizes, Spatial, Weights
from mnist_cli.model.layers.windows import Windowed, pair, places


@dataclass(frozen=True, kw_only=True)
class _Pooling(Windowed):
    pool_size: Sizes

    rank = 3
    size_fields = ("pool_size", "strides")

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.grid(shape), shape[-1])

    def cost(self, shape: Shape) -> Cost:
        overhead = prod(self.pool_size) * (CALL_COST + NUMBER_COST * prod(self.output_shape(shape)))
        return Cost(held_numbers=self.padded_size(shape), overhead=overhead)

    def _reduced(self, operation: np.ufunc, x: Array, fill: float) -> Array:
        """Every window of the batch, padded with `fill`, reduced to one value per channel."""
        first, *others = places(self.padded(x, fill), pair(self.pool_size), pair(self.strides))
        result = first.copy()
        for place in others:
            operation(result, place, out=result)
        return result if x.ndim == 4 else result[:, 0]


class MaxPooling2D(_Pooling):
    def apply(self, weights: Weights, x: Array) -> Array:
        return self._reduced(np.maximum, x, -np.inf)


class MaxPooling1D(MaxPooling2D):
    rank = 2


class AveragePooling2D(_Pooling):
    def apply(self, weights: Weights, x: Array) -> Array:
        # The mean leaves out the padding: it divides by the number of real places in each window.
        ones = np.ones_like(x[:1, ..., :1])
        return self._reduced(np.add, x, 0) / self._reduced(np.add, ones, 0)


class AveragePooling1D(AveragePooling2D):
    rank = 2


@dataclass(frozen=True)
class _GlobalPooling(Spatial):
    keepdims: bool = False

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (*(1 for _ in shape[:-1]), shape[-1]) if self.keepdims else shape[-1:]


class GlobalMaxPooling2D(_GlobalPooling):
    def apply(self, weights: Weights, x: Array) -> Array:
        return x.max(axis=tuple(range(1, x.ndim - 1)), keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalMaxPooling2D):
    rank = 2


class GlobalAveragePooling2D(_GlobalPooling):
    def apply(self, weights: Weights, x: Array) -> Array:
        return x.mean(axis=tuple(range(1, x.ndim - 1)), keepdims=self.keepdims)


class GlobalAveragePooling1D(GlobalAveragePooling2D):
    rank = 2
