"""What happens in a training run, in the order in which it is told."""

from dataclasses import dataclass
from pathlib import Path

from mnist_cli.figures import Epoch, Metrics
from mnist_cli.model.record import Record
from mnist_cli.training.start import Run


@dataclass(frozen=True)
class Planned:
    """Everything was checked; TensorFlow is loaded next, which takes seconds."""

    run: Run


@dataclass(frozen=True)
class Started:
    """Training begins on a device, in `float32` or `bfloat16`, which the device may compute natively or not."""

    device: str
    precision: str
    is_native: bool


@dataclass(frozen=True)
class Stepped:
    """`step` steps of the epoch are done, with these means over its images so far."""

    epoch: int
    step: int
    means: Metrics


@dataclass(frozen=True)
class EpochDone:
    """An epoch is over, validated, and safe in the checkpoint."""

    epoch: Epoch


@dataclass(frozen=True)
class Trained:
    """The model and its record are saved.

    `differences`: of a run that was repeated, what was not as before, in words; empty where the models are identical,
    None where nothing was repeated.
    """

    model_path: Path
    record: Record
    differences: list[str] | None = None


Event = Planned | Started | Stepped | EpochDone | Trained
