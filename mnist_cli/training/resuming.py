"""What a run takes from an earlier one: the settings of a run to repeat, or the checkpoint of a run to resume."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnist_cli.errors import ModelError, SettingError, first_line
from mnist_cli.model.file import ModelFile, read_adam_state, read_model
from mnist_cli.model.record import Record, checked
from mnist_cli.settings import Settings, check_unchanged
from mnist_cli.training.checkpoint import Checkpoint, EpochProgress, State, checkpoint_path, read_checkpoint

_WITHOUT_RESUME = "Train without --resume."


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
