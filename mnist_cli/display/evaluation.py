"""The output of `evaluate`, as text and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mnist_cli.display.charts import ReliabilityDiagram, heat_map
from mnist_cli.display.images import Gallery
from mnist_cli.display.layout import Beside, counted_share, fields, section, table
from mnist_cli.display.screen import Screen, View
from mnist_cli.evaluation.calibration import BINS, Coverage, calibration_error, reliability
from mnist_cli.evaluation.comparison import Comparison
from mnist_cli.evaluation.metrics import Evaluation, Trial
from mnist_cli.evaluation.report import Report
from mnist_cli.model.calibration import Calibration
from mnist_cli.settings import NOTEBOOK_METRICS
from mnist_cli.wording import count

_MAX_CONFUSIONS = 5
_MAX_DISAGREEMENTS = 10
_SIGNIFICANCE_LEVEL = 0.05


class EvaluationView(View):
    """A report, with pictures of the worst `mistakes`; None: as many as fit side by side."""

    def __init__(self, report: Report, mistakes: int | None = None) -> None:
        self._report, self._mistakes = report, mistakes

    def as_text(self, screen: Screen) -> None:
        screen.result(*self.parts())

    def parts(self) -> Iterator[RenderableType]:
        """The sections of the report, with empty lines between them."""
        yield _headline(self._report)
        for part in self._sections():
            yield ""
            yield part

    def _sections(self) -> Iterator[RenderableType]:
        report, evaluation = self._report, self._report.evaluation
        yield Beside(
            section("Confusion", "rows: the true digit; columns: what was read", heat_map(evaluation)),
            section("Digits", "", _digits_table(evaluation)),
        )
        yield confusion_lines(evaluation)
        diagram = ReliabilityDiagram(reliability(report.tempered))
        text = calibration_text(calibration_error(report.tempered), report.calibration, report.coverage)
        yield section("Calibration", "bar: share read right; |: mean confidence", diagram, "", text)
        if evaluation.mistakes and self._mistakes != 0:
            gallery = Gallery(report.images, evaluation.mistakes, self._mistakes)
            yield section("Worst mistakes", "by the confidence in the wrong answer", gallery)
        if report.trials is not None:
            trials = _robustness_table(report.trials, evaluation.metrics.accuracy)
            yield section("Robustness", "accuracy where the same images are changed", trials)
        if report.comparison is not None:
            yield section("Comparison", "", _comparison(report.comparison))

    def as_json(self) -> dict[str, Any]:
        report, evaluation = self._report, self._report.evaluation
        return {
            "model": str(report.model),
            "pixels": str(report.interface.pixels),
            "outputs": report.interface.outputs,
            "data": report.data,
            "samples": evaluation.samples,
            "accuracy": evaluation.metrics.accuracy,
            "accuracy_interval": list(evaluation.accuracy_interval),
            "loss": evaluation.metrics.loss,
            "errors": evaluation.errors,
            "seconds": report.seconds,
            **_digits_json(evaluation),
            "confusion": evaluation.confusion.tolist(),
            "temperature": report.calibration.temperature if report.calibration else None,
            "calibration_error": calibration_error(report.tempered),
            "reliability": [asdict(bin) for bin in reliability(report.tempered)],
            "coverage": _coverage_json(report.coverage),
            "misread": [asdict(mistake) for mistake in evaluation.mistakes],
            "robustness": None if report.trials is None else [asdict(trial) for trial in report.trials],
            "comparison": _comparison_json(report.comparison),
        }


def _headline(report: Report) -> Text:
    evaluation, metrics = report.evaluation, report.evaluation.metrics
    low, high = evaluation.accuracy_interval
    accuracy = f"{metrics.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f})"
    loss = f"{metrics.loss:.4f}"
    if report.is_mnist:
        accuracy += f"; the notebook's: {NOTEBOOK_METRICS.accuracy:.4f}"
        loss += f"; the notebook's: {NOTEBOOK_METRICS.loss:.4f}"
    return fields(
        {
            "Model": str(report.model),
            "Data": f"{evaluation.samples:,} test images of {report.data}",
            "Accuracy": accuracy,
            "Loss": loss,
            "Errors": f"{evaluation.errors:,}",
            "Time": f"{report.seconds:.2f} s",
        }
    )


def _digits_table(evaluation: Evaluation) -> Table:
    rows = table("digit", "images", "errors", "precision", "recall", "F1")
    for digit, scores in enumerate(evaluation.digit_scores):
        errors = scores.support - int(evaluation.confusion[digit, digit])
        precision, recall, f1 = _score(scores.precision), _score(scores.recall), _score(scores.f1)
        rows.add_row(str(digit), f"{scores.support:,}", f"{errors:,}", precision, recall, f1)
    macro = evaluation.macro
    rows.add_row("mean", "", "", _score(macro.precision), _score(macro.recall), _score(macro.f1), style="bold")
    return rows


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _digits_json(evaluation: Evaluation) -> dict[str, Any]:
    digits = evaluation.digit_scores
    return {
        "digit_accuracy": [scores.recall for scores in digits],
        "precision": [scores.precision for scores in digits],
        "recall": [scores.recall for scores in digits],
        "f1": [scores.f1 for scores in digits],
        "support": [scores.support for scores in digits],
        "macro": asdict(evaluation.macro),
    }


def confusion_lines(evaluation: Evaluation) -> Text:
    """The most frequent confusions, a line for each."""
    if not evaluation.errors:
        return Text("No image was misread.")
    text = Text.assemble(("Most often confused:", "bold"))
    for pair in evaluation.confusions[:_MAX_CONFUSIONS]:
        text.append(f"\n{pair.label} read as {pair.answer}: {pair.count:,} of {pair.support:,}")
    return text


def calibration_text(error: float, calibration: Calibration | None, coverage: Coverage | None) -> Text:
    """The expected calibration error, and the coverage at the model's threshold, if it has one."""
    text = f"Expected calibration error {error:.4f} ({BINS} bins of equal width)"
    if calibration is not None:
        text += f", at its own temperature {calibration.temperature:.4g}"
    if coverage is not None:
        share = counted_share(coverage.share)
        text += f"\nAt its own threshold {coverage.threshold:.4g} the model answers {share} of the images"
        if coverage.accuracy is not None:
            text += f", {counted_share(coverage.accuracy)} of those right"
    return Text(text)


def _coverage_json(coverage: Coverage | None) -> dict[str, Any] | None:
    if coverage is None:
        return None
    return {"threshold": coverage.threshold, "share": coverage.share, "accuracy": coverage.accuracy}


def _robustness_table(trials: tuple[Trial, ...], accuracy: float) -> Table:
    """A row for each trial, with the difference from the accuracy on the unchanged images."""
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


def _comparison(comparison: Comparison) -> Group:
    """The figures of both models, the test between them, and the first images on which they differ."""
    this, other = comparison.evaluation, comparison.other
    differing = len(comparison.disagreements)
    first = f"; the first {_MAX_DISAGREEMENTS}:" if differing > _MAX_DISAGREEMENTS else ""
    only_this, only_other = count(comparison.only_right, "image"), count(comparison.only_other_right, "image")
    accuracies = f"{this.metrics.accuracy:.4f} against {other.metrics.accuracy:.4f}"
    rows = {
        "Other": str(comparison.path),
        "Accuracy": f"{accuracies}: {comparison.difference:+.4f}",
        "Loss": f"{this.metrics.loss:.4f} against {other.metrics.loss:.4f}",
        "Errors": f"{this.errors:,} against {other.errors:,}",
        "Alone right": f"on {only_this}; the other on {only_other}",
        "McNemar": f"p = {comparison.p_value:.2g} (exact): {_verdict(comparison)}",
        "Differing": f"{count(differing, 'image')}{first}",
    }
    if not differing:
        return Group(fields(rows))
    return Group(fields(rows), "", _disagreements(comparison))


def _verdict(comparison: Comparison) -> str:
    if comparison.p_value >= _SIGNIFICANCE_LEVEL:
        return "no difference at the 5 % level"
    better = "this model" if comparison.difference > 0 else "the other"
    return f"{better} is better at the 5 % level"


def _disagreements(comparison: Comparison) -> Table:
    rows = table("image", "label", "answer", "other's")
    for image in comparison.disagreements[:_MAX_DISAGREEMENTS]:
        answer, other_answer = _marked(image.answer, image.label), _marked(image.other_answer, image.label)
        rows.add_row(f"{image.index:,}", str(image.label), answer, other_answer)
    return rows


def _marked(answer: int, label: int) -> str:
    """An answer, marked if it is right; always of the same width."""
    return f"{answer} right" if answer == label else f"{answer}      "


def _comparison_json(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        "model": str(comparison.path),
        "accuracy": comparison.other.metrics.accuracy,
        "loss": comparison.other.metrics.loss,
        "errors": comparison.other.errors,
        "difference": comparison.difference,
        "only_right": comparison.only_right,
        "only_other_right": comparison.only_other_right,
        "p_value": comparison.p_value,
        "differing": [asdict(image) for image in comparison.disagreements],
    }
