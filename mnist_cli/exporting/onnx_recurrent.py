"""Recurrent layers as ONNX nodes."""

from typing import Any

import numpy as np

from mnist_cli.exporting.onnx_graph import Graph
from mnist_cli.exporting.onnx_layers import Call, add_layer, arranged
from mnist_cli.model.layers.activations import ActivationFunction
from mnist_cli.model.layers.base import Array, Shape, Weights
from mnist_cli.model.layers.recurrent import GRU, LSTM, Bidirectional, SimpleRNN

# The gates of a layer in the order of ONNX, by their places in the order of Keras.
_LSTM_GATES = (0, 3, 1, 2)

# Each with its parameters, alpha and beta. A node lists only the parameters that its activations have.
_ACTIVATIONS: dict[ActivationFunction, tuple[str, list[float], list[float]]] = {
    "celu": ("Elu", [1.0], []),
    "elu": ("Elu", [1.0], []),
    "hard_sigmoid": ("HardSigmoid", [1 / 6], [0.5]),
    "keras_2_hard_sigmoid": ("HardSigmoid", [0.2], [0.5]),
    "leaky_relu": ("LeakyRelu", [0.2], []),
    "linear": ("Affine", [1.0], [0.0]),
    "relu": ("Relu", [], []),
    "sigmoid": ("Sigmoid", [], []),
    "softplus": ("Softplus", [], []),
    "softsign": ("Softsign", [], []),
    "sparse_sigmoid": ("HardSigmoid", [0.5], [0.5]),
    "tanh": ("Tanh", [], []),
}


@arranged.register
def _(layer: SimpleRNN, weights: Weights, shape: Shape) -> Weights:
    """The kernels, transposed, and the two biases in a row, in ONNX's order of gates, with an axis of directions."""
    kernel, recurrent_kernel, *bias = weights
    biases = np.zeros((2, layer.gates * layer.units), np.float32)
    if bias:  # the second is that of the recurrent kernel, which only a GRU has
        biases[: bias[0].ndim] = bias[0]
    arrays = (_gates_ordered(layer, array) for array in (kernel.T, recurrent_kernel.T, *biases))
    kernel, recurrent_kernel, *ordered = arrays
    return kernel[np.newaxis], recurrent_kernel[np.newaxis], np.concatenate(ordered)[np.newaxis]


def _gates_ordered(layer: SimpleRNN, array: Array) -> Array:
    """An array whose first axis goes through the gates, in ONNX's order."""
    if not isinstance(layer, LSTM):
        return array
    gates = np.split(array, layer.gates)
    return np.concatenate([gates[gate] for gate in _LSTM_GATES])


@add_layer.register
def _rnn(layer: SimpleRNN, call: Call) -> str:
    return _add_recurrent("RNN", layer, call, _activations(layer.activation))


@add_layer.register
def _lstm(layer: LSTM, call: Call) -> str:
    functions = (layer.recurrent_activation, layer.activation, layer.activation)
    return _add_recurrent("LSTM", layer, call, _activations(*functions))


@add_layer.register
def _gru(layer: GRU, call: Call) -> str:
    functions = (layer.recurrent_activation, layer.activation)
    return _add_recurrent("GRU", layer, call, {"linear_before_reset": 1, **_activations(*functions)})


def _activations(*functions: ActivationFunction) -> dict[str, Any]:
    """The attributes for the activations of a node. Raises `NotImplementedError` for one that ONNX lacks there."""
    for function in functions:
        if function not in _ACTIVATIONS:
            name = function if isinstance(function, str) else type(function).__name__
            raise NotImplementedError(f" with the activation {name}")
    found = [_ACTIVATIONS[function] for function in functions]
    return {
        "activations": [name for name, _, _ in found],
        "activation_alpha": [number for _, alpha, _ in found for number in alpha],
        "activation_beta": [number for _, _, beta in found for number in beta],
    }


def _add_recurrent(operator: str, layer: SimpleRNN, call: Call, attributes: dict[str, Any]) -> str:
    graph = call.graph
    x = graph.transpose(call.x, (1, 0, 2))  # steps first
    if layer.go_backwards:
        x = _reversed(graph, x, axis=0)
    attributes = {name: value for name, value in attributes.items() if value != []}
    if layer.return_sequences:
        y = graph.add(operator, x, *call.arrays, hidden_size=layer.units, **attributes)
        return graph.transpose(graph.add("Squeeze", y, np.array([1])), (1, 0, 2))
    last = graph.add(operator, x, *call.arrays, output=1, hidden_size=layer.units, **attributes)
    return graph.add("Squeeze", last, np.array([0]))


def _reversed(graph: Graph, x: str, axis: int) -> str:
    return graph.add("Slice", x, [-1], [-(2**31)], [axis], [-1])


@arranged.register
def _(layer: Bidirectional, weights: Weights, shape: Shape) -> Weights:
    forward = len(layer.layer.weight_shapes(shape))
    return (
        *arranged(layer.layer, weights[:forward], shape),
        *arranged(layer.backward_layer, weights[forward:], shape),
    )


@add_layer.register
def _bidirectional(layer: Bidirectional, call: Call) -> str:
    graph = call.graph
    forward, backward = (
        add_layer(each, Call(graph, call.inputs, call.shapes, arrays))
        for each, arrays in ((layer.layer, call.arrays[:3]), (layer.backward_layer, call.arrays[3:]))
    )
    if layer.layer.return_sequences:
        backward = _reversed(graph, backward, axis=1)
    match layer.merge_mode:
        case "concat":
            return graph.add("Concat", forward, backward, axis=-1)
        case "mul":
            return graph.add("Mul", forward, backward)
        case "sum":
            return graph.add("Add", forward, backward)
    return graph.add("Mean", forward, backward)
