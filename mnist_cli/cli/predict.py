"""The command `predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_cli.cli.options import OUTPUT, Debug, ModelOption, Quiet, default
from mnist_cli.errors import PictureError, SettingError

if TYPE_CHECKING:
    from mnist_cli.display.screen import Format

Images = Annotated[
    list[str], typer.Argument(metavar="IMAGE...", help="Picture files, folders, quoted patterns, or - for stdin.")
]
Raw = Annotated[bool, typer.Option("--raw", help="Don't look for ink: only make pictures grey and 28x28.")]
Top = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=10,
        help=f"Number of likeliest digits to name.{default('3')}",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Explain = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="Draw what the network saw, where it looked, and how sure it is.",
        rich_help_panel=OUTPUT,
    ),
]
JsonLines = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object per picture, each on its own line.", rich_help_panel=OUTPUT),
]
CsvLines = Annotated[
    bool, typer.Option("--csv", help="Print one line of CSV per picture, below a header.", rich_help_panel=OUTPUT)
]


Kaggle = Annotated[
    bool,
    typer.Option("--kaggle", help="Print ImageId,Label lines for Kaggle's digit recognizer.", rich_help_panel=OUTPUT),
]


def predict(
    images: Images,
    model: ModelOption = None,
    raw: Raw = False,
    top: Top = 3,
    explain: Explain = False,
    json: JsonLines = False,
    csv: CsvLines = False,
    kaggle: Kaggle = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Read the digits in pictures."""
    from mnist_cli.cli.models import engine_for
    from mnist_cli.display.prediction import COLUMNS, KAGGLE_COLUMNS, KaggleView, PredictionView
    from mnist_cli.display.screen import Screen, tracked
    from mnist_cli.pictures.paths import find_pictures, holds_images
    from mnist_cli.pictures.preparation import prepare, resize
    from mnist_cli.pictures.reader import Reader
    from mnist_cli.wording import count

    if [json, csv, kaggle, explain].count(True) > 1:
        raise SettingError(
            "--explain" if explain else "--kaggle" if kaggle else "--csv",
            "cannot be combined with another output format",
        )
    if "" in images:  # as a path, this would be the current folder
        raise SettingError("IMAGE...", "must not be empty")
    screen = Screen(quiet, _format(json, csv or kaggle))
    engine = engine_for(model, screen)
    reader = Reader(engine, engine.model.calibration, resize if raw else prepare)
    found = find_pictures(map(Path, images))
    paths = found.paths
    if found.left_out:
        screen.note(f"skipped {count(found.left_out, 'file')} without the suffix of a picture")
    screen.header(KAGGLE_COLUMNS if kaggle else COLUMNS)
    failed = read = 0
    if any(map(holds_images, paths)):
        from mnist_cli.datasets.unlabelled import read_files  # pictures don't need it

        predictions = read_files(reader, paths)
    else:
        predictions = reader.read_all(paths)
    for prediction in tracked(screen, predictions, len(paths), "Pictures", prints_each=True):
        if prediction.status == "error":
            failed += 1
        if kaggle and prediction.status == "error":
            screen.error(PictureError(prediction.error or "", prediction.hint))
            continue
        if kaggle:
            read += 1
            screen.show(KaggleView(prediction, read))
            continue
        explanations = reader.explain(prediction) if explain else ()
        screen.show(PredictionView(prediction, top, explanations))
    if len(paths) == 1 and screen.has_shown_error:  # the count would say nothing more
        raise typer.Exit(1)
    if failed:
        raise PictureError(f"{failed} of {len(paths)} pictures could not be read")


def _format(json: bool, csv: bool) -> "Format":
    if json:
        return "json"
    return "csv" if csv else "text"
