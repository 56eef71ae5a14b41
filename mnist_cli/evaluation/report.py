"""An evaluation, from what is asked for to the report of it."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mnist_cli.arrays import Images
from mnist_cli.datasets.dataset import MNIST_SHA256, Dataset
from mnist_cli.errors import AccuracyError, SettingError
from mnist_cli.evaluation.calibration import Coverage, coverage
from mnist_cli.evaluation.comparison import Comparison
from mnist_cli.evaluation.metrics import Evaluation, Trial
from mnist_cli.model.calibration import Calibration, tempered
from mnist_cli.model.engine import Engine
from mnist_cli.model.interface import Interface
from mnist_cli.model.record import Record

REPORT_SUFFIXES = (".html", ".svg")


@dataclass(frozen=True)
class EvaluationRequest:
    """What `evaluate` is asked for. Raises `SettingError`.

    None stands for the default model, MNIST, no comparison, no least accuracy, no report file, and as many pictures
    of `mistakes` as fit side by side.
    """

    model_path: Path | None = None
    data_path: Path | None = None
    other_path: Path | None = None
    robustness: bool = False
    min_accuracy: float | None = None
    report_path: Path | None = None
    mistakes: int | None = None

    def __post_init__(self) -> None:
        if self.min_accuracy is not None and not 0 <= self.min_accuracy <= 1:
            raise SettingError("--min-accuracy", "must be from 0 to 1")
        if self.report_path is not None and self.report_path.suffix not in REPORT_SUFFIXES:
            raise SettingError("--report", f"{self.report_path} does not end in {' or '.join(REPORT_SUFFIXES)}")


@dataclass(frozen=True, eq=False)
class Report:
    """How good the model in the file `model` is on the test images of a data set, whose name is `data`.

    `seconds` is the time that it took to read all `images`. `evaluation` is of the network's own probabilities.
    `trials` and `comparison` are None where they were not asked for.
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
        """The evaluation at the model's temperature, by which its confidence is judged.

        The answers and the accuracy are the same, and without a calibration everything is.
        """
        if self.calibration is None:
            return self.evaluation
        probabilities = tempered(self.evaluation.probabilities, self.calibration.temperature)
        return Evaluation(self.evaluation.labels, probabilities)

    @property
    def coverage(self) -> Coverage | None:
        """The coverage at the model's threshold; None without a calibration."""
        return coverage(self.tempered, self.calibration.threshold) if self.calibration else None


def judge(engine: Engine, dataset: Dataset, other: Engine | None = None) -> Report:
    """The report on a model, without robustness trials, and with a comparison where there is an `other` model.

    Raises `ModelError` and `DataError`.
    """
    test = dataset.test
    start = time.perf_counter()
    evaluation = Evaluation(test.labels, engine.probabilities(test.images))
    seconds = time.perf_counter() - start
    comparison = None
    if other:
        of_other = Evaluation(test.labels, other.probabilities(test.images))
        comparison = Comparison(other.model.path, evaluation, of_other)
    return Report(
        model=engine.model.path,
        record=engine.model.record,
        interface=engine.interface,
        data=dataset.name,
        is_mnist=dataset.sha256 == MNIST_SHA256,
        images=test.images,
        evaluation=evaluation,
        seconds=seconds,
        comparison=comparison,
    )


def check_accuracy(evaluation: Evaluation, least: float) -> None:
    """Raise `AccuracyError` if the accuracy is below the least that is acceptable."""
    accuracy = evaluation.metrics.accuracy
    if accuracy < least:
        errors = f"{evaluation.errors:,} errors in {evaluation.samples:,} images"
        raise AccuracyError(f"the accuracy {accuracy:.10g} ({errors}) is below {least:.10g}, the least asked for")
