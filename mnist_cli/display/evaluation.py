"""What `evaluate` says."""

from pathlib import Path
from typing import Any

from rich.table import Table

from mnist_cli.architecture import CLASSES
from mnist_cli.display.screen import Screen, fields
from mnist_cli.display.tables import table
from mnist_cli.evaluation import Evaluation


def show_evaluation(screen: Screen, evaluation: Evaluation, model_path: Path, data_name: str) -> None:
    screen.result(
        fields(
            {
                "Model": str(model_path),
                "Data": f"{evaluation.samples:,} test images of {data_name}",
                "Accuracy": f"{evaluation.metrics.accuracy:.4f}",
                "Loss": f"{evaluation.metrics.loss:.4f}",
                "Errors": f"{evaluation.errors:,}",
            }
        ),
        "",
        _digits_table(evaluation),
    )


def _digits_table(evaluation: Evaluation) -> Table:
    rows = table("digit", "images", "errors", "accuracy")
    for digit in range(CLASSES):
        images, right = int(evaluation.confusion[digit].sum()), int(evaluation.confusion[digit, digit])
        accuracy = evaluation.digit_accuracy(digit)
        rows.add_row(str(digit), f"{images:,}", f"{images - right:,}", "-" if accuracy is None else f"{accuracy:.4f}")
    return rows


def evaluation_json(evaluation: Evaluation, model_path: Path, data_name: str) -> dict[str, Any]:
    return {
        "model": str(model_path),
        "data": data_name,
        "samples": evaluation.samples,
        "accuracy": evaluation.metrics.accuracy,
        "loss": evaluation.metrics.loss,
        "errors": evaluation.errors,
        "digit_accuracy": [evaluation.digit_accuracy(digit) for digit in range(CLASSES)],
        "confusion": evaluation.confusion.tolist(),
    }
