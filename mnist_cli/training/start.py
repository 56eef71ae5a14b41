"""Where a run starts from: settings, a training record, a checkpoint, or a finished model that is to be trained on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnist_cli.datasets.dataset import Dataset
from mnist_cli.errors import ModelError, SettingError, first_line
from mnist_cli.model.file import ModelFile, read_adam_state, read_model
from mnist_cli.model.record import Record, checked
from mnist_cli.settings import Settings, keep_to, settings_of
from mnist_cli.training.checkpoint import Checkpoint, checkpoint_path, read_checkpoint
from mnist_cli.training.trainer import EpochProgress, State


def begun(chosen: Mapping[str, Any], command: str, dataset: Dataset) -> Checkpoint:
    """A new run with the chosen settings, which `settings_of` explains. Raises `SettingError`."""
    return Checkpoint(settings_of(chosen), command, dataset.sha256)


def repeated(record: Record, chosen: Mapping[str, Any], command: str, dataset: Dataset) -> Checkpoint:
    """The run of a record from its beginning, with no other settings. Raises `ModelError` and `SettingError`."""
    settings = recorded_settings(record)
    keep_to(settings, chosen, "the record")
    return Checkpoint(settings, command, dataset.sha256)


def resumed(model_path: Path, chosen: Mapping[str, Any], command: str = "") -> Checkpoint:
    """The run that was to make, or has made, the model at `model_path`, to go on with.

    Of the settings chosen only the number of epochs may differ from the run's; the run then is that of `command`.
    Raises `ModelError` where there is
    nothing to go on with, and `SettingError`.
    """
    unfinished = checkpoint_path(model_path).exists()
    checkpoint = read_checkpoint(model_path) if unfinished else _finished(model_path)
    others = {name: value for name, value in chosen.items() if name != "epochs"}
    keep_to(checkpoint.settings, others, "the run to resume")
    epochs = chosen.get("epochs")
    if epochs is not None and epochs != checkpoint.settings.epochs:
        settings = _with_epochs(checkpoint, epochs)
        checkpoint = replace(checkpoint, settings=settings, command=command or checkpoint.command)
    if checkpoint.ended and not unfinished:
        hint = "A larger --epochs extends it." if checkpoint.settings.schedule == "constant" else ""
        raise ModelError(f"{model_path}: this run is finished", hint)
    return checkpoint


def _with_epochs(checkpoint: Checkpoint, epochs: int) -> Settings:
    settings, done = checkpoint.settings, len(checkpoint.history)
    if settings.schedule != "constant":
        why = f"its {settings.schedule} learning rate depends on the number of epochs, {settings.epochs}"
        raise SettingError("--epochs", f"can't be changed: {why}")
    if checkpoint.progress.step and epochs <= done:
        raise SettingError("--epochs", f"is {epochs}, but the run is in epoch {done + 1} already")
    if epochs < done:
        raise SettingError("--epochs", f"is {epochs}, but {done} are done")
    return replace(settings, epochs=epochs)


def _finished(model_path: Path) -> Checkpoint:
    """A checkpoint at the end of the run that made a model, from the model and its record."""
    if not model_path.exists():
        raise ModelError(f"nothing to resume: there is no {checkpoint_path(model_path)}", "Train without --resume.")
    model = read_model(model_path)
    record = model.record
    if record is None:
        raise ModelError(f"nothing to resume: {model_path} has no training record", "Train without --resume.")
    settings = recorded_settings(record)
    if not settings.continues_from_model or record.saved_epoch != len(record.history):
        reason = "its model holds averaged or earlier weights, or another optimizer than Adam"
        raise ModelError(f"{model_path}: this run is finished and can't be extended: {reason}")
    epochs = len(record.history)
    state = _state(model, settings.steps(record.data.training) * epochs)
    return Checkpoint(
        settings=settings,
        command=record.command,
        data_sha256=record.data.sha256,
        progress=EpochProgress(epochs + 1),
        history=record.history,
        state=state,
        best=state if settings.patience else {},
    )


def _state(model: ModelFile, steps: int) -> State:
    taken, remembered = read_adam_state(model)
    if taken != steps:
        raise ModelError(f"{model.path}: its optimizer has taken {taken} steps, its record tells of {steps}")
    weights = [array for layer in model.weights for array in layer]
    named = {f"weight_{index}": array for index, array in enumerate(weights)}
    return named | {f"optimizer_{index}": array for index, array in enumerate(remembered)}


def recorded_settings(record: Record) -> Settings:
    """The settings that a model was trained with. Raises `ModelError` where they are not those of this version."""
    try:
        return checked(Settings, record.settings | {"recipe": record.recipe})
    except (KeyError, TypeError, SettingError) as reason:
        raise ModelError(f"the training record has settings of another version: {first_line(reason)}") from reason


def differences(before: Record, after: Record) -> list[str]:
    """What is not the same about two runs with the same settings, in words; nothing where the models are identical."""
    if before.model_sha256 == after.model_sha256:
        return []
    told = [
        f"{name} {before.versions.get(name, 'unknown')}, now {version}"
        for name, version in after.versions.items()
        if before.versions.get(name) != version
    ]
    told += [
        f"{name} {before.machine.get(name, 'unknown')}, now {value}"
        for name, value in after.machine.items()
        if before.machine.get(name) != value
    ]
    if before.data.sha256 != after.data.sha256:
        told.append(f"data {before.data.name}, now {after.data.name}")
    return told or ["nothing that the records tell of"]
