"""The network that is exported: pixels from 0 to 1 in, probabilities out, whatever the model itself expects and gives.

The preparation of the pixels and the reading of the outputs, which are not part of a model, become layers of their own
before and behind those of the model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isqrt, prod
from typing import Literal

import numpy as np

from mnist_cli.arrays import CLASSES, SIDE
from mnist_cli.model.engine import Engine
from mnist_cli.model.images import SCALES, Pixels, normalized
from mnist_cli.model.interface import Outputs, as_probabilities
from mnist_cli.model.layers.activations import Softmax, softmax
from mnist_cli.model.layers.base import Array, Layer, Shape, Weights
from mnist_cli.model.layers.merging import Concatenate
from mnist_cli.model.layers.normalization import Rescaling
from mnist_cli.model.layers.recurrent import SimpleRNN
from mnist_cli.model.layers.shaping import Permute, Reshape, ZeroPadding2D
from mnist_cli.model.network import IMAGE_SHAPE, INPUT, Network, Stage, output_shape

_LENGTH_AXES: dict[str, Literal[1, 2]] = {"columns of length 1": 1, "rows of length 1": 2}
"""The axis of each of the `SCALES` that is not linear."""
LOWEST_LOGIT = -88.7
"""The logit below which a sigmoid is 0 in float32."""


@dataclass(frozen=True)
class UnitLength(Layer):
    """Scales every column of an image (axis 1), or every row (axis 2), to length 1, unless all of it is 0."""

    axis: Literal[1, 2]

    def apply(self, weights: Weights, x: Array) -> Array:
        return normalized(x, self.axis)


class UnitSum(Layer):
    """Scales ten numbers from 0 to 1 to the sum 1; ten zeros become a uniform distribution."""

    def apply(self, weights: Weights, x: Array) -> Array:
        return as_probabilities(x, "sigmoids")


class UnitSigmoids(Layer):
    """Ten sigmoids scaled to the sum 1, from their logits."""

    def apply(self, weights: Weights, x: Array) -> Array:
        return softmax(-np.logaddexp(0, -np.maximum(x, LOWEST_LOGIT)))


def exported_network(engine: Engine, sigmoids_as_logits: bool) -> tuple[Network, tuple[Weights, ...]]:
    """The network of a model with its interface as layers, and the weights of each stage.

    It takes images of shape (28, 28, 1), 0 to 1, and gives the ten probabilities that the engine gives.
    `sigmoids_as_logits`: whether a model's sigmoids are scaled by way of their logits. onnxruntime needs that, as it
    makes any sigmoid below 1.5e-8 as large as that, which matters to the sum of ten small ones; int8 can't do it.
    """
    model, interface = engine.model, engine.interface
    stages = model.network.stages
    builder = _Builder()
    for layer in _preparation(interface.pixels, model.network.input_shape):
        builder.add(layer, (builder.last,) * (3 if isinstance(layer, Concatenate) else 1))
    has_logits = sigmoids_as_logits and interface.outputs == "sigmoids" and _ends_in_sigmoid(model.network)
    if has_logits:
        linear = replace(stages[-1].layer, activation="linear")  # type: ignore[call-arg]
        stages = (*stages[:-1], replace(stages[-1], layer=linear))
    builder.add_all(stages, model.weights)
    for layer in _reading(interface.outputs, model.network.output_shape, has_logits):
        builder.add(layer, (builder.last,))
    return Network(IMAGE_SHAPE, tuple(builder.stages)), tuple(builder.weights)


def _ends_in_sigmoid(network: Network) -> bool:
    last = network.stages[-1]
    return getattr(last.layer, "activation", "") == "sigmoid" and not isinstance(last.layer, SimpleRNN)


def _preparation(pixels: Pixels, shape: Shape) -> Iterator[Layer]:
    """The layers that do what `Pixels.prepare` does, for a model with an input of `shape`."""
    side = isqrt(prod(shape) // (3 if 3 in shape else 1))
    if pixels.transposed:
        yield Permute("transposed", dims=(2, 1, 3))
    if side > SIDE:
        margins = ((side - SIDE) // 2,) * 2
        yield ZeroPadding2D("padded", padding=(margins, margins))
    if pixels.inverted:
        yield Rescaling("inverted", scale=-1.0, offset=1.0)
    if pixels.scale in _LENGTH_AXES:
        yield UnitLength("scaled", axis=_LENGTH_AXES[pixels.scale])
    elif pixels.scale != "0 to 1":
        low, high = SCALES[pixels.scale](np.array([0, 255], np.float32)).tolist()
        yield Rescaling("scaled", scale=high - low, offset=low)
    single = tuple(1 if size == 3 else size for size in shape)
    if single != (side, side, 1):
        yield Reshape("shaped", target_shape=single)
    if single != shape:
        yield Concatenate("coloured", axis=1 + shape.index(3))


def _reading(outputs: Outputs, shape: Shape, has_logits: bool) -> Iterator[Layer]:
    """The layers that make probabilities of a model's outputs, which have `shape`.

    `has_logits`: whether they are the logits of sigmoids instead.
    """
    if shape != (CLASSES,):
        yield Reshape("flat", target_shape=(CLASSES,))
    if outputs == "logits":
        yield Softmax("probabilities")
    if outputs == "sigmoids":
        yield UnitSigmoids("probabilities") if has_logits else UnitSum("probabilities")


class _Builder:
    """Stages one after the other, each with its weights."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.weights: list[Weights] = []

    @property
    def last(self) -> int:
        """The index of the last stage, or `INPUT`."""
        return len(self.stages) - 1

    def add(self, layer: Layer, sources: tuple[int, ...]) -> None:
        """Add a layer without weights."""
        shapes = tuple(IMAGE_SHAPE if source == INPUT else self.stages[source].output_shape for source in sources)
        index = len(self.stages)
        self.stages.append(Stage(index, layer, sources, shapes, output_shape(layer, shapes), index))
        self.weights.append(())

    def add_all(self, stages: Sequence[Stage], weights: Sequence[Weights]) -> None:
        """Add the stages of a network, whose input is the output of the last stage so far."""
        first = len(self.stages)
        for stage in stages:
            sources = tuple(first + source for source in stage.sources)  # `INPUT` becomes the stage before the first
            moved = replace(stage, index=first + stage.index, sources=sources, first_use=first + stage.first_use)
            self.stages.append(moved)
        self.weights += weights
