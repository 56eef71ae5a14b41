"""Metrics from labels and probabilities, on cases that can be computed by hand."""

from math import log

import numpy as np
import pytest

from mnist_cli.data import MODEL_PATH
from mnist_cli.dataset import Dataset
from mnist_cli.engine import open_engine
from mnist_cli.evaluation import Evaluation, cross_entropy
from mnist_cli.modelfile import read_model


def certain(*digits: int) -> np.ndarray:
    return np.eye(10)[list(digits)]


def test_the_shipped_model_is_as_good_as_it_should_be(mnist: Dataset):
    probabilities = open_engine(read_model(MODEL_PATH)).probabilities(mnist.test.images)
    evaluation = Evaluation(mnist.test.labels, probabilities)

    assert evaluation.samples == 10_000
    assert 0.990 <= evaluation.metrics.accuracy < 0.9999  # nothing of this size reads every digit
    assert evaluation.errors == round(10_000 * (1 - evaluation.metrics.accuracy))


def test_the_record_of_the_shipped_model_has_its_metrics(mnist: Dataset):
    model = read_model(MODEL_PATH)
    metrics = Evaluation(mnist.test.labels, open_engine(model).probabilities(mnist.test.images)).metrics

    assert model.record is not None
    assert model.record.test.accuracy == metrics.accuracy
    assert model.record.test.loss == pytest.approx(metrics.loss, abs=1e-6)


def test_the_confusion_matrix_has_a_row_for_each_true_digit():
    evaluation = Evaluation(np.array([3, 3, 8], np.uint8), certain(3, 8, 8))

    assert evaluation.confusion.shape == (10, 10)
    assert evaluation.confusion[3, 3] == evaluation.confusion[3, 8] == evaluation.confusion[8, 8] == 1
    assert evaluation.confusion.sum() == evaluation.samples == 3
    assert evaluation.errors == 1
    assert evaluation.metrics.accuracy == pytest.approx(2 / 3)


def test_the_accuracy_of_a_digit_counts_its_own_images():
    evaluation = Evaluation(np.array([3, 3, 8], np.uint8), certain(3, 8, 8))

    assert [evaluation.digit_accuracy(digit) for digit in (3, 8, 0)] == [0.5, 1.0, None]


def test_the_loss_is_the_mean_of_the_logarithms():
    probabilities = np.full((2, 10), 0.05)
    probabilities[0, 4], probabilities[1, 4] = 0.55, 0.25

    assert cross_entropy(np.array([4, 4], np.uint8), probabilities) == pytest.approx(-(log(0.55) + log(0.25)) / 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_certainty_costs_nothing_when_right_and_a_finite_loss_when_wrong(dtype: type):
    right, wrong = (cross_entropy(np.array([digit], np.uint8), certain(1).astype(dtype)) for digit in (1, 2))

    assert right == 0
    assert 50 < wrong < 1000
