"""Evaluation from a request to a report."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mnist_cli.arrays import Images
from mnist_cli.datasets.dataset import MNIST_SHA256, Dataset
from mnist_cli.datasets.digits import Digits
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
    """What `evaluate` is asked for. Raises `SettingError`."""

    model_path: Path | None = None
    """None: the default model."""
    data_path: Path | None = None
    """None: MNIST."""
    other_path: Path | None = None
    """The model to compare with."""
    robustness: bool = False
    min_accuracy: float | None = None
    """The lowest acceptable accuracy, 0 to 1."""
    report_path: Path | None = None
    """The report file to write."""
    mistakes: int | None = None
    """The number of misread images to draw; None: as many as fit side by side."""
    data_as_is: bool = False
    """The data is not put right."""

    def __post_init__(self) -> None:
        if self.min_accuracy is not None and not 0 <= self.min_accuracy <= 1:
            raise SettingError("--min-accuracy", "must be from 0 to 1")
        if self.report_path is not None and self.report_path.suffix not in REPORT_SUFFIXES:
            raise SettingError("--report", f"{self.report_path} does not end in {' or '.join(REPORT_SUFFIXES)}")


@dataclass(frozen=True, eq=False)
class Report:
    """How good a model is on the test images of a data set."""

    model: Path
    """The path of the model file."""
    record: Record | None
    interface: Interface
    data: str
    """The name of the data set."""
    is_mnist: bool
    images: Images
    evaluation: Evaluation
    """From the network's own probabilities, without the calibration."""
    seconds: float
    """The time that the model took for all images."""
    trials: tuple[Trial, ...] | None = None
    """Robustness trials; None if they were not requested."""
    comparison: Comparison | None = None

    @property
    def calibration(self) -> Calibration | None:
        return self.record.calibration if self.record else None

    @cached_property
    def tempered(self) -> Evaluation:
        """The evaluation at the model's temperature, for all that concerns its confidence; the answers are the same."""
        if self.calibration is None:
            return self.evaluation
        probabilities = tempered(self.evaluation.probabilities, self.calibration.temperature)
        return Evaluation(self.evaluation.labels, probabilities)

    @property
    def coverage(self) -> Coverage | None:
        """The coverage at the model's threshold; None without a calibration."""
        return coverage(self.tempered, self.calibration.threshold) if self.calibration else None


def trained_on(*engines: Engine | None) -> set[str]:
    """The checksums of the data sets that models were trained on, by their records."""
    records = (engine.model.record for engine in engines if engine)
    return {record.data.sha256 for record in records if record}


def evaluate_model(engine: Engine, dataset: Dataset, other: Engine | None = None, test: Digits | None = None) -> Report:
    """Evaluate a model on some digits of a data set, by default its test part, without robustness trials.

    If there is an `other` model, compare them. Raises `ModelError` and `DataError`.
    """
    test = test or dataset.test
    start = time.perf_counter()
    evaluation = Evaluation(test.labels, engine.probabilities(test.images))
    seconds = time.perf_counter() - start
    comparison = None
    if other:
        other_evaluation = Evaluation(test.labels, other.probabilities(test.images))
        comparison = Comparison(other.model.path, evaluation, other_evaluation)
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


def check_accuracy(evaluation: Evaluation, minimum: float) -> None:
    """Raise `AccuracyError` if the accuracy is below the minimum, 0 to 1."""
    accuracy = evaluation.metrics.accuracy
    if accuracy < minimum:
        errors = f"{evaluation.errors:,} errors in {evaluation.samples:,} images"
        raise AccuracyError(f"the accuracy {accuracy:.10g} ({errors}) is below the required {minimum:.10g}")
