"""Recurrent layers, over the first axis of a sequence."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mnist_cli.model.layers.activations import ActivationFunction, activate
from mnist_cli.model.layers.base import CALL_COST, NUMBER_COST, Array, Cost, Count, Layer, Shape, Weights, with_bias

# The approximate number of NumPy calls in one step of an LSTM or a GRU.
_CALLS = 20


@dataclass(frozen=True)
class SimpleRNN(Layer):
    units: Count
    activation: ActivationFunction = "tanh"
    use_bias: bool = True
    return_sequences: bool = False
    go_backwards: bool = False

    rank = 2
    weights_at = ("cell/vars",)
    fixed_options = {"return_state": False, "stateful": False, "time_major": False}
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], self.units) if self.return_sequences else (self.units,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        width = self.gates * self.units
        return with_bias(self.use_bias, (shape[1], width), (self.units, width))

    def cost(self, shape: Shape) -> Cost:
        steps, features = shape
        return Cost(
            multiply_adds=steps * (features + self.units) * self.gates * self.units,
            held_numbers=steps * (features + (self.gates + 1) * self.units),
            overhead=steps * (_CALLS * CALL_COST + NUMBER_COST * self.gates * self.units),
        )

    def apply(self, weights: Weights, x: Array) -> Array:
        """The output of the last step or, with `return_sequences`, of all steps in the order of computation."""
        kernel, _, *bias = weights
        x = x.transpose(1, 0, 2)  # steps first
        if self.go_backwards:
            x = x[::-1]
        projected = (x.reshape(-1, x.shape[-1]) @ kernel).reshape(*x.shape[:2], -1)
        if bias:
            projected += bias[0] if bias[0].ndim == 1 else bias[0][0]
        state = [np.zeros((x.shape[1], self.units), np.float32)] * self.states
        outputs = []
        for step in projected:
            state = self._next(step, state, weights)
            outputs.append(state[0])
        return np.stack(outputs, axis=1) if self.return_sequences else outputs[-1]

    def _next(self, step: Array, state: list[Array], weights: Weights) -> list[Array]:
        """The state after a step: the output, and the cell state of an LSTM; each of shape (n, units).

        `step`: the product of the input and the kernel, shape (n, gates * units).
        """
        return [activate(self.activation, step + state[0] @ weights[1])]


@dataclass(frozen=True)
class LSTM(SimpleRNN):
    """Hochreiter and Schmidhuber 1997, "Long short-term memory". Its gates: input, forget, candidate, output."""

    recurrent_activation: ActivationFunction = "sigmoid"

    gates = 4
    states = 2

    def _next(self, step: Array, state: list[Array], weights: Weights) -> list[Array]:
        h, c = state
        i, f, candidate, o = np.split(step + h @ weights[1], 4, axis=1)
        c = activate(self.recurrent_activation, f) * c
        c += activate(self.recurrent_activation, i) * activate(self.activation, candidate)
        return [activate(self.recurrent_activation, o) * activate(self.activation, c), c]


@dataclass(frozen=True)
class GRU(SimpleRNN):
    """Cho et al. 2014 (arXiv:1406.1078), with the reset gate after the product with the recurrent kernel.

    Its gates: update, reset, candidate.
    """

    recurrent_activation: ActivationFunction = "sigmoid"

    fixed_options = {**SimpleRNN.fixed_options, "reset_after": True}
    gates = 3

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel, recurrent_kernel, *bias = super().weight_shapes(shape)
        return (kernel, recurrent_kernel, *((2, *each) for each in bias))

    def _next(self, step: Array, state: list[Array], weights: Weights) -> list[Array]:
        (h,) = state
        recurrent = h @ weights[1] + (weights[2][1] if self.use_bias else 0)
        units = self.units
        gates = activate(self.recurrent_activation, step[:, : 2 * units] + recurrent[:, : 2 * units])
        update, reset = np.split(gates, 2, axis=1)
        candidate = activate(self.activation, step[:, 2 * units :] + reset * recurrent[:, 2 * units :])
        return [update * h + (1 - update) * candidate]


@dataclass(frozen=True)
class Bidirectional(Layer):
    """A recurrent layer that goes forward and one that goes backward (Schuster and Paliwal 1997), merged."""

    layer: SimpleRNN
    backward_layer: SimpleRNN
    merge_mode: Literal["concat", "sum", "mul", "ave"] = "concat"

    rank = 2
    weights_at = ("forward_layer/cell/vars", "backward_layer/cell/vars")

    def output_shape(self, shape: Shape) -> Shape:
        *steps, units = self.layer.output_shape(shape)
        if self.merge_mode == "concat":
            units += self.backward_layer.units
        return (*steps, units)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (*self.layer.weight_shapes(shape), *self.backward_layer.weight_shapes(shape))

    def cost(self, shape: Shape) -> Cost:
        return Cost(*map(sum, zip(self.layer.cost(shape), self.backward_layer.cost(shape), strict=True)))

    def apply(self, weights: Weights, x: Array) -> Array:
        forward_weights = len(self.layer.weight_shapes(x.shape[1:]))
        forward = self.layer.apply(weights[:forward_weights], x)
        backward = self.backward_layer.apply(weights[forward_weights:], x)
        if self.layer.return_sequences:
            backward = backward[:, ::-1]
        if self.merge_mode == "concat":
            return np.concatenate((forward, backward), axis=-1)
        if self.merge_mode == "mul":
            return forward * backward
        total = forward + backward
        return total / 2 if self.merge_mode == "ave" else total
