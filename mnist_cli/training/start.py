"""The request of a training run, and the run that follows from it: new, repeated or resumed."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mnist_cli.datasets.dataset import MNIST_SHA256, Dataset, open_dataset
from mnist_cli.errors import DataError, ModelError, OutputError, SettingError, first_line
from mnist_cli.model.file import ModelFile, check_model_destination, read_adam_state, read_model
from mnist_cli.model.network import Network
from mnist_cli.model.record import Record, checked, open_record, record_path
from mnist_cli.settings import DEFAULT_MODEL_PATH, Settings, check_unchanged, settings_of
from mnist_cli.storage.files import are_one_file, check_destination
from mnist_cli.training.checkpoint import (
    Checkpoint,
    EpochProgress,
    State,
    checkpoint_path,
    is_checkpoint,
    read_checkpoint,
)
from mnist_cli.training.network import classic_cnn

_OTHER_OUTPUT = "Choose another --output."
_WITHOUT_RESUME = "Train without --resume."


@dataclass(frozen=True)
class TrainingRequest:
    """What `train` is asked for. Raises `SettingError`.

    `chosen`: values by the names of settings; those that are None or missing come from the recipe, the record or the
    run to resume. `record_path`: the record of a run to repeat. `command`: the command line, for the new record.
    """

    chosen: Mapping[str, Any] = field(default_factory=dict)
    output_path: Path | None = None
    data_path: Path | None = None
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
        return f"`{shlex.join(command)}` resumes the run"


@dataclass(frozen=True)
class Run:
    """A training run, ready to start or to resume. `original`: the record of the run that it repeats, if any."""

    model_path: Path
    checkpoint: Checkpoint
    dataset: Dataset
    original: Record | None = None

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


def start(request: TrainingRequest) -> Run:
    """The requested run, with its data, its settings and its destinations checked.

    Raises `DataError`, `ModelError`, `OutputError` and `SettingError`.
    """
    dataset = open_dataset(request.data_path)
    original = open_record(request.record_path) if request.record_path else None
    checkpoint = _checkpoint(request, dataset, original)
    run = Run(request.model_path, checkpoint, dataset, original)
    _check_data(run)
    _check_destinations(run.model_path)
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
    dataset, checkpoint = run.dataset, run.checkpoint
    if checkpoint.data_sha256 != dataset.sha256:
        raise DataError(f"{dataset.name}: not the data that the run to resume was trained on", "Give its --data.")
    if dataset.sha256 != MNIST_SHA256:  # MNIST is known to be valid
        dataset.check()
    if run.settings.patience and not run.validation_size:
        raise SettingError("--validation-split", "leaves no images to validate on, which --patience needs")
    if checkpoint.progress.images != min(checkpoint.progress.step * run.settings.batch_size, run.training_size):
        raise ModelError(f"{checkpoint_path(run.model_path)}: not a checkpoint of this data", _WITHOUT_RESUME)


def _check_destinations(model_path: Path) -> None:
    paths = [model_path, record_path(model_path), checkpoint_path(model_path)]
    check_model_destination(model_path, _OTHER_OUTPUT)
    check_destination(checkpoint_path(model_path), is_checkpoint, _OTHER_OUTPUT)
    if are_one_file(paths):
        message = f"{model_path}: links make it one file with its record or its checkpoint"
        raise OutputError(message, "Remove the links.")


def _check_tensorboard(folder: Path) -> None:
    hint = "Choose another --tensorboard."
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise OutputError(f"{folder}: can't be written: {first_line(reason)}", hint) from reason
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: can't be written: permission denied", hint)


def recorded_settings(record: Record) -> Settings:
    """The settings of a recorded run. Raises `ModelError` if they are those of another version."""
    try:
        return checked(Settings, record.settings | {"recipe": record.recipe})
    except (KeyError, TypeError, SettingError) as reason:
        raise ModelError(f"the training record has settings of another version: {first_line(reason)}") from reason


def resumed_checkpoint(model_path: Path, chosen: Mapping[str, Any], command: str = "") -> Checkpoint:
    """The checkpoint of the unfinished run at `model_path`, or that at the end of the finished run that is extended.

    Only the number of epochs may be changed; `command` then replaces the command of the run. Raises `ModelError` if
    there is nothing to resume, and `SettingError`.
    """
    is_unfinished = checkpoint_path(model_path).exists()
    checkpoint = read_checkpoint(model_path) if is_unfinished else _end_of_run(model_path)
    others = {name: value for name, value in chosen.items() if name != "epochs"}
    check_unchanged(checkpoint.settings, others, "the run to resume")
    epochs = chosen.get("epochs")
    if epochs is not None and epochs != checkpoint.settings.epochs:
        settings = _with_epochs(checkpoint, epochs)
        checkpoint = replace(checkpoint, settings=settings, command=command or checkpoint.command)
    if checkpoint.ended and not is_unfinished:
        hint = "A larger --epochs extends it." if checkpoint.settings.schedule == "constant" else ""
        raise ModelError(f"{model_path}: this run is finished", hint)
    return checkpoint


def _with_epochs(checkpoint: Checkpoint, epochs: int) -> Settings:
    settings, done = checkpoint.settings, len(checkpoint.history)
    if settings.schedule != "constant":
        why = f"the {settings.schedule} learning rate depends on the number of epochs, {settings.epochs}"
        raise SettingError("--epochs", f"can't be changed: {why}")
    if checkpoint.progress.step and epochs <= done:
        raise SettingError("--epochs", f"is {epochs}, but the run is in epoch {done + 1} already")
    if epochs < done:
        raise SettingError("--epochs", f"is {epochs}, but {done} are finished already")
    return replace(settings, epochs=epochs)


def _end_of_run(model_path: Path) -> Checkpoint:
    """The checkpoint at the end of a finished run, from its model and record."""
    if not model_path.exists():
        raise ModelError(f"nothing to resume: {checkpoint_path(model_path)} does not exist", _WITHOUT_RESUME)
    model = read_model(model_path)
    record = model.record
    if record is None:
        raise ModelError(f"nothing to resume: {model_path} has no training record", _WITHOUT_RESUME)
    settings = recorded_settings(record)
    if not settings.continues_from_model or record.saved_epoch != len(record.history):
        reason = "its model has averaged or earlier weights, or was not trained by Adam"
        raise ModelError(f"{model_path}: this run is finished and can't be extended: {reason}")
    epochs = len(record.history)
    state = _final_state(model, settings.steps(record.data.training) * epochs)
    return Checkpoint(
        settings=settings,
        command=record.command,
        data_sha256=record.data.sha256,
        progress=EpochProgress(epochs + 1),
        history=record.history,
        state=state,
        best=state if settings.patience else {},
    )


def _final_state(model: ModelFile, steps: int) -> State:
    """The trainer's state at the end of a run of `steps` steps, from the weights and Adam's state in its model."""
    steps_taken, moments = read_adam_state(model)
    if steps_taken != steps:
        raise ModelError(f"{model.path}: its optimizer has taken {steps_taken} steps, but {steps} by its record")
    weights = [array for layer in model.weights for array in layer]
    state = {f"weight_{index}": array for index, array in enumerate(weights)}
    state |= {f"optimizer_{index}": array for index, array in enumerate(moments)}
    return state
