"""What `train` says: its plan, the run as it goes, and how it ended.

The run is a live bar and a growing table on a terminal, and a plain line per epoch anywhere else.
"""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mnist_cli.datasets.dataset import MNIST_SHA256
from mnist_cli.display.curves import Curves
from mnist_cli.display.screen import Screen, fields
from mnist_cli.display.tables import table
from mnist_cli.figures import Epoch, Metrics, best_epoch
from mnist_cli.model.record import Record
from mnist_cli.settings import NOTEBOOK_METRICS, Settings
from mnist_cli.training.device import Device
from mnist_cli.training.events import Listener, Plan

_LOADING = "Loading TensorFlow (a few seconds)"
# The column of values in the lines before a run.
_PLAN_WIDTH = len("Training") + 2
_REFRESHES_PER_SECOND = 5
_LINES_BESIDE_TABLE = 6
# From this width on there is room for words beside the figures.
_ROOMY = 100


@contextmanager
def training_progress(screen: Screen) -> Iterator[Listener]:
    """The listener that suits the screen, for the time of a run."""
    if not screen.live:
        yield PlainProgress(screen)
        return
    progress = LiveProgress(screen)
    try:
        yield progress
    finally:
        progress.close()


class PlainProgress(Listener):
    """A line for each epoch: for pipes, files, CI and terminals that can't redraw."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def planned(self, plan: Plan) -> None:
        self._epochs = plan.settings.epochs
        show_plan(self._screen, plan)
        self._screen.note(_LOADING)

    def started(self, device: Device, precision: str) -> None:
        show_device(self._screen, device, precision)

    def epoch_done(self, epoch: Epoch) -> None:
        validation = ""
        if epoch.val_loss is not None and epoch.val_accuracy is not None:
            validation = f", val. loss {epoch.val_loss:.4f}, val. accuracy {epoch.val_accuracy:.4f}"
        figures = f"loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.4f}{validation}, {epoch.seconds:.1f} s"
        self._screen.note(f"epoch {epoch.epoch}/{self._epochs}: {figures}")


class LiveProgress(Listener):
    """A table with a row for each finished epoch, and a bar for the one that runs."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._history: list[Epoch] = []
        self._spinner = Spinner("line", Text(_LOADING))
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}  accuracy {task.fields[accuracy]:.4f}"),
            TextColumn("{task.fields[left]}"),
            console=screen.err,
            auto_refresh=False,
            expand=True,
        )
        self._live = Live(
            get_renderable=self._render,
            console=screen.err,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
        )

    def planned(self, plan: Plan) -> None:
        self._epochs, self._steps = plan.settings.epochs, plan.steps
        self._history = list(plan.history)
        self._first_step = len(plan.history) * plan.steps + plan.progress.step
        show_plan(self._screen, plan)
        self._live.start()

    def started(self, device: Device, precision: str) -> None:
        show_device(self._screen, device, precision)
        self._screen.note("")
        self._task = self._bar.add_task("", total=self._steps, loss=0.0, accuracy=0.0, left="")
        self._start = time.monotonic()
        self._describe(len(self._history) + 1)

    def stepped(self, epoch: int, step: int, means: Metrics) -> None:
        left = self._left(epoch, step)
        self._bar.update(self._task, completed=step, loss=means.loss, accuracy=means.accuracy, left=left)

    def _left(self, epoch: int, step: int) -> str:
        """The time left for the epoch and for the whole run, at the mean speed so far."""
        taken = (epoch - 1) * self._steps + step - self._first_step
        per_step = (time.monotonic() - self._start) / taken
        in_epoch = self._steps - step
        in_all = in_epoch + (self._epochs - epoch) * self._steps
        epoch_left, all_left = _clock(in_epoch * per_step), _clock(in_all * per_step)
        if self._screen.err.width < _ROOMY:
            return f"{epoch_left} / {all_left} left"
        return f"{epoch_left} left, {all_left} in all"

    def epoch_done(self, epoch: Epoch) -> None:
        self._history.append(epoch)
        if epoch.epoch < self._epochs:
            self._bar.reset(self._task, total=self._steps)
            self._describe(epoch.epoch + 1)

    def close(self) -> None:
        """Leave the table of what was done on the terminal, whatever ended the run."""
        self._live.stop()
        if self._history:
            self._screen.note(Group(epochs_table(self._history, self._history), ""))

    def _describe(self, epoch: int) -> None:
        self._bar.update(self._task, description=f"Epoch {epoch}/{self._epochs}")

    def _render(self) -> RenderableType:
        if not self._bar.tasks:
            return self._spinner
        # The last columns stay free: a full line would be broken by the ^C that a terminal puts behind it.
        bar = Constrain(self._bar, self._screen.err.width - 3)
        if not self._history:
            return bar
        room = max(self._screen.err.height - _LINES_BESIDE_TABLE, 1)
        return Group(epochs_table(self._history[-room:], self._history), bar)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def epochs_table(shown: list[Epoch], history: list[Epoch]) -> Table:
    """The epochs to show as rows, the best of the history marked."""
    best = best_epoch(history)
    rows = table("epoch", "loss", "accuracy", "val. loss", "val. accuracy", "seconds", "<")
    for epoch in shown:
        rows.add_row(
            str(epoch.epoch),
            *(_figure(value) for value in (epoch.loss, epoch.accuracy, epoch.val_loss, epoch.val_accuracy)),
            f"{epoch.seconds:.1f}",
            "best" if epoch.epoch == best else "",
            style="bold green" if epoch.epoch == best else "",
        )
    return rows


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def show_plan(screen: Screen, plan: Plan) -> None:
    settings = plan.settings
    replaced = f" (replaces {' and '.join(plan.replaces)} there)" if plan.replaces else ""
    rows = {
        "Training": f"{settings.recipe} recipe{_changes(settings)}: {_epochs(settings.epochs)} of "
        f"{plan.steps:,} steps, batches of {settings.batch_size:,}, seed {settings.seed}",
        "Data": f"{plan.data_name}: {plan.training:,} images to train on, {plan.validation:,} to validate, "
        f"{plan.test:,} to test",
        "Network": f"{plan.parameters:,} parameters",
        "Output": f"{plan.model_path}{replaced}",
    }
    if plan.resumed:
        steps = f" and {plan.progress.step:,} steps" if plan.progress.step else ""
        rows["Resumed"] = f"after {_epochs(len(plan.history))}{steps}"
    screen.note(fields(rows, _PLAN_WIDTH))


def _changes(settings: Settings) -> str:
    """What was chosen instead of the recipe's own settings."""
    words = (f"{name.replace('_', ' ')} {value}" for name, value in settings.changes.items())
    return f" with {', '.join(words)}" if settings.changes else ""


def show_device(screen: Screen, device: Device, precision: str) -> None:
    slowly = precision == "bfloat16" and not device.native_bfloat16
    how = f"{precision}, which it does not compute in natively: slow" if slowly else precision
    screen.note(fields({"Device": f"{device.name}, {how}"}, _PLAN_WIDTH))


def show_trained(screen: Screen, record: Record, model_path: Path) -> None:
    """The learning curves, how the run ended, and what to do next."""
    best = record.best_epoch
    lowest = f"; the lowest validation loss was in epoch {best}" if best else ""
    earlier = f", as it was after epoch {record.saved_epoch}"
    rows = {
        "Test": _metrics(record.test),
        "Notebook": f"{_metrics(NOTEBOOK_METRICS)} in its own run of 15 epochs",
        "Trained": f"{_epochs(len(record.history))} in {record.seconds:.1f} s{lowest}",
        "Saved": f"{model_path}{'' if record.saved_epoch == len(record.history) else earlier}",
        "Next": shlex.join(["mnistcli", "evaluate", _as_argument(model_path)]),
    }
    if record.data.sha256 != MNIST_SHA256:
        del rows["Notebook"]
    if len(record.history) > 1:
        screen.result(Curves(record.history), "")
    screen.result(fields(rows))


def show_repetition(screen: Screen, differing: list[str]) -> None:
    """Whether a run that was done again made the same model, and if not, what is not as it was."""
    if differing:
        outcome = f"the model is another than that of the record; what else is not as it was: {'; '.join(differing)}"
    else:
        outcome = "the model is identical to that of the record"
    screen.result(fields({"Repeated": outcome}))


def _as_argument(path: Path) -> str:
    """The path as a command takes it, not as an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _epochs(number: int) -> str:
    return "1 epoch" if number == 1 else f"{number:,} epochs"


def _metrics(metrics: Metrics) -> str:
    return f"loss {metrics.loss:.4f}, accuracy {metrics.accuracy:.4f}"
