"""Recurrent layers, over the first axis of a sequence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mnist_cli.model.layers.activations import ActivationFunction, activate
from mnist_cli.model.layers.base import CALL_COST, NUMBER_COST, Array, Count, Layer, Shape, Weights, with_bias

# NumPy calls in one step of an LSTM or a GRU, about.
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
    only = {"return_state": False, "stateful": False, "time_major": False}
    gates: ClassVar[int] = 1

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], self.units) if self.return_sequences else (self.units,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        width = self.gates * self.units
        return with_bias(self.use_bias, (shape[1], width), (self.units, width))

    def multiply_adds(self, shape: Shape) -> int:
        return shape[0] * (shape[1] + self.units) * self.gates * self.units

    def working_numbers(self, shape: Shape) -> int:
        return shape[0] * (shape[1] + (self.gates + 1) * self.units)

    def overhead(self, shape: Shape) -> int:
        return shape[0] * (_CALLS * CALL_COST + NUMBER_COST * self.gates * self.units)

    def apply(self, weights: Weights, x: Array) -> Array:
        """The output of the last step, or those of all steps in the order of computation."""
        kernel, recurrent_kernel, *bias = weights
        x = x.transpose(1, 0, 2)  # steps first
        if self.go_backwards:
            x = x[::-1]
        projected = (x.reshape(-1, x.shape[-1]) @ kernel).reshape(*x.shape[:2], -1)
        if bias:
            projected += bias[0] if bias[0].ndim == 1 else bias[0][0]
        outputs = self._outputs(projected, recurrent_kernel, bias[0][-1] if bias else None)
        if self.return_sequences:
            return np.stack(list(outputs), axis=1)
        *_, last = outputs
        return last

    def _outputs(self, projected: Array, recurrent_kernel: Array, recurrent_bias: Array | None) -> Iterator[Array]:
        """The output of each step. `projected`: the input's part in the gates, shape (steps, n, gates * units)."""
        h = np.zeros((projected.shape[1], self.units), np.float32)
        for step in projected:
            h = activate(self.activation, step + h @ recurrent_kernel)
            yield h


@dataclass(frozen=True)
class LSTM(SimpleRNN):
    """Hochreiter and Schmidhuber 1997, "Long short-term memory"; its gates: input, forget, cell, output."""

    recurrent_activation: ActivationFunction = "sigmoid"

    gates = 4

    def _outputs(self, projected: Array, recurrent_kernel: Array, recurrent_bias: Array | None) -> Iterator[Array]:
        h: Array = np.zeros((projected.shape[1], self.units), np.float32)
        c = h
        for step in projected:
            i, f, candidate, o = np.split(step + h @ recurrent_kernel, 4, axis=1)
            c = activate(self.recurrent_activation, f) * c
            c += activate(self.recurrent_activation, i) * activate(self.activation, candidate)
            h = activate(self.recurrent_activation, o) * activate(self.activation, c)
            yield h


@dataclass(frozen=True)
class GRU(SimpleRNN):
    """Cho et al. 2014 (arXiv:1406.1078), with the reset gate after the product with the recurrent kernel.

    Its gates: update, reset, candidate.
    """

    recurrent_activation: ActivationFunction = "sigmoid"

    only = {**SimpleRNN.only, "reset_after": True}
    gates = 3

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel, recurrent_kernel, *bias = super().weight_shapes(shape)
        return (kernel, recurrent_kernel, *((2, *each) for each in bias))

    def _outputs(self, projected: Array, recurrent_kernel: Array, recurrent_bias: Array | None) -> Iterator[Array]:
        h: Array = np.zeros((projected.shape[1], self.units), np.float32)
        bias = np.float32(0) if recurrent_bias is None else recurrent_bias
        for step in projected:
            from_input, recurrent = np.split(step, 3, axis=1), np.split(h @ recurrent_kernel + bias, 3, axis=1)
            update = activate(self.recurrent_activation, from_input[0] + recurrent[0])
            reset = activate(self.recurrent_activation, from_input[1] + recurrent[1])
            candidate = activate(self.activation, from_input[2] + reset * recurrent[2])
            h = update * h + (1 - update) * candidate
            yield h


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

    def multiply_adds(self, shape: Shape) -> int:
        return self.layer.multiply_adds(shape) + self.backward_layer.multiply_adds(shape)

    def working_numbers(self, shape: Shape) -> int:
        return self.layer.working_numbers(shape) + self.backward_layer.working_numbers(shape)

    def overhead(self, shape: Shape) -> int:
        return self.layer.overhead(shape) + self.backward_layer.overhead(shape)

    def apply(self, weights: Weights, x: Array) -> Array:
        forward_weights = len(self.layer.weight_shapes(x.shape[1:]))
        forward = self.layer.apply(weights[:forward_weights], x)
        backward = self.backward_layer.apply(weights[forward_weights:], x)
        if self.layer.return_sequences:
            backward = backward[:, ::-1]
        match self.merge_mode:
            case "concat":
                return np.concatenate((forward, backward), axis=-1)
            case "mul":
                return forward * backward
            case "sum":
                return forward + backward
        return (forward + backward) / 2
