"""Layers that make one output of several inputs."""

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from mnist_cli.model.layers.base import Array, Axis, Layer, Shape, UnusableModel, Weights, axis_index, shape_text


class _Merge(Layer):
    """Works number by number; an axis of size 1 goes with any other."""

    merges = True
    operation: ClassVar[np.ufunc]

    def output_shape(self, *shapes: Shape) -> Shape:
        sizes = [set(axis) - {1} or {1} for axis in zip(*shapes, strict=False)]
        if len({len(shape) for shape in shapes}) > 1 or any(len(size) > 1 for size in sizes):
            raise UnusableModel(f"the layer {self.name} can't take {' and '.join(map(shape_text, shapes))} together")
        return tuple(size.pop() for size in sizes)

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        return reduce(self.operation, inputs)


class Add(_Merge):
    operation = np.add


class Average(_Merge):
    operation = np.add

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        return super().apply(weights, *inputs) / np.float32(len(inputs))


class Maximum(_Merge):
    operation = np.maximum


class Minimum(_Merge):
    operation = np.minimum


class Multiply(_Merge):
    operation = np.multiply


class Subtract(_Merge):
    operation = np.subtract

    def output_shape(self, *shapes: Shape) -> Shape:
        if len(shapes) != 2:
            raise UnusableModel(f"the layer {self.name} takes two inputs")
        return super().output_shape(*shapes)


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
