"""The report of an evaluation: what is judged, and which demands are refused."""

from pathlib import Path

import numpy as np
import pytest
from conftest import certain

from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import open_dataset
from mnist_cli.errors import AccuracyError, SettingError
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.evaluation.report import EvaluationRequest, check_accuracy, evaluate_model
from mnist_cli.model.engine import open_engine
from mnist_cli.model.file import read_model


def test_a_report_is_of_the_test_images_of_a_model(small_npz: Path):
    engine, dataset = open_engine(read_model(MODEL_PATH)), open_dataset(small_npz)
    report = evaluate_model(engine, dataset, engine)

    assert (report.model, report.data, report.is_mnist) == (MODEL_PATH, str(small_npz), False)
    assert report.evaluation.samples == 400
    assert report.evaluation.metrics.accuracy > 0.98
    assert report.coverage is not None and 0.9 < report.coverage.share <= 1
    assert report.comparison is not None and report.comparison.disagreements == ()
    assert report.seconds > 0


def test_what_was_not_asked_for_is_not_there(small_npz: Path):
    report = evaluate_model(open_engine(read_model(MODEL_PATH)), open_dataset(small_npz))

    assert (report.trials, report.comparison) == (None, None)


def test_an_accuracy_below_what_was_asked_for_has_an_exit_code_of_its_own():
    evaluation = Evaluation(np.array([1, 1, 2], np.uint8), certain(1, 1, 1))

    check_accuracy(evaluation, 2 / 3)
    with pytest.raises(AccuracyError, match="0.6666666667 .1 errors in 3 images. is below the required 0.67") as error:
        check_accuracy(evaluation, 0.67)
    assert error.value.exit_code == 3


@pytest.mark.parametrize("accuracy", [-0.1, 1.1, 99.0, float("nan"), float("inf")])
def test_an_accuracy_that_is_none_is_refused(accuracy: float):
    with pytest.raises(SettingError, match="--min-accuracy"):
        EvaluationRequest(min_accuracy=accuracy)


@pytest.mark.parametrize("name", ["report", "report.pdf", "report.HTML", ".html", "model.keras"])
def test_a_report_of_another_kind_is_refused(name: str):
    with pytest.raises(SettingError, match="--report.*html or .svg"):
        EvaluationRequest(report_path=Path(name))
