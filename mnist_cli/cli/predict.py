"""The command `predict`."""

from pathlib import Path
from typing import Annotated

import typer

from mnist_cli.cli.options import OUTPUT, Debug, ModelOption, Quiet, default
from mnist_cli.errors import PictureError, SettingError


def predict(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Picture files, folders, patterns, or - for stdin.")
    ],
    model: ModelOption = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Only make pictures grey and 28x28: light digits on black, as in MNIST.")
    ] = False,
    top: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=10,
            help=f"How many of the likeliest digits to name.{default('3')}",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = 3,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Draw what the network saw, where it looked, and how sure it is.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per picture and line.", rich_help_panel=OUTPUT)
    ] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print one line of CSV per picture.", rich_help_panel=OUTPUT)
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Read the digits in pictures."""
    from mnist_cli.cli.models import engine_for
    from mnist_cli.display.explanation import show_explanation
    from mnist_cli.display.prediction import COLUMNS, prediction_csv, prediction_json, show_prediction, with_progress
    from mnist_cli.display.screen import Screen
    from mnist_cli.model.calibration import UNCALIBRATED
    from mnist_cli.pictures.preparation import prepare, resize
    from mnist_cli.pictures.reader import Reader
    from mnist_cli.pictures.search import find_pictures

    if [json, csv, explain].count(True) > 1:
        raise SettingError("--explain" if explain else "--csv", "cannot be combined with another output format")
    if "" in images:  # as a path, the current folder
        raise SettingError("IMAGE...", "must not be empty")
    screen = Screen(quiet, "json" if json else "csv" if csv else "text")
    engine = engine_for(model, screen)
    calibration = engine.model.record.calibration if engine.model.record else None
    reader = Reader(engine, calibration or UNCALIBRATED, resize if raw else prepare)
    paths = find_pictures(map(Path, images))
    screen.header(COLUMNS)
    failed = 0
    for prediction in with_progress(screen, reader.read_all(paths), len(paths)):
        failed += prediction.status == "error"
        if json:
            screen.json(prediction_json(prediction))
        elif csv:
            screen.line(prediction_csv(prediction))
        else:
            show_prediction(screen, prediction, top)
            if explain:
                for explanation in reader.explain(prediction):
                    show_explanation(screen, explanation, prediction.steps)
    if failed == len(paths) == 1:  # what is wrong with it has been told
        raise typer.Exit(1)
    if failed:
        raise PictureError(f"{failed} of {len(paths)} pictures could not be read")
