"""A model laid open: its layers, what they cost, and how it came to be."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from mnist_cli.architecture import Shape
from mnist_cli.modelfile import ModelFile
from mnist_cli.record import Record

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class LayerSummary:
    """One layer. `output_shape` leaves out the batch axis; `multiply_adds` are for one image."""

    name: str
    type: str
    output_shape: Shape
    parameters: int
    trainable: int
    multiply_adds: int


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
    def multiply_adds(self) -> int:
        """For one image."""
        return sum(layer.multiply_adds for layer in self.layers)


def summarize(model: ModelFile) -> Summary:
    """The summary of a model file."""
    layers = (
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
    return Summary(model.path, tuple(layers), model.record)
