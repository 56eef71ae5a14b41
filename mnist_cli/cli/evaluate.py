"""The command `evaluate`."""

from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Annotated

import typer

from mnist_cli.cli.options import Debug, Json, Model, OtherModel, Quiet, default, file_option


def evaluate(
    model: Model = None,
    data: Annotated[
        Path | None,
        file_option(
            "--data",
            metavar="PATH",
            help=f"An .npz file with Keras' keys, or a folder with IDX files or pictures.{default('MNIST')}",
        ),
    ] = None,
    mistakes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help=f"How many misread images to draw.{default('what fits in a row')}",
            show_default=False,
        ),
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also evaluate on shifted, turned, noisy and other changed images.")
    ] = False,
    compare: OtherModel = None,
    min_accuracy: Annotated[
        float | None, typer.Option(metavar="X", help="Exit with code 3 if the accuracy is lower.")
    ] = None,
    report: Annotated[
        Path | None, file_option("--report", help="Also write everything to an .html or .svg file.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Evaluate a model on the test images."""
    from mnist_cli.cli.models import engine_for
    from mnist_cli.datasets.dataset import open_dataset
    from mnist_cli.display.evaluation import show_evaluation
    from mnist_cli.display.evaluationjson import evaluation_json
    from mnist_cli.display.reportfile import report_content
    from mnist_cli.display.robustness import robustness_progress
    from mnist_cli.display.screen import ReaderGone, Screen
    from mnist_cli.evaluation.report import check_accuracy, check_demands, check_report_path, judge, write_report

    check_demands(min_accuracy, report)
    screen = Screen(quiet)
    engine = engine_for(model, screen)
    other = engine_for(compare, screen) if compare else None
    dataset = open_dataset(data)
    if report:
        check_report_path(report)
    with robustness_progress(screen) if robustness else nullcontext() as progress:
        result = judge(engine, dataset, other, progress)
    with suppress(ReaderGone):  # which is no reason to leave the rest undone
        if json:
            screen.json(evaluation_json(result))
        else:
            show_evaluation(screen, result, mistakes)
    if report:
        write_report(report, report_content(report.suffix, result, mistakes))
        screen.note(f"the report is in {report}")
    check_accuracy(result.evaluation, min_accuracy)
