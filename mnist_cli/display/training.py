"""The output of `train` before and after a run: the plan, the device, and the result."""

import shlex
from pathlib import Path
from typing import Any

from mnist_cli.datasets.dataset import MNIST_SHA256
from mnist_cli.display.charts import Curves
from mnist_cli.display.layout import fields
from mnist_cli.display.screen import Screen, View
from mnist_cli.figures import Metrics
from mnist_cli.settings import NOTEBOOK_METRICS, Settings
from mnist_cli.training.checkpoint import Checkpoint
from mnist_cli.training.events import Started, Trained
from mnist_cli.training.start import Run
from mnist_cli.wording import count

_PLAN_WIDTH = len("Training") + 2
"""The column at which the values of the plan start."""


def show_plan(screen: Screen, run: Run) -> None:
    """Print what will be trained, on which data, and where it will be saved."""
    if run.original and run.has_other_data:
        screen.warning(f"the recorded run was trained on other data: {run.original.data.name}")
    for note in run.dataset.training_notes:
        screen.note(note)
    settings = run.settings
    test_size = len(run.dataset.test_labels)
    recipe = f"{settings.recipe} recipe{_changes(settings)}"
    steps = f"{count(settings.epochs, 'epoch')} of {run.steps:,} steps"
    images = f"{run.training_size:,} images to train on, {run.validation_size:,} to validate, {test_size:,} to test"
    rows = {
        "Training": f"{recipe}: {steps}, batches of {settings.batch_size:,}, seed {settings.seed}",
        "Data": f"{run.dataset.name}: {images}",
        "Network": f"{run.network.parameters:,} parameters",
        "Output": f"{run.model_path}{_replaced(run)}",
    }
    if run.is_resumed:
        rows["Resumed"] = _resumed(run.checkpoint)
    screen.note(fields(rows, _PLAN_WIDTH))


def _resumed(checkpoint: Checkpoint) -> str:
    """How far a resumed run has come."""
    epochs, step = count(len(checkpoint.history), "epoch"), checkpoint.progress.step
    return f"after {epochs} and {step:,} steps" if step else f"after {epochs}"


def _replaced(run: Run) -> str:
    """What the new model will replace, as an addition to its path."""
    replaced = []
    if run.replaces_model:
        replaced.append("the model")
    if run.replaces_unfinished_run:
        replaced.append("the unfinished run")
    return f" (replaces {' and '.join(replaced)} there)" if replaced else ""


def _changes(settings: Settings) -> str:
    """The settings that differ from the recipe's, as an addition to its name."""
    words = (f"{name.replace('_', ' ')} {value}" for name, value in settings.changes.items())
    return f" with {', '.join(words)}" if settings.changes else ""


def show_device(screen: Screen, started: Started) -> None:
    """Print the device and the precision of the run."""
    slowness = "" if started.is_native else ", which it does not compute natively: slow"
    screen.note(fields({"Device": f"{started.device}, {started.precision}{slowness}"}, _PLAN_WIDTH))


class TrainedView(View):
    """The learning curves and the result of a run, and the next command; in JSON, the record."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained

    def as_json(self) -> dict[str, Any]:
        values = self._trained.record.as_json()
        if self._trained.differences is not None:
            values["differences"] = self._trained.differences
        return values

    def as_text(self, screen: Screen) -> None:
        record = self._trained.record
        if len(record.history) > 1:
            screen.result(Curves(record.history), "")
        screen.result(fields(self._rows()))

    def _rows(self) -> dict[str, str]:
        record, model_path = self._trained.record, self._trained.model_path
        rows = {"Test": _metrics(record.test)}
        if record.data.sha256 == MNIST_SHA256:
            rows["Notebook"] = f"{_metrics(NOTEBOOK_METRICS)} in its own run of 15 epochs"
        rows["Trained"] = f"{count(len(record.history), 'epoch')} in {record.seconds:.1f} s"
        if record.best_epoch:
            rows["Trained"] += f"; the lowest validation loss was in epoch {record.best_epoch}"
        rows["Saved"] = str(model_path)
        if record.saved_epoch != len(record.history):
            rows["Saved"] += f", from epoch {record.saved_epoch}"
        rows["Next"] = shlex.join(["mnistcli", "evaluate", _as_argument(model_path)])
        if self._trained.differences is not None:
            rows["Repeated"] = _repetition(self._trained.differences)
        return rows


def _repetition(differences: list[str]) -> str:
    """The result of repeating a run, in words."""
    if not differences:
        return "the model is identical to the recorded one"
    return f"the model differs from the recorded one; also different: {'; '.join(differences)}"


def _as_argument(path: Path) -> str:
    """The path as an argument that no command takes for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _metrics(metrics: Metrics) -> str:
    return f"loss {metrics.loss:.4f}, accuracy {metrics.accuracy:.4f}"
