"""What `evaluate` says."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mnist_cli.display import reliability as diagram
from mnist_cli.display import robustness as trials
from mnist_cli.display.comparison import comparison_part
from mnist_cli.display.confusion import confusion_lines, confusion_table
from mnist_cli.display.gallery import Gallery
from mnist_cli.display.layout import Beside, section
from mnist_cli.display.screen import Screen, fields
from mnist_cli.display.tables import table
from mnist_cli.evaluation.calibration import calibration_error, reliability
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.evaluation.report import Report
from mnist_cli.settings import NOTEBOOK_METRICS


def show_evaluation(screen: Screen, report: Report, mistakes: int | None = None) -> None:
    """Print the report, with the pictures of so many mistakes; None: as many as fit side by side."""
    screen.result(*report_parts(report, mistakes))


def report_parts(report: Report, mistakes: int | None) -> Iterator[RenderableType]:
    """The report, part by part, with empty lines between them."""
    evaluation = report.evaluation
    yield _headline(report)
    yield ""
    yield Beside(
        section("Confusion", "rows: the true digit; columns: what was read", confusion_table(evaluation)),
        section("Digits", "", _digits_table(evaluation)),
    )
    yield from ("", confusion_lines(evaluation), "")
    yield section(
        "Calibration",
        diagram.EXPLANATION,
        diagram.ReliabilityDiagram(reliability(report.tempered)),
        "",
        diagram.calibration_lines(calibration_error(report.tempered), report.calibration, report.coverage),
    )
    if evaluation.mistakes and mistakes != 0:
        gallery = Gallery(report.images, evaluation.mistakes, mistakes)
        yield from ("", section("Worst mistakes", "by the confidence in the wrong answer", gallery))
    if report.trials is not None:
        yield ""
        yield section(
            "Robustness", trials.EXPLANATION, trials.robustness_table(report.trials, evaluation.metrics.accuracy)
        )
    if report.comparison is not None:
        yield from ("", section("Comparison", "", comparison_part(report.comparison)))


def _headline(report: Report) -> Text:
    evaluation, metrics = report.evaluation, report.evaluation.metrics
    low, high = evaluation.accuracy_interval
    notebook = (f"; the notebook's: {value:.4f}" for value in (NOTEBOOK_METRICS.accuracy, NOTEBOOK_METRICS.loss))
    beside_accuracy, beside_loss = notebook if report.is_mnist else ("", "")
    return fields(
        {
            "Model": str(report.model),
            "Data": f"{evaluation.samples:,} test images of {report.data}",
            "Accuracy": f"{metrics.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f}){beside_accuracy}",
            "Loss": f"{metrics.loss:.4f}{beside_loss}",
            "Errors": f"{evaluation.errors:,}",
            "Time": f"{report.seconds:.2f} s",
        }
    )


def _digits_table(evaluation: Evaluation) -> Table:
    rows = table("digit", "images", "errors", "precision", "recall", "F1")
    for digit, scores in enumerate(evaluation.digit_scores):
        errors = scores.support - int(evaluation.confusion[digit, digit])
        shares = map(_share, (scores.precision, scores.recall, scores.f1))
        rows.add_row(str(digit), f"{scores.support:,}", f"{errors:,}", *shares)
    macro = evaluation.macro
    rows.add_row("mean", "", "", *map(_share, (macro.precision, macro.recall, macro.f1)), style="bold")
    return rows


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
