"""A network as data: layers from one input to one output, with the shapes, the parameters and the work of each.

Model files are read into it, the engine runs it, `summary` prints it, and training builds the Keras model from it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

from mnist_cli.arrays import SIDE
from mnist_cli.model.layers.base import NUMBER_COST, Array, Cost, Layer, Shape, Spatial, UnusableModel, Weights

IMAGE_SHAPE: Shape = (SIDE, SIDE, 1)
INPUT = -1
"""The source of a stage that takes the input of the network; the first stage has the number 0."""


@dataclass(frozen=True)
class Stage:
    """A layer in its place in the network, with the shapes of its inputs and its output.

    `sources`: the numbers of the stages whose outputs it takes, or `INPUT`. `first_use`: the number of the first stage
    with the same layer, whose weights it shares.
    """

    number: int
    layer: Layer
    sources: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    first_use: int

    @property
    def is_first_use(self) -> bool:
        return self.number == self.first_use

    @property
    def weight_shapes(self) -> tuple[Shape, ...]:
        return self.layer.weight_shapes(self._layer_input)

    @property
    def parameters(self) -> int:
        """Those of the layer at its first use; 0 elsewhere."""
        return sum(map(prod, self.weight_shapes)) if self.is_first_use else 0

    @property
    def trainable(self) -> int:
        """The parameters that training changes."""
        if not self.layer.trainable or not self.is_first_use:
            return 0
        shapes = self.weight_shapes
        return sum(map(prod, shapes[: len(shapes) - self.layer.frozen_weights]))

    @property
    def numbers(self) -> int:
        """The numbers that the layer holds at once for one image."""
        return sum(map(prod, self.input_shapes)) + prod(self.output_shape) + self._cost.numbers

    @property
    def multiply_adds(self) -> int:
        """For one image."""
        return self._cost.multiply_adds

    @property
    def work(self) -> int:
        """The approximate cost for one image, in multiply-adds."""
        return self._cost.multiply_adds + NUMBER_COST * self.numbers + self._cost.overhead

    def run(self, weights: Weights, inputs: Sequence[Array]) -> Array:
        """The output of the layer for a batch: float32, shape (n, *output_shape)."""
        if not is_channels_first(self.layer):
            return self.layer.apply(weights, *inputs)
        y = self.layer.apply(weights, *(x.transpose(0, *range(2, x.ndim), 1) for x in inputs))
        return y.transpose(0, -1, *range(1, y.ndim - 1)) if y.ndim == inputs[0].ndim else y

    @property
    def _cost(self) -> Cost:
        return self.layer.cost(self._layer_input)

    @property
    def _layer_input(self) -> Shape:
        """The shape of the first input as the layer sees it."""
        shape = self.input_shapes[0]
        return channels_last(shape) if is_channels_first(self.layer) else shape


def is_channels_first(layer: Layer) -> bool:
    return isinstance(layer, Spatial) and layer.data_format == "channels_first"


def channels_last(shape: Shape) -> Shape:
    return (*shape[1:], shape[0])


@dataclass(frozen=True)
class Network:
    """Layers in an order in which each comes after its inputs; the output is that of the last one."""

    input_shape: Shape
    stages: tuple[Stage, ...] = field(repr=False)
    name: str = "cnn"

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer once."""
        return tuple(stage.layer for stage in self.stages if stage.is_first_use)

    @property
    def output_shape(self) -> Shape:
        return self.stages[-1].output_shape

    @property
    def parameters(self) -> int:
        return sum(stage.parameters for stage in self.stages)

    @property
    def trainable(self) -> int:
        return sum(stage.trainable for stage in self.stages)

    @property
    def multiply_adds(self) -> int:
        """For one image."""
        return sum(stage.multiply_adds for stage in self.stages)

    @property
    def work(self) -> int:
        """The approximate cost for one image, in multiply-adds."""
        return sum(stage.work for stage in self.stages)


def sequential(layers: Iterable[Layer], input_shape: Shape = IMAGE_SHAPE, name: str = "cnn") -> Network:
    """The network in which each layer takes the output of the one before. Raises `UnusableModel`."""
    stages: list[Stage] = []
    shape = input_shape
    for number, layer in enumerate(layers):
        stages.append(Stage(number, layer, (number - 1,), (shape,), output_shape(layer, (shape,)), number))
        shape = stages[-1].output_shape
    return Network(input_shape, tuple(stages), name)


def output_shape(layer: Layer, inputs: tuple[Shape, ...]) -> Shape:
    """The shape of a layer's output in its place. Raises `UnusableModel` if it can't take inputs of these shapes."""
    if (len(inputs) > 1) != layer.merges:
        raise UnusableModel(f"the layer {layer.name} can't take {len(inputs)} inputs")
    if layer.rank not in (None, len(inputs[0])):
        raise UnusableModel(f"the layer {layer.name} needs an input of {layer.rank} axes, not {len(inputs[0])}")
    if not is_channels_first(layer):
        return layer.output_shape(*inputs)
    output = layer.output_shape(*map(channels_last, inputs))
    return (output[-1], *output[:-1]) if len(output) == len(inputs[0]) else output
