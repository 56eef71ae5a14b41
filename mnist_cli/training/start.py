"""The request of a training run, and the run that follows from it: new, repeated or resumed."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.errors import DataError, ModelError, OutputError, SettingError, first_line
from mnist_cli.model.file import check_model_destination
from mnist_cli.model.network import Network
from mnist_cli.model.record import Record, open_record, record_path
from mnist_cli.settings import DEFAULT_MODEL_PATH, Settings, check_unchanged, settings_of
from mnist_cli.storage.files import are_one_file, check_destination
from mnist_cli.training.checkpoint import Checkpoint, checkpoint_path, is_checkpoint
from mnist_cli.training.network import classic_cnn
from mnist_cli.training.resuming import recorded_settings, resumed_checkpoint

_OTHER_OUTPUT = "Choose another --output."


@dataclass(frozen=True)
class TrainingRequest:
    """What `train` is asked for. Raises `SettingError`.

    `chosen`: values by the names of settings; those that are None or missing come from the recipe, the record or the
    run to resume. `data_as_is`: the data is not put right.
    `record_path`: the record of a run to repeat. `command`: the command line, for the new record.
    """

    chosen: Mapping[str, Any] = field(default_factory=dict)
    output_path: Path | None = None
    data_path: Path | None = None
    data_as_is: bool = False
    resume: bool = False
    record_path: Path | None = None
    tensorboard_path: Path | None = None
    command: str = ""

    def __post_init__(self) -> None:
        if self.model_path.suffix != ".keras":
            raise SettingError("--output", f"{self.model_path} does not end in .keras")

    @property
    def model_path(self) -> Path:
        if self.output_path:
            return self.output_path
        if self.record_path:
            return DEFAULT_MODEL_PATH.with_name(f"{self.record_path.stem}-again.keras")
        return DEFAULT_MODEL_PATH

    @property
    def how_to_resume(self) -> str:
        """A sentence with the command that resumes this run, without its capital and its period."""
        options = {
            "--data": self.data_path,
            "--output": self.output_path,
            "--from-record": self.record_path,
            "--tensorboard": self.tensorboard_path,
        }
        command = ["mnistcli", "train", "--resume"]
        for option, path in options.items():
            if path:
                command += [option, str(path)]
        if self.data_as_is:
            command.append("--as-is")
        return f"`{shlex.join(command)}` resumes the run"


@dataclass(frozen=True)
class Run:
    """A training run, ready to start or to resume. `original`: the record of the run that it repeats, if any."""

    model_path: Path
    checkpoint: Checkpoint
    dataset: Dataset
    original: Record | None = None

    @property
    def output_paths(self) -> tuple[Path, ...]:
        """The files that it writes: the model, its record, and the checkpoint until the model is saved."""
        return self.model_path, record_path(self.model_path), checkpoint_path(self.model_path)

    @property
    def settings(self) -> Settings:
        return self.checkpoint.settings

    @property
    def training_size(self) -> int:
        """The number of images to train on."""
        return self.settings.split(len(self.dataset.train_labels))[0]

    @property
    def validation_size(self) -> int:
        """The number of images to validate on."""
        return self.settings.split(len(self.dataset.train_labels))[1]

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""
        return self.settings.steps(self.training_size)

    @property
    def network(self) -> Network:
        return classic_cnn(self.settings.dropout)

    @property
    def is_resumed(self) -> bool:
        return bool(self.checkpoint.state)

    @property
    def replaces_model(self) -> bool:
        return self.model_path.exists()

    @property
    def replaces_unfinished_run(self) -> bool:
        return not self.is_resumed and checkpoint_path(self.model_path).exists()

    @property
    def has_other_data(self) -> bool:
        """Whether it repeats a run that was trained on other data."""
        return self.original is not None and self.original.data.sha256 != self.dataset.sha256


def plan_run(request: TrainingRequest) -> Run:
    """The requested run, with its data, its settings and its destinations checked.

    Raises `DataError`, `ModelError`, `OutputError` and `SettingError`.
    """
    dataset = open_dataset(request.data_path, request.data_as_is)
    original = open_record(request.record_path) if request.record_path else None
    checkpoint = _checkpoint(request, dataset, original)
    run = Run(request.model_path, checkpoint, dataset, original)
    _check_data(run)
    _check_destinations(run)
    if request.tensorboard_path:
        _check_tensorboard(request.tensorboard_path)
    return run


def _checkpoint(request: TrainingRequest, dataset: Dataset, original: Record | None) -> Checkpoint:
    """The checkpoint to start from: that of the run to resume, or an empty one with the settings of the new run."""
    if request.resume:
        checkpoint = resumed_checkpoint(request.model_path, request.chosen, request.command)
        if original:
            check_unchanged(recorded_settings(original), vars(checkpoint.settings), "the record")
        return checkpoint
    if original is None:
        return Checkpoint(settings_of(request.chosen), request.command, dataset.sha256)
    settings = recorded_settings(original)
    check_unchanged(settings, request.chosen, "the record")
    return Checkpoint(settings, request.command, dataset.sha256)


def _check_data(run: Run) -> None:
    """Check that the data is valid, enough, and that of the checkpoint."""
    dataset, checkpoint = run.dataset, run.checkpoint
    if checkpoint.data_sha256 != dataset.sha256:
        raise DataError(f"{dataset.name}: not the data that the run to resume was trained on", "Give its --data.")
    if run.settings.patience and not run.validation_size:
        raise SettingError("--validation-split", "leaves no images to validate on, which --patience needs")
    if checkpoint.progress.images != min(checkpoint.progress.step * run.settings.batch_size, run.training_size):
        raise ModelError(f"{checkpoint_path(run.model_path)}: not a checkpoint of this data", "Train without --resume.")


def _check_destinations(run: Run) -> None:
    """Check that model, record and checkpoint can be written, each to a file of its own."""
    check_model_destination(run.model_path, _OTHER_OUTPUT)
    check_destination(checkpoint_path(run.model_path), is_checkpoint, _OTHER_OUTPUT)
    if are_one_file(run.output_paths):
        message = f"{run.model_path}: links make it one file with its record or its checkpoint"
        raise OutputError(message, "Remove the links.")


def _check_tensorboard(folder: Path) -> None:
    hint = "Choose another --tensorboard."
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise OutputError(f"{folder}: can't be written: {reason.strerror or first_line(reason)}", hint) from reason
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: can't be written: permission denied", hint)
