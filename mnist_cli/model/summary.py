"""The summary of a model: its layers, their cost, its interface, and its training record."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from mnist_cli.errors import ModelError
from mnist_cli.model.engine import check_digit_classifier, open_engine
from mnist_cli.model.file import ModelFile
from mnist_cli.model.interface import Interface
from mnist_cli.model.network import Network, Stage
from mnist_cli.model.record import Record

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Summary:
    """The summary of a model. `interface` is None if it is not a digit classifier, `record` if it has none."""

    path: Path
    network: Network
    record: Record | None
    interface: Interface | None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The first use of every layer."""
        return tuple(stage for stage in self.network.stages if stage.is_first_use)

    @property
    def parameter_bytes(self) -> int:
        """The memory of the parameters as float32, in bytes."""
        return self.network.parameters * FLOAT32_BYTES

    @property
    def activation_bytes(self) -> int:
        """The memory of the outputs of all layers for one image as float32, in bytes."""
        return sum(prod(stage.output_shape) for stage in self.network.stages) * FLOAT32_BYTES


def summarize(model: ModelFile) -> Summary:
    """The summary of a model, which need not be a digit classifier."""
    try:
        check_digit_classifier(model)
    except ModelError:
        return Summary(model.path, model.network, model.record, None)
    return Summary(model.path, model.network, model.record, open_engine(model).interface)
