"""An evaluation from the request to the report, and the file that the report may be written to."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mnist_cli.arrays import Images
from mnist_cli.datasets.dataset import MNIST_SHA256, Dataset
from mnist_cli.errors import AccuracyError, SettingError
from mnist_cli.evaluation.calibration import Coverage, coverage
from mnist_cli.evaluation.comparison import Comparison
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.evaluation.robustness import Trial
from mnist_cli.model.calibration import Calibration, tempered
from mnist_cli.model.engine import Engine
from mnist_cli.model.interface import Interface
from mnist_cli.model.record import Record
from mnist_cli.storage.files import check_destination, write_files


@dataclass(frozen=True)
class EvaluationRequest:
    """What `evaluate` is asked for. Raises `SettingError`.

    Without a `model_path`, the default model is evaluated; without a `data_path`, MNIST's test images are used.
    """

    model_path: Path | None = None
    data_path: Path | None = None
    other_path: Path | None = None
    robustness: bool = False
    min_accuracy: float | None = None
    report_path: Path | None = None

    def __post_init__(self) -> None:
        if self.min_accuracy is not None and not 0 <= self.min_accuracy <= 1:
            raise SettingError("--min-accuracy", "must be from 0 to 1")
        if self.report_path is not None and self.report_path.suffix not in STARTS:
            raise SettingError("--report", f"{self.report_path} does not end in {' or '.join(STARTS)}")


STARTS = {
    ".html": '<!DOCTYPE html>\n<html lang="en" class="mnistcli-evaluation">',
    ".svg": '<svg xmlns="http://www.w3.org/2000/svg" class="mnistcli-evaluation"',
}
"""How a report begins, for each suffix that its file may have; by that it is known again."""


@dataclass(frozen=True, eq=False)
class Report:
    """What is known of a model on a data set.

    `images` are those that were judged, `seconds` the time that it took to read them all. `evaluation` is of the
    network's own probabilities. `trials` and `comparison` are None where they were not asked for.
    """

    model: Path
    record: Record | None
    interface: Interface
    data: str
    is_mnist: bool
    images: Images
    evaluation: Evaluation
    seconds: float
    trials: tuple[Trial, ...] | None = None
    comparison: Comparison | None = None

    @property
    def calibration(self) -> Calibration | None:
        return self.record.calibration if self.record else None

    @cached_property
    def tempered(self) -> Evaluation:
        """That of the probabilities at the model's temperature, as its confidence is meant; the same where it has none.

        The answers, and so the accuracy, are the same either way.
        """
        if self.calibration is None:
            return self.evaluation
        probabilities = tempered(self.evaluation.probabilities, self.calibration.temperature)
        return Evaluation(self.evaluation.labels, probabilities)

    @property
    def coverage(self) -> Coverage | None:
        """What the model answers at its own threshold; None where it has none."""
        return coverage(self.tempered, self.calibration.threshold) if self.calibration else None


def judge(engine: Engine, dataset: Dataset, other: Engine | None = None) -> Report:
    """The report of a model on the test images, compared with that of the `other` model if there is one.

    It has no robustness trials yet. Raises `ModelError` and `DataError`.
    """
    test = dataset.test
    start = time.perf_counter()
    evaluation = Evaluation(test.labels, engine.probabilities(test.images))
    return Report(
        model=engine.model.path,
        record=engine.model.record,
        interface=engine.interface,
        data=dataset.name,
        is_mnist=dataset.sha256 == MNIST_SHA256,
        images=test.images,
        evaluation=evaluation,
        seconds=time.perf_counter() - start,
        comparison=_comparison(evaluation, other, test.images) if other else None,
    )


def _comparison(evaluation: Evaluation, other: Engine, images: Images) -> Comparison:
    return Comparison(other.model.path, evaluation, Evaluation(evaluation.labels, other.probabilities(images)))


def check_accuracy(evaluation: Evaluation, least: float) -> None:
    """Raise `AccuracyError` if the accuracy is below the least that is acceptable."""
    accuracy = evaluation.metrics.accuracy
    if accuracy < least:
        counted = f"{evaluation.errors:,} errors in {evaluation.samples:,} images"
        raise AccuracyError(f"the accuracy {accuracy:.10g} ({counted}) is below {least:.10g}, the least asked for")


def check_report_destination(path: Path) -> None:
    """Make sure, before any work is done, that a report can be written at `path`. Raises `OutputError`."""
    check_destination(path, _is_report, "Choose another --report.")


def _is_report(path: Path) -> bool:
    start = STARTS[path.suffix].encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


def write_report(path: Path, content: str) -> None:
    """Write a report, which begins as its suffix asks for. Raises `OutputError`."""
    assert content.startswith(STARTS[path.suffix])
    check_report_destination(path)
    write_files({path: content.encode()})
