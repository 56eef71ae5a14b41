"""Layers as ONNX nodes. ONNX has the channels first; all values between layers have them last, as in the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce, singledispatch
from math import prod
from typing import Any

import numpy as np

from mnist_cli.exporting.network import LOWEST_LOGIT, UnitLength, UnitSigmoids, UnitSum
from mnist_cli.exporting.onnx_activations import add_activation, add_activation_layer
from mnist_cli.exporting.onnx_graph import Graph, batch, to_channels_first, to_channels_last
from mnist_cli.model.layers.activations import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from mnist_cli.model.layers.base import Array, Layer, Shape, Weights, axis_index, axis_indices
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.merging import Add, Average, Concatenate, Maximum, Multiply
from mnist_cli.model.layers.normalization import BatchNormalization, LayerNormalization, Normalization, Rescaling, along
from mnist_cli.model.layers.pooling import GlobalAveragePooling2D, GlobalMaxPooling2D
from mnist_cli.model.layers.resampling import Resizing, UpSampling2D
from mnist_cli.model.layers.shaping import Flatten, Inactive, Permute, Reshape, ZeroPadding2D


@dataclass(frozen=True)
class Call:
    """One call of a layer: its inputs, their shapes with the channels last, and its arrays as `arranged` gives them."""

    graph: Graph
    inputs: Sequence[str]
    shapes: Sequence[Shape]
    arrays: Weights

    @property
    def x(self) -> str:
        return self.inputs[0]

    @property
    def shape(self) -> Shape:
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """The number of axes of the first input, with that of the batch."""
        return len(self.shape) + 1

    def add_channels_first(self, operator: str, x: str, *arrays: Array, **attributes: Any) -> str:
        """Add a node that wants the channels first, between two transpositions."""
        y = self.graph.add(operator, self.graph.transpose(x, to_channels_first(self.rank)), *arrays, **attributes)
        return self.graph.transpose(y, to_channels_last(self.rank))


@singledispatch
def arranged(layer: Layer, weights: Weights, shape: Shape) -> Weights:
    """A layer's arrays in the form in which its nodes take them. `shape`: that of its input."""
    return weights


@singledispatch
def add_layer(layer: Layer, call: Call) -> str:
    """Add the nodes of a layer; its output.

    Raises `NotImplementedError` if ONNX can't express it. The message says what about the layer, or is empty.
    """
    raise NotImplementedError


@add_layer.register
def _inactive(layer: Inactive, call: Call) -> str:
    return call.x


@add_layer.register(Activation)
@add_layer.register(ReLU)
@add_layer.register(LeakyReLU)
@add_layer.register(PReLU)
@add_layer.register(ELU)
@add_layer.register(Softmax)
def _activation(layer: Layer, call: Call) -> str:
    return add_activation_layer(call.graph, layer, call.arrays, call.x)


@add_layer.register
def _dense(layer: Dense, call: Call) -> str:
    kernel, *bias = call.arrays
    y = call.graph.add("MatMul", call.x, kernel)
    if bias:
        y = call.graph.add("Add", y, bias[0])
    return add_activation(call.graph, layer.activation, y)


@add_layer.register
def _global_max_pooling(layer: GlobalMaxPooling2D, call: Call) -> str:
    return call.graph.add("ReduceMax", call.x, axes=range(1, call.rank - 1), keepdims=int(layer.keepdims))


@add_layer.register
def _global_average_pooling(layer: GlobalAveragePooling2D, call: Call) -> str:
    return call.graph.add("ReduceMean", call.x, axes=range(1, call.rank - 1), keepdims=int(layer.keepdims))


# Shapes and sizes


@add_layer.register
def _flatten(layer: Flatten, call: Call) -> str:
    return call.graph.add("Reshape", call.x, batch((prod(call.shape),)))


@add_layer.register
def _reshape(layer: Reshape, call: Call) -> str:
    return call.graph.add("Reshape", call.x, batch(layer.output_shape(call.shape)))


@add_layer.register
def _permute(layer: Permute, call: Call) -> str:
    return call.graph.transpose(call.x, (0, *layer.dims))


@add_layer.register
def _padding(layer: ZeroPadding2D, call: Call) -> str:
    (top, bottom), (left, right) = layer.padding
    return call.graph.add("Pad", call.x, [0, top, left, 0, 0, bottom, right, 0])


@add_layer.register(Resizing)
@add_layer.register(UpSampling2D)
def _resampling(layer: Resizing | UpSampling2D, call: Call) -> str:
    """Along each axis the sum of one or two weighted neighbours: ONNX's Resize rounds otherwise than TensorFlow."""
    y = call.x
    for axis, neighbours in enumerate(layer.neighbours(call.shape), 1):
        parts = [call.graph.add("Gather", y, indices, axis=axis) for indices, _ in neighbours]
        if len(parts) > 1:
            shares = (share.reshape(-1, *[1] * (3 - axis)) for _, share in neighbours)
            parts = [call.graph.add("Mul", part, share) for part, share in zip(parts, shares, strict=True)]
            parts = [call.graph.add("Add", *parts)]
        y = parts[0]
    return y


# Merging


@add_layer.register
def _add(layer: Add, call: Call) -> str:
    return call.graph.add("Sum", *call.inputs)


@add_layer.register
def _average(layer: Average, call: Call) -> str:
    return call.graph.add("Mean", *call.inputs)


@add_layer.register
def _maximum(layer: Maximum, call: Call) -> str:
    return call.graph.add("Max", *call.inputs)


@add_layer.register
def _multiply(layer: Multiply, call: Call) -> str:
    return reduce(lambda x, y: call.graph.add("Mul", x, y), call.inputs)


@add_layer.register
def _concatenate(layer: Concatenate, call: Call) -> str:
    return call.graph.add("Concat", *call.inputs, axis=1 + axis_index(layer.axis, call.shape))


# Normalization


@arranged.register
def _(layer: BatchNormalization, weights: Weights, shape: Shape) -> Weights:
    return layer.factor_and_offset(weights, shape)


@add_layer.register
def _batch_normalization(layer: BatchNormalization, call: Call) -> str:
    factor, offset = call.arrays
    return call.graph.add("Add", call.graph.add("Mul", call.x, factor), offset)


@arranged.register
def _(layer: LayerNormalization, weights: Weights, shape: Shape) -> Weights:
    axes = {index + 1 for index in axis_indices(layer.axis, shape)}
    return tuple(along(axes, array, shape) for array in weights)


@add_layer.register
def _layer_normalization(layer: LayerNormalization, call: Call) -> str:
    graph, axes = call.graph, [index + 1 for index in axis_indices(layer.axis, call.shape)]
    centred = graph.add("Sub", call.x, graph.add("ReduceMean", call.x, axes=axes))
    variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=axes)
    y = graph.add("Div", centred, graph.add("Sqrt", graph.add("Add", variance, float(layer.epsilon))))
    arrays = list(call.arrays)
    if layer.scale:
        y = graph.add("Mul", y, arrays.pop(0))
    return graph.add("Add", y, arrays[0]) if layer.center else y


@arranged.register
def _(layer: Normalization, weights: Weights, shape: Shape) -> Weights:
    return layer.statistics(weights, shape)


@add_layer.register
def _normalization(layer: Normalization, call: Call) -> str:
    mean, deviation = call.arrays
    return call.graph.add("Div", call.graph.add("Sub", call.x, mean), deviation)


@add_layer.register
def _rescaling(layer: Rescaling, call: Call) -> str:
    scale, offset = (np.asarray(values, np.float32) for values in (layer.scale, layer.offset))
    return call.graph.add("Add", call.graph.add("Mul", call.x, scale), offset)


# The interface of the model


@add_layer.register
def _unit_length(layer: UnitLength, call: Call) -> str:
    squares = call.graph.add("ReduceSum", call.graph.add("Mul", call.x, call.x), np.array([layer.axis]))
    is_empty = call.graph.add("Equal", squares, 0.0)
    return call.graph.add("Div", call.x, call.graph.add("Where", is_empty, 1.0, call.graph.add("Sqrt", squares)))


@add_layer.register
def _unit_sum(layer: UnitSum, call: Call) -> str:
    sums = call.graph.add("ReduceSum", call.x, np.array([1]))
    is_empty = call.graph.add("Equal", sums, 0.0)
    share = call.graph.add("Div", call.x, call.graph.add("Where", is_empty, 1.0, sums))
    return call.graph.add("Where", is_empty, 0.1, share)


@add_layer.register
def _unit_sigmoids(layer: UnitSigmoids, call: Call) -> str:
    logits = call.graph.add("Max", call.x, LOWEST_LOGIT)
    logarithms = call.graph.add("Neg", call.graph.add("Softplus", call.graph.add("Neg", logits)))
    return call.graph.add("Softmax", logarithms, axis=-1)
