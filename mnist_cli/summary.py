"""A model laid open: its layers, what they cost, and how it came to be."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from mnist_cli.architecture import Shape
from mnist_cli.modelfile import ModelFile
from mnist_cli.record import Record

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class LayerSummary:
    """One layer. `output_shape` leaves out the batch axis; `multiply_adds` are for one image, None where unknown."""

    name: str
    type: str
    output_shape: Shape
    parameters: int
    trainable: int
    multiply_adds: int | None


@dataclass(frozen=True)
class Summary:
    """A whole model: its layers in order, and the record of its training where there is one."""

    path: Path
    layers: tuple[LayerSummary, ...]
    record: Record | None

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable(self) -> int:
        return sum(layer.trainable for layer in self.layers)

    @property
    def parameter_bytes(self) -> int:
        """Memory of the parameters, as float32."""
        return self.parameters * FLOAT32_BYTES

    @property
    def activation_bytes(self) -> int:
        """Memory of every layer's output for one image, as float32."""
        return sum(prod(layer.output_shape) for layer in self.layers) * FLOAT32_BYTES

    @property
    def multiply_adds(self) -> int | None:
        """For one image; None where a layer's are unknown."""
        known = [layer.multiply_adds for layer in self.layers if layer.multiply_adds is not None]
        return sum(known) if len(known) == len(self.layers) else None


def summarize(model: ModelFile, announce: Callable[[str], None] = lambda reason: None) -> Summary:
    """The summary of a model file. Raises `ModelError`.

    Where it has parts that only Keras knows, Keras is asked, and `announce` is told so.
    """
    if model.network is not None:
        return Summary(model.path, _known_layers(model), model.record)
    announce(f"{model.path} has {model.unknown}: Keras describes it")
    return Summary(model.path, _keras_layers(model), model.record)


def _known_layers(model: ModelFile) -> tuple[LayerSummary, ...]:
    assert model.network is not None
    return tuple(
        LayerSummary(
            stage.layer.name,
            type(stage.layer).__name__,
            stage.output_shape,
            stage.parameters,
            stage.trainable,
            stage.multiply_adds,
        )
        for stage in model.network.stages()
    )


def _keras_layers(model: ModelFile) -> tuple[LayerSummary, ...]:
    from mnist_cli.backend import load_model

    return tuple(
        LayerSummary(
            layer.name,
            type(layer).__name__,
            _keras_output_shape(layer),
            sum(prod(weight.shape) for weight in layer.weights),
            sum(prod(weight.shape) for weight in layer.trainable_weights),
            None,
        )
        for layer in load_model(model).layers
    )


def _keras_output_shape(layer: Any) -> Shape:
    """The shape without the batch axis; 0 for a size that is not fixed, nothing for a layer with none or several."""
    try:
        return tuple(size or 0 for size in layer.output.shape[1:])
    except (AttributeError, ValueError):
        return ()
