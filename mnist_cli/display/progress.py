"""The progress of a run: a bar below a growing table on a terminal, a plain line per epoch anywhere else."""

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mnist_cli.display.layout import table
from mnist_cli.display.screen import Screen
from mnist_cli.display.training import show_device, show_plan
from mnist_cli.figures import Epoch, Metrics, best_epoch
from mnist_cli.training.events import EpochDone, Event, Planned, Started, Stepped, Trained
from mnist_cli.training.start import Run

_LOADING = "loading TensorFlow (a few seconds)"
_REFRESHES_PER_SECOND = 5
_LINES_BESIDE_TABLE = 6  # of the terminal: the head of the table, the bar, and empty lines
_WIDTH_FOR_WORDS = 100  # of a terminal with room for "left" and "in all" beside the times


def show_training(screen: Screen, events: Iterable[Event]) -> Trained:
    """Show the events of a run as they occur, and return the last one."""
    with LiveProgress(screen) if screen.live else PlainProgress(screen) as progress:
        for event in events:
            progress.show(event)
    assert isinstance(event, Trained)  # a run that ends otherwise raises an error
    return event


class PlainProgress(AbstractContextManager["PlainProgress"]):
    """A line for each epoch, for pipes, files, CI and terminals that can't redraw."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def __exit__(self, *error: object) -> None:
        pass

    def show(self, event: Event) -> None:
        match event:
            case Planned(run):
                self._epochs = run.settings.epochs
                show_plan(self._screen, run)
                self._screen.note(_LOADING)
            case Started():
                show_device(self._screen, event)
            case EpochDone(epoch):
                self._screen.note(f"epoch {epoch.epoch}/{self._epochs}: {_figures(epoch)}, {epoch.seconds:.1f} s")


def _figures(epoch: Epoch) -> str:
    training = f"loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.4f}"
    if epoch.val_loss is None or epoch.val_accuracy is None:
        return training
    return f"{training}, val. loss {epoch.val_loss:.4f}, val. accuracy {epoch.val_accuracy:.4f}"


class LiveProgress(AbstractContextManager["LiveProgress"]):
    """A table with a row for each finished epoch, above a bar for the current one."""

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

    def __exit__(self, *error: object) -> None:
        """Replace the live display by the table of finished epochs, however the run ended."""
        self._live.stop()
        if self._history:
            self._screen.note(Group(epochs_table(self._history, self._history), ""))

    def show(self, event: Event) -> None:
        match event:
            case Planned(run):
                self._plan(run)
            case Started():
                self._start(event)
            case Stepped(epoch, step, means):
                self._step(epoch, step, means)
            case EpochDone(epoch):
                self._history.append(epoch)
                if epoch.epoch < self._epochs:
                    self._bar.reset(self._task, total=self._steps)
                    self._describe(epoch.epoch + 1)

    def _plan(self, run: Run) -> None:
        checkpoint = run.checkpoint
        self._epochs, self._steps = run.settings.epochs, run.steps
        self._history = list(checkpoint.history)
        self._first_step = len(checkpoint.history) * run.steps + checkpoint.progress.step
        show_plan(self._screen, run)
        self._live.start()

    def _start(self, started: Started) -> None:
        show_device(self._screen, started)
        self._screen.note("")
        self._task = self._bar.add_task("", total=self._steps, loss=0.0, accuracy=0.0, left="")
        self._start_time = time.monotonic()
        self._describe(len(self._history) + 1)

    def _step(self, epoch: int, step: int, means: Metrics) -> None:
        left = self._time_left(epoch, step)
        self._bar.update(self._task, completed=step, loss=means.loss, accuracy=means.accuracy, left=left)

    def _time_left(self, epoch: int, step: int) -> str:
        """The time left for the epoch and for the whole run, at the mean speed so far."""
        steps_done = (epoch - 1) * self._steps + step - self._first_step
        seconds_per_step = (time.monotonic() - self._start_time) / steps_done
        epoch_steps = self._steps - step
        run_steps = epoch_steps + (self._epochs - epoch) * self._steps
        epoch_time, run_time = _clock(epoch_steps * seconds_per_step), _clock(run_steps * seconds_per_step)
        if self._screen.err.width < _WIDTH_FOR_WORDS:
            return f"{epoch_time} / {run_time} left"
        return f"{epoch_time} left, {run_time} in all"

    def _describe(self, epoch: int) -> None:
        self._bar.update(self._task, description=f"Epoch {epoch}/{self._epochs}")

    def _render(self) -> RenderableType:
        if not self._bar.tasks:
            return self._spinner
        # The last columns stay empty, for the ^C that a terminal prints: after a full line, it would start a new one.
        bar = Constrain(self._bar, self._screen.err.width - 3)
        if not self._history:
            return bar
        max_rows = max(self._screen.err.height - _LINES_BESIDE_TABLE, 1)
        return Group(epochs_table(self._history[-max_rows:], self._history), bar)


def _clock(duration: float) -> str:
    """A duration in seconds as `m:ss` or `h:mm:ss`."""
    minutes, seconds = divmod(round(duration), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def epochs_table(shown: list[Epoch], history: list[Epoch]) -> Table:
    """The `shown` epochs as rows; the best epoch of the whole `history` is marked."""
    best = best_epoch(history)
    rows = table("epoch", "loss", "accuracy", "val. loss", "val. accuracy", "seconds", "<")
    for epoch in shown:
        rows.add_row(
            str(epoch.epoch),
            _figure(epoch.loss),
            _figure(epoch.accuracy),
            _figure(epoch.val_loss),
            _figure(epoch.val_accuracy),
            f"{epoch.seconds:.1f}",
            "best" if epoch.epoch == best else "",
            style="bold green" if epoch.epoch == best else "",
        )
    return rows


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
