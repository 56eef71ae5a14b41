"""The dense layer."""

from dataclasses import dataclass
from math import prod

from mnist_cli.model.layers.activations import ActivationFunction, activate
from mnist_cli.model.layers.base import Array, Cost, Count, Layer, Shape, Weights, with_bias


@dataclass(frozen=True)
class Dense(Layer):
    units: Count
    activation: ActivationFunction = "linear"
    use_bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return with_bias(self.use_bias, (shape[-1], self.units))

    def cost(self, shape: Shape) -> Cost:
        return Cost(multiply_adds=prod(shape) * self.units)

    def apply(self, weights: Weights, x: Array) -> Array:
        kernel, *bias = weights
        y = (x.reshape(-1, x.shape[-1]) @ kernel).reshape(*x.shape[:-1], self.units)
        if bias:
            y += bias[0]
        return activate(self.activation, y, in_place=True)
