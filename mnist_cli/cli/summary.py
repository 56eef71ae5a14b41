"""The command `summary`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mnist_cli.cli.options import AsIs, Debug, Json, Model, Quiet, data_option
from mnist_cli.errors import SettingError

if TYPE_CHECKING:
    from mnist_cli.display.screen import Screen

Data = Annotated[
    Path | None,
    data_option("Show a data set instead: its digits, duplicates and doubtful labels."),
]


def summary(
    model: Model = None,
    data: Data = None,
    as_is: AsIs = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show a model's layers, their cost, and how it was trained; or what is in a data set."""
    from mnist_cli.display.screen import Screen

    if model and data:
        raise SettingError("--data", "shows a data set, and cannot be combined with a model")
    screen = Screen(quiet, "json" if json else "text")
    if data:
        _summarize_data(data, as_is, screen)
    else:
        _summarize_model(model, screen)


def _summarize_model(model: Path | None, screen: "Screen") -> None:
    from mnist_cli.cli.models import note_interface, read_model_or_default
    from mnist_cli.display.summary import SummaryView
    from mnist_cli.model.summary import summarize

    result = summarize(read_model_or_default(model, screen))
    if result.interface:
        note_interface(result.path, result.interface, screen)
    screen.show(SummaryView(result))


def _summarize_data(path: Path, as_is: bool, screen: "Screen") -> None:
    from mnist_cli.datasets.dataset import open_dataset
    from mnist_cli.datasets.overview import survey
    from mnist_cli.display.overview import OverviewView

    dataset = open_dataset(path, as_is)
    for note in dataset.notes:
        screen.note(note)
    screen.show(OverviewView(survey(dataset)))
