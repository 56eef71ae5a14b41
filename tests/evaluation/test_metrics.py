"""Metrics from labels and probabilities: on cases that can be computed by hand, and against scikit-learn and SciPy."""

from math import log

import numpy as np
import pytest
from conftest import certain
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from mnist_cli.arrays import Probabilities
from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.evaluation.metrics import Confusion, Evaluation, Mistake, cross_entropy, wilson_interval
from mnist_cli.model.file import read_model


def test_the_shipped_model_is_as_good_as_it_should_be(mnist: Dataset, shipped_answers: Probabilities):
    evaluation = Evaluation(mnist.test.labels, shipped_answers)

    assert evaluation.samples == 10_000
    assert 0.990 <= evaluation.metrics.accuracy < 0.9999  # nothing of this size reads every digit
    assert evaluation.errors == round(10_000 * (1 - evaluation.metrics.accuracy))


def test_the_record_of_the_shipped_model_has_its_metrics(mnist: Dataset, shipped_answers: Probabilities):
    record = read_model(MODEL_PATH).record
    metrics = Evaluation(mnist.test.labels, shipped_answers).metrics

    assert record is not None
    assert record.test.accuracy == metrics.accuracy
    assert record.test.loss == pytest.approx(metrics.loss, abs=1e-6)


def test_the_confusion_matrix_has_a_row_for_each_true_digit():
    evaluation = Evaluation(np.array([3, 3, 8], np.uint8), certain(3, 8, 8))

    assert evaluation.confusion.shape == (10, 10)
    assert evaluation.confusion[3, 3] == evaluation.confusion[3, 8] == evaluation.confusion[8, 8] == 1
    assert evaluation.confusion.sum() == evaluation.samples == 3
    assert evaluation.errors == 1
    assert evaluation.metrics.accuracy == pytest.approx(2 / 3)


def test_the_accuracy_of_a_digit_counts_its_own_images():
    evaluation = Evaluation(np.array([3, 3, 8], np.uint8), certain(3, 8, 8))

    assert [evaluation.digit_scores[digit].recall for digit in (3, 8, 0)] == [0.5, 1.0, None]


def test_the_loss_is_the_mean_of_the_logarithms():
    probabilities = np.full((2, 10), 0.05)
    probabilities[0, 4], probabilities[1, 4] = 0.55, 0.25

    assert cross_entropy(np.array([4, 4], np.uint8), probabilities) == pytest.approx(-(log(0.55) + log(0.25)) / 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_certainty_costs_nothing_when_right_and_a_finite_loss_when_wrong(dtype: type):
    right, wrong = (cross_entropy(np.array([digit], np.uint8), certain(1).astype(dtype)) for digit in (1, 2))

    assert right == 0
    assert 50 < wrong < 1000


def random_case(seed: int, images: int, digits: int = 10) -> Evaluation:
    """Labels among the first `digits`, and answers about half of which are right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, digits, images).astype(np.uint8)
    scores = rng.random((images, 10)) + np.eye(10)[labels] * rng.random((images, 1))
    return Evaluation(labels, scores / scores.sum(axis=1, keepdims=True))


CASES = {
    "random": random_case(0, 5000),
    "digits that never occur": random_case(1, 300, digits=6),
    "a few images": random_case(2, 7),
    "always 1": Evaluation(np.arange(50, dtype=np.uint8) % 10, certain(*[1] * 50)),
    "one image, right": Evaluation(np.array([4], np.uint8), certain(4)),
    "one image, wrong": Evaluation(np.array([4], np.uint8), certain(9)),
}


@pytest.mark.parametrize("evaluation", CASES.values(), ids=CASES)
def test_the_scores_of_the_digits_are_those_of_scikit_learn(evaluation: Evaluation):
    arguments = evaluation.labels, evaluation.answers
    precision, recall, f1, support = precision_recall_fscore_support(*arguments, labels=range(10), zero_division=np.nan)
    scores = evaluation.digit_scores

    assert (evaluation.confusion == confusion_matrix(*arguments, labels=range(10))).all()
    assert [score.support for score in scores] == support.tolist()
    for name, expected in (("precision", precision), ("recall", recall), ("f1", f1)):
        own = [np.nan if getattr(score, name) is None else getattr(score, name) for score in scores]
        assert own == pytest.approx(expected.tolist(), nan_ok=True)


@pytest.mark.parametrize("evaluation", CASES.values(), ids=CASES)
def test_the_macro_averages_are_those_of_scikit_learn(evaluation: Evaluation):
    expected = precision_recall_fscore_support(evaluation.labels, evaluation.answers, average="macro", zero_division=0)

    assert [evaluation.macro.precision, evaluation.macro.recall, evaluation.macro.f1] == pytest.approx(expected[:3])


def test_what_there_is_nothing_of_has_no_score():
    scores = CASES["always 1"].digit_scores

    assert (scores[1].precision, scores[1].recall) == (0.1, 1.0)
    assert (scores[0].precision, scores[0].recall, scores[0].f1) == (None, 0.0, 0.0)
    assert CASES["one image, right"].digit_scores[5].f1 is None


@pytest.mark.parametrize(("right", "images"), [(0, 1), (1, 1), (9950, 10_000), (0, 50), (3, 7), (10_000, 10_000)])
def test_the_interval_is_wilsons(right: int, images: int):
    expected = binomtest(right, images).proportion_ci(method="wilson")

    low, high = wilson_interval(right, images)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= right / images <= high <= 1


def test_the_interval_of_the_accuracy_is_that_of_its_images():
    evaluation = CASES["a few images"]

    assert evaluation.accuracy_interval == wilson_interval(7 - evaluation.errors, 7)


def test_the_most_frequent_confusion_comes_first():
    labels = np.array([4, 4, 4, 4, 7, 7, 3], np.uint8)
    evaluation = Evaluation(labels, certain(9, 9, 4, 4, 1, 7, 3))

    assert evaluation.confusions == (Confusion(4, 9, 2, 4), Confusion(7, 1, 1, 2))
    assert CASES["one image, right"].confusions == ()


def test_the_worst_mistake_is_the_surest():
    probabilities = np.full((4, 10), 0.0)
    for row, (digit, confidence) in enumerate([(3, 0.6), (5, 0.9), (5, 1.0), (5, 0.9)]):
        probabilities[row] = (1 - confidence) / 9
        probabilities[row, digit] = confidence
    evaluation = Evaluation(np.array([3, 1, 5, 2], np.uint8), probabilities)

    assert [mistake.index for mistake in evaluation.mistakes] == [1, 3]
    assert evaluation.mistakes[0] == Mistake(1, 1, 5, pytest.approx(0.9))


@pytest.mark.parametrize("evaluation", CASES.values(), ids=CASES)
def test_there_is_a_mistake_for_every_error(evaluation: Evaluation):
    assert len(evaluation.mistakes) == evaluation.errors == sum(pair.count for pair in evaluation.confusions)
    assert {mistake.index for mistake in evaluation.mistakes} == set(
        np.flatnonzero(evaluation.answers != evaluation.labels)
    )
