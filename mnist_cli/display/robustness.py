"""How the accuracy falls where images are changed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mnist_cli.display.screen import Screen
from mnist_cli.display.tables import table
from mnist_cli.evaluation.robustness import Trial

EXPLANATION = "accuracy where the same images are changed"


def robustness_table(trials: tuple[Trial, ...], accuracy: float) -> Table:
    """A row for each trial, with the difference to the accuracy on the unchanged images."""
    rows = table("<change", "<by", "errors", "accuracy", "difference")
    rows.add_row("none", "", "", f"{accuracy:.4f}", "")
    for trial in trials:
        rows.add_row(
            trial.change,
            "" if trial.amount is None else f"{trial.amount:g} {trial.unit}",
            f"{trial.errors:,}",
            f"{trial.accuracy:.4f}",
            f"{trial.accuracy - accuracy:+.4f}",
        )
    return rows


@contextmanager
def robustness_progress(screen: Screen) -> Iterator[Callable[[int, int], None]]:
    """What is told how many trials of how many are done: a bar on a terminal, else one line at the beginning."""
    if not screen.live:
        yield lambda done, total: None if done else screen.note(f"Judging {total} changed versions of the images")
        return
    columns = (TextColumn("Changed images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen.err, transient=True) as bar:
        task = bar.add_task("", visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)
