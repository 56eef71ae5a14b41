"""Calibration: by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from mnist_cli.evaluation.calibration import BINS, calibration_error, coverage, reliability
from mnist_cli.evaluation.metrics import Evaluation


def sure_of(digit: int, *confidences: float) -> np.ndarray:
    """Probabilities with these confidences in one digit; what is left is shared by the others."""
    rows = np.repeat((1 - np.array(confidences)[:, np.newaxis]) / 9, 10, axis=1)
    rows[:, digit] = confidences
    return rows


def random_case(seed: int, images: int) -> Evaluation:
    rng = np.random.default_rng(seed)
    scores = rng.random((images, 10)) ** rng.integers(1, 40, (images, 1))
    return Evaluation(rng.integers(0, 10, images).astype(np.uint8), scores / scores.sum(axis=1, keepdims=True))


CASES = {
    "random": random_case(0, 5000),
    "one image": random_case(1, 1),
    "on the edges": Evaluation(np.array([1, 1, 2, 2], np.uint8), sure_of(1, 3 / 15, 6 / 15, 9 / 15, 1.0)),
    "always certain of 1": Evaluation(np.arange(20, dtype=np.uint8) % 10, sure_of(1, *[1.0] * 20)),
}


@pytest.mark.parametrize("evaluation", CASES.values(), ids=CASES)
def test_the_bins_are_those_of_scikit_learn(evaluation: Evaluation):
    accuracy, confidence = calibration_curve(evaluation.right, evaluation.confidences, n_bins=BINS)
    bins = [one for one in reliability(evaluation) if one.images]

    assert [one.accuracy for one in bins] == pytest.approx(accuracy.tolist())
    assert [one.confidence for one in bins] == pytest.approx(confidence.tolist())
    assert sum(one.images for one in bins) == evaluation.samples


@pytest.mark.parametrize("evaluation", CASES.values(), ids=CASES)
def test_the_calibration_error_is_the_sum_over_the_bins_image_by_image(evaluation: Evaluation):
    error = 0.0
    for place in range(BINS):
        inside = (evaluation.confidences > place / BINS) & (evaluation.confidences <= (place + 1) / BINS)
        error += abs((evaluation.right[inside] - evaluation.confidences[inside]).sum()) / evaluation.samples

    assert calibration_error(evaluation) == pytest.approx(error)


def test_there_are_15_bins_of_equal_width():
    bins = reliability(CASES["one image"])

    assert len(bins) == 15
    assert [one.high - one.low for one in bins] == pytest.approx([1 / 15] * 15)
    assert [one.high for one in bins[:-1]] == [one.low for one in bins[1:]]


def test_by_hand():
    # Three answers in the bin up to 0.8, two of them right; one in the last bin, and wrong.
    evaluation = Evaluation(np.array([1, 1, 2, 2], np.uint8), sure_of(1, 0.75, 0.77, 0.79, 0.95))

    assert calibration_error(evaluation) == pytest.approx((3 * abs(2 / 3 - 0.77) + abs(0 - 0.95)) / 4)


def test_certainty_in_the_wrong_is_the_worst_and_in_the_right_the_best_calibration():
    right, wrong = (Evaluation(np.array([label], np.uint8), sure_of(1, 1.0)) for label in (1, 2))

    assert calibration_error(right) == 0
    assert calibration_error(wrong) == 1


def test_coverage_counts_what_is_answered_and_what_of_that_is_right():
    evaluation = Evaluation(np.array([1, 1, 2, 2], np.uint8), sure_of(1, 0.5, 0.75, 0.75, 0.9))

    at_threshold = coverage(evaluation, 0.75)
    assert (at_threshold.images, at_threshold.answered, at_threshold.right) == (4, 3, 1)
    assert (at_threshold.share, at_threshold.accuracy) == (0.75, pytest.approx(1 / 3))
    assert coverage(evaluation, 0.0).answered == 4


def test_where_nothing_is_answered_nothing_is_right_or_wrong():
    nothing = coverage(CASES["one image"], 1.1)

    assert (nothing.answered, nothing.share, nothing.accuracy) == (0, 0.0, None)
