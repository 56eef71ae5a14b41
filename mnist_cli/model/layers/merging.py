"""Layers that merge several inputs into one output."""

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from mnist_cli.model.layers.base import Array, Axis, Layer, Shape, UnusableModel, Weights, axis_index, shape_text


class _Merge(Layer):
    """Combines its inputs elementwise, with broadcasting."""

    merges = True
    operation: ClassVar[np.ufunc]

    def output_shape(self, *shapes: Shape) -> Shape:
        try:
            merged = np.broadcast_shapes(*shapes)
        except ValueError:
            merged = ()
        if {len(shape) for shape in shapes} != {len(merged)}:
            raise UnusableModel(f"the layer {self.name} can't combine {' and '.join(map(shape_text, shapes))}")
        return merged

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        return reduce(self.operation, inputs)


class Add(_Merge):
    operation = np.add


class Average(Add):
    def apply(self, weights: Weights, *inputs: Array) -> Array:
        return super().apply(weights, *inputs) / np.float32(len(inputs))


class Maximum(_Merge):
    operation = np.maximum


class Multiply(_Merge):
    operation = np.multiply


@dataclass(frozen=True)
class Concatenate(Layer):
    axis: Axis = -1

    merges = True

    def output_shape(self, *shapes: Shape) -> Shape:
        index = axis_index(self.axis, shapes[0])
        if len({(*shape[:index], *shape[index + 1 :]) for shape in shapes}) > 1:
            raise UnusableModel(f"the layer {self.name} can't join {' and '.join(map(shape_text, shapes))}")
        return (*shapes[0][:index], sum(shape[index] for shape in shapes), *shapes[0][index + 1 :])

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        return np.concatenate(inputs, axis=self.axis)
