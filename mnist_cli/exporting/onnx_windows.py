"""Layers whose window slides over their input, as ONNX nodes: convolutions and pooling."""

from typing import Any

import numpy as np

from mnist_cli.exporting.onnx_activations import add_activation
from mnist_cli.exporting.onnx_layers import Call, add_layer, arranged
from mnist_cli.model.layers.base import Array, Shape, Weights
from mnist_cli.model.layers.convolution import Conv2D, DepthwiseConv2D, SeparableConv2D
from mnist_cli.model.layers.pooling import AveragePooling2D, MaxPooling2D
from mnist_cli.model.layers.windows import Windowed


def _windows(layer: Windowed, shape: Shape) -> dict[str, Any]:
    """The attributes of a node whose window slides as that of a layer."""
    margins = layer.margins(shape)
    pads = [before for before, _ in margins] + [after for _, after in margins]
    return {"kernel_shape": layer.window, "strides": layer.strides, "pads": pads}


def _kernel(kernel: Array) -> Array:
    """A kernel with its last two axes first, the filters before the channels."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _depthwise_kernel(kernel: Array) -> Array:
    """A kernel of shape (rows, columns, channels, filters for each) as one of shape (filters, 1, rows, columns)."""
    rows, columns, channels, multiplier = kernel.shape
    return np.moveaxis(kernel, (-2, -1), (0, 1)).reshape(channels * multiplier, 1, rows, columns)


@arranged.register
def _(layer: Conv2D, weights: Weights, shape: Shape) -> Weights:
    return (_kernel(weights[0]), *weights[1:])


@add_layer.register
def _conv(layer: Conv2D, call: Call) -> str:
    windows = _windows(layer, call.shape)
    y = call.add_channels_first("Conv", call.x, *call.arrays, dilations=layer.dilation, **windows)
    return add_activation(call.graph, layer.activation, y)


@arranged.register
def _(layer: DepthwiseConv2D, weights: Weights, shape: Shape) -> Weights:
    return (_depthwise_kernel(weights[0]), *weights[1:])


@add_layer.register
def _depthwise(layer: DepthwiseConv2D, call: Call) -> str:
    return add_activation(call.graph, layer.activation, _convolved_by_channel(layer, call, call.arrays))


def _convolved_by_channel(layer: DepthwiseConv2D, call: Call, arrays: Weights) -> str:
    windows = _windows(layer, call.shape)
    return call.add_channels_first("Conv", call.x, *arrays, dilations=layer.dilation, group=call.shape[-1], **windows)


@arranged.register
def _(layer: SeparableConv2D, weights: Weights, shape: Shape) -> Weights:
    return (_depthwise_kernel(weights[0]), _kernel(weights[1]), *weights[2:])


@add_layer.register
def _separable(layer: SeparableConv2D, call: Call) -> str:
    depthwise = _convolved_by_channel(layer, call, call.arrays[:1])
    y = call.add_channels_first("Conv", depthwise, *call.arrays[1:])
    return add_activation(call.graph, layer.activation, y)


@add_layer.register
def _max_pooling(layer: MaxPooling2D, call: Call) -> str:
    return call.add_channels_first("MaxPool", call.x, **_windows(layer, call.shape))


@add_layer.register
def _average_pooling(layer: AveragePooling2D, call: Call) -> str:
    return call.add_channels_first("AveragePool", call.x, **_windows(layer, call.shape))  # leaves out the padding
