"""A network as data: layers between one input and one output, with their shapes, parameters and costs.

Model files are read as a `Network`, the engine runs it, `summary` prints it, and training builds a Keras model from it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from mnist_cli.arrays import SIDE
from mnist_cli.model.layers.base import NUMBER_COST, Array, Cost, Layer, Shape, Spatial, UnusableModel, Weights

IMAGE_SHAPE: Shape = (SIDE, SIDE, 1)
INPUT = -1
"""The source of a stage that takes the input of the network."""


@dataclass(frozen=True)
class Stage:
    """One call of a layer in the network, with the shapes of its inputs and its output.

    `index`: its position in `Network.stages`. `sources`: the indices of the stages whose outputs it takes, or `INPUT`.
    `first_use`: the index of the first stage with the same layer, whose weights it shares.
    """

    index: int
    layer: Layer
    sources: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    first_use: int

    @property
    def is_first_use(self) -> bool:
        return self.index == self.first_use

    @property
    def weight_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the layer's arrays, in the order in which Keras stores them."""
        return self.layer.weight_shapes(self._layer_input)

    @property
    def parameters(self) -> int:
        """The number of the layer's parameters at its first use; 0 at any other."""
        return sum(map(prod, self.weight_shapes)) if self.is_first_use else 0

    @property
    def trainable_parameters(self) -> int:
        """The number of parameters that training changes, at the first use; 0 at any other."""
        if not self.layer.trainable or not self.is_first_use:
            return 0
        shapes = self.weight_shapes
        return sum(map(prod, shapes[: len(shapes) - self.layer.frozen_weights]))

    @property
    def held_numbers(self) -> int:
        """The number of values in memory at once for one image: inputs, output and what lies between."""
        return sum(map(prod, self.input_shapes)) + prod(self.output_shape) + self._cost.held_numbers

    @property
    def multiply_adds(self) -> int:
        """The number of multiply-adds for one image."""
        return self._cost.multiply_adds

    @property
    def work(self) -> int:
        """The approximate cost for one image, in multiply-adds."""
        return self._cost.multiply_adds + NUMBER_COST * self.held_numbers + self._cost.overhead

    def run(self, weights: Weights, inputs: Sequence[Array]) -> Array:
        """The output of the layer for a batch of inputs: shape (n, *output_shape)."""
        if not is_channels_first(self.layer):
            return self.layer.apply(weights, *inputs)
        y = self.layer.apply(weights, *(np.moveaxis(x, 1, -1) for x in inputs))
        return np.moveaxis(y, -1, 1) if y.ndim == inputs[0].ndim else y  # no axis of channels after Flatten

    @property
    def _cost(self) -> Cost:
        return self.layer.cost(self._layer_input)

    @property
    def layer_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the inputs as the layer sees them."""
        return tuple(map(channels_last, self.input_shapes)) if is_channels_first(self.layer) else self.input_shapes

    @property
    def _layer_input(self) -> Shape:
        """The shape of the first input as the layer sees it."""
        return self.layer_shapes[0]


def is_channels_first(layer: Layer) -> bool:
    return isinstance(layer, Spatial) and layer.data_format == "channels_first"


def channels_last(shape: Shape) -> Shape:
    """A shape whose first axis, the channels, becomes the last."""
    return (*shape[1:], shape[0])


@dataclass(frozen=True)
class Network:
    """Stages in an order in which each follows its sources. The output of the network is that of the last stage."""

    input_shape: Shape
    stages: tuple[Stage, ...] = field(repr=False)
    name: str = "cnn"

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer once, in the order of first use."""
        return tuple(stage.layer for stage in self.stages if stage.is_first_use)

    @property
    def output_shape(self) -> Shape:
        return self.stages[-1].output_shape

    @property
    def parameters(self) -> int:
        return sum(stage.parameters for stage in self.stages)

    @property
    def trainable_parameters(self) -> int:
        return sum(stage.trainable_parameters for stage in self.stages)

    @property
    def multiply_adds(self) -> int:
        """The number of multiply-adds for one image."""
        return sum(stage.multiply_adds for stage in self.stages)

    @property
    def work(self) -> int:
        """The approximate cost for one image, in multiply-adds."""
        return sum(stage.work for stage in self.stages)


def sequential(layers: Iterable[Layer], input_shape: Shape = IMAGE_SHAPE, name: str = "cnn") -> Network:
    """A network in which each layer takes the output of the one before. Raises `UnusableModel`."""
    stages: list[Stage] = []
    shape = input_shape
    for index, layer in enumerate(layers):
        stages.append(Stage(index, layer, (index - 1,), (shape,), output_shape(layer, (shape,)), index))
        shape = stages[-1].output_shape
    return Network(input_shape, tuple(stages), name)


def output_shape(layer: Layer, inputs: tuple[Shape, ...]) -> Shape:
    """The shape of a layer's output for inputs of these shapes. Raises `UnusableModel` if it can't take them."""
    if (len(inputs) > 1) != layer.merges:
        raise UnusableModel(f"the layer {layer.name} can't take {len(inputs)} inputs")
    if layer.rank not in (None, len(inputs[0])):
        raise UnusableModel(f"the layer {layer.name} needs an input of {layer.rank} axes, not {len(inputs[0])}")
    if not is_channels_first(layer):
        return layer.output_shape(*inputs)
    output = layer.output_shape(*map(channels_last, inputs))
    return (output[-1], *output[:-1]) if len(output) == len(inputs[0]) else output
