"""The command `evaluate`."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_cli.cli.options import OUTPUT, AsIs, Debug, Json, Model, OtherModel, Quiet, data_option, default, file_option

if TYPE_CHECKING:
    from mnist_cli.display.screen import Screen
    from mnist_cli.evaluation.report import EvaluationRequest


Data = Annotated[
    Path | None,
    data_option(
        f"An .npz, CSV or Parquet file, or a folder with IDX files or pictures.{default('MNIST')}",
    ),
]
Robustness = Annotated[
    bool,
    typer.Option("--robustness", help="Also evaluate on shifted, rotated, noisy and otherwise changed images."),
]
MinAccuracy = Annotated[float | None, typer.Option(metavar="X", help="Exit with code 3 if the accuracy is lower.")]
Report = Annotated[
    Path | None, file_option("--report", help="Also write everything to an .html or .svg file.", panel=OUTPUT)
]
Mistakes = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help=f"Number of misread images to draw, the worst first.{default('what fits in a row')}",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]


def evaluate(
    model: Model = None,
    data: Data = None,
    as_is: AsIs = False,
    robustness: Robustness = False,
    compare: OtherModel = None,
    min_accuracy: MinAccuracy = None,
    report: Report = None,
    mistakes: Mistakes = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Evaluate a model on the test images."""
    from mnist_cli.display.screen import Screen
    from mnist_cli.evaluation.report import EvaluationRequest

    request = EvaluationRequest(model, data, compare, robustness, min_accuracy, report, mistakes, as_is)
    _evaluate(request, Screen(quiet, "json" if json else "text"))


def _evaluate(request: "EvaluationRequest", screen: "Screen") -> None:
    from mnist_cli.cli.models import engine_for
    from mnist_cli.datasets.dataset import open_dataset
    from mnist_cli.display.evaluation import EvaluationView
    from mnist_cli.display.report import check_report_destination, write_report
    from mnist_cli.display.screen import ReaderGone, tracked
    from mnist_cli.evaluation.report import check_accuracy, evaluate_model, trained_on

    engine = engine_for(request.model_path, screen)
    other = engine_for(request.other_path, screen) if request.other_path else None
    dataset = open_dataset(request.data_path, request.data_as_is)
    digits, notes = dataset.unseen(trained_on(engine, other))
    for note in dataset.notes + notes:
        screen.note(note)
    if request.report_path:
        check_report_destination(request.report_path)
    report = evaluate_model(engine, dataset, other, digits)
    if request.robustness:
        from mnist_cli.evaluation.robustness import CHANGES, robustness  # loads OpenCV

        screen.note(f"evaluating on {len(CHANGES)} changed versions of the images")
        trials = tracked(screen, robustness(engine, digits), len(CHANGES), "Changed images")
        report = replace(report, trials=tuple(trials))
    with suppress(ReaderGone):  # the report file and the exit code still matter
        screen.show(EvaluationView(report, request.mistakes))
    if request.report_path:
        write_report(request.report_path, report, request.mistakes)
        screen.note(f"the report is in {request.report_path}")
    if request.min_accuracy is not None:
        check_accuracy(report.evaluation, request.min_accuracy)
