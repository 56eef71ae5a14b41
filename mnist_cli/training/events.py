"""The events of a training run, in the order in which they occur."""

from dataclasses import dataclass
from pathlib import Path

from mnist_cli.figures import Epoch, Metrics
from mnist_cli.model.record import Record
from mnist_cli.training.start import Run


@dataclass(frozen=True)
class Planned:
    """The request is checked; TensorFlow is loaded next, which takes seconds."""

    run: Run


@dataclass(frozen=True)
class Started:
    """Training begins on a device. `is_native`: the device has instructions for the precision."""

    device: str
    precision: str
    """`float32` or `bfloat16`."""
    is_native: bool


@dataclass(frozen=True)
class Stepped:
    """`step` steps of the epoch are done. `means`: loss and accuracy over its images so far."""

    epoch: int
    step: int
    means: Metrics


@dataclass(frozen=True)
class EpochDone:
    """An epoch is trained, validated and saved in the checkpoint."""

    epoch: Epoch


@dataclass(frozen=True)
class Trained:
    """The model and its record are saved.

    `differences`: the differences from the repeated run, in words; empty if the models are identical, None if no run
    was repeated.
    """

    model_path: Path
    record: Record
    differences: list[str] | None = None


Event = Planned | Started | Stepped | EpochDone | Trained
