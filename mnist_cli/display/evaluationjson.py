"""What `evaluate --json` says."""

from dataclasses import asdict
from typing import Any

from mnist_cli.arrays import CLASSES
from mnist_cli.evaluation.calibration import Coverage, calibration_error, reliability
from mnist_cli.evaluation.comparison import Comparison
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.evaluation.report import Report


def evaluation_json(report: Report) -> dict[str, Any]:
    evaluation = report.evaluation
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
        **_digits(evaluation),
        "confusion": evaluation.confusion.tolist(),
        "temperature": report.calibration.temperature if report.calibration else None,
        "calibration_error": calibration_error(report.tempered),
        "reliability": [asdict(one) for one in reliability(report.tempered)],
        "coverage": _coverage(report.coverage),
        "misread": [asdict(mistake) for mistake in evaluation.mistakes],
        "robustness": None if report.trials is None else [asdict(trial) for trial in report.trials],
        "comparison": _comparison(report.comparison),
    }


def _digits(evaluation: Evaluation) -> dict[str, Any]:
    scores = evaluation.digit_scores
    return {
        "digit_accuracy": [evaluation.digit_accuracy(digit) for digit in range(CLASSES)],
        "precision": [one.precision for one in scores],
        "recall": [one.recall for one in scores],
        "f1": [one.f1 for one in scores],
        "support": [one.support for one in scores],
        "macro": asdict(evaluation.macro),
    }


def _coverage(covered: Coverage | None) -> dict[str, Any] | None:
    if covered is None:
        return None
    return {"threshold": covered.threshold, "share": covered.share, "accuracy": covered.accuracy}


def _comparison(comparison: Comparison | None) -> dict[str, Any] | None:
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
        "differing": [asdict(one) for one in comparison.disagreements],
    }
