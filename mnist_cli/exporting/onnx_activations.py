"""Activations as ONNX nodes."""

from collections.abc import Callable

import numpy as np

from mnist_cli.exporting.onnx_graph import Graph
from mnist_cli.model.layers.activations import (
    ELU,
    Activation,
    ActivationFunction,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from mnist_cli.model.layers.base import Layer, Weights

_AXIS = np.array([-1])


def add_activation(graph: Graph, activation: ActivationFunction, x: str) -> str:
    """The nodes of an activation, by its name or as a layer."""
    if isinstance(activation, Layer):
        return add_activation_layer(graph, activation, (), x)
    return FUNCTIONS[activation](graph, x)


def add_activation_layer(graph: Graph, layer: Layer, weights: Weights, x: str) -> str:
    """The nodes of a layer that is an activation. Raises `NotImplementedError` for another layer."""
    match layer:
        case Activation():
            return add_activation(graph, layer.activation, x)
        case ReLU():
            return _relu(graph, layer, x)
        case LeakyReLU():
            return graph.add("LeakyRelu", x, alpha=layer.negative_slope)
        case ELU():
            return graph.add("Elu", x, alpha=layer.alpha)
        case PReLU():
            return graph.add("PRelu", x, weights[0])
        case Softmax():
            return graph.add("Softmax", x, axis=layer.axis)
    raise NotImplementedError


def _relu(graph: Graph, layer: ReLU, x: str) -> str:
    threshold = float(layer.threshold)
    if (threshold, layer.negative_slope) == (0, 0):
        y = graph.add("Relu", x)
    else:
        slope = graph.add("Mul", graph.add("Sub", x, threshold), float(layer.negative_slope))
        y = graph.add("Where", graph.add("Greater", x, threshold), x, slope)
    return y if layer.max_value is None else graph.add("Min", y, float(layer.max_value))


def _gelu(graph: Graph, x: str) -> str:
    erf = graph.add("Erf", graph.add("Mul", x, 0.5**0.5))
    return graph.add("Mul", graph.add("Mul", x, 0.5), graph.add("Add", erf, 1.0))


def _soft_shrink(graph: Graph, x: str) -> str:
    return graph.add("Shrink", x, lambd=0.5, bias=0.5)


def _hard_sigmoid(graph: Graph, x: str) -> str:
    return graph.add("HardSigmoid", x, alpha=1 / 6, beta=0.5)


def _log_sigmoid(graph: Graph, x: str) -> str:
    return graph.add("Neg", graph.add("Softplus", graph.add("Neg", x)))


def _mish(graph: Graph, x: str) -> str:
    return graph.add("Mul", x, graph.add("Tanh", graph.add("Softplus", x)))


def _sparse_plus(graph: Graph, x: str) -> str:
    """(x + 1)^2 / 4 between -1 and 1; below, that of -1; above, x."""
    near = graph.add("Add", graph.add("Max", x, -1.0), 1.0)
    curve = graph.add("Mul", graph.add("Mul", near, near), 0.25)
    return graph.add("Where", graph.add("GreaterOrEqual", x, 1.0), x, curve)


def _squareplus(graph: Graph, x: str) -> str:
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", x, x), 4.0))
    return graph.add("Mul", graph.add("Add", x, root), 0.5)


def _sparsemax(graph: Graph, x: str) -> str:
    """As the engine computes it, with Keras' own threshold."""
    size = graph.add("Slice", graph.add("Shape", x), np.array([-1]), np.array([2**31]))
    ordered = graph.add("TopK", x, size, unused=1)
    ones = graph.add("Cast", graph.add("Equal", ordered, ordered), to=1)
    sums, counts = (graph.add("CumSum", values, -1) for values in (ordered, ones))
    excess = graph.add("Sub", ordered, graph.add("Div", graph.add("Sub", sums, 1.0), counts))
    support = graph.add("Cast", graph.add("Greater", excess, 0.0), to=1)
    total = graph.add("ReduceSum", graph.add("Mul", sums, support), _AXIS)
    threshold = graph.add("Div", graph.add("Sub", total, 1.0), graph.add("ReduceSum", support, _AXIS))
    return graph.add("Relu", graph.add("Sub", x, threshold))


FUNCTIONS: dict[str, Callable[[Graph, str], str]] = {
    "celu": lambda graph, x: graph.add("Elu", x),
    "elu": lambda graph, x: graph.add("Elu", x),
    "exponential": lambda graph, x: graph.add("Exp", x),
    "gelu": _gelu,
    "hard_shrink": lambda graph, x: graph.add("Shrink", x, lambd=0.5),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda graph, x: graph.add("Mul", x, _hard_sigmoid(graph, x)),
    "hard_tanh": lambda graph, x: graph.add("Clip", x, -1.0, 1.0),
    "keras_2_hard_sigmoid": lambda graph, x: graph.add("HardSigmoid", x, alpha=0.2, beta=0.5),
    "leaky_relu": lambda graph, x: graph.add("LeakyRelu", x, alpha=0.2),
    "linear": lambda graph, x: x,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": lambda graph, x: graph.add("LogSoftmax", x, axis=-1),
    "mish": _mish,
    "relu": lambda graph, x: graph.add("Relu", x),
    "relu6": lambda graph, x: graph.add("Clip", x, 0.0, 6.0),
    "selu": lambda graph, x: graph.add("Selu", x, alpha=1.6732632423543772, gamma=1.0507009873554805),
    "sigmoid": lambda graph, x: graph.add("Sigmoid", x),
    "silu": lambda graph, x: graph.add("Mul", x, graph.add("Sigmoid", x)),
    "soft_shrink": _soft_shrink,
    "softmax": lambda graph, x: graph.add("Softmax", x, axis=-1),
    "softplus": lambda graph, x: graph.add("Softplus", x),
    "softsign": lambda graph, x: graph.add("Softsign", x),
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": lambda graph, x: graph.add("HardSigmoid", x, alpha=0.5, beta=0.5),
    "sparsemax": _sparsemax,
    "squareplus": _squareplus,
    "tanh": lambda graph, x: graph.add("Tanh", x),
    "tanh_shrink": lambda graph, x: graph.add("Sub", x, graph.add("Tanh", x)),
}
"""The nodes of each activation that the engine has by name."""
