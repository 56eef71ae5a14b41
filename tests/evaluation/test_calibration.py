"""Temperature, threshold, reliability and coverage: by hand, against a grid, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.evaluation.calibration import (
    BINS,
    REJECTED_SHARE,
    calibrate,
    calibration_error,
    coverage,
    reliability,
)
from mnist_cli.evaluation.metrics import Evaluation, cross_entropy
from mnist_cli.model.calibration import Calibration, tempered
from mnist_cli.model.engine import open_engine
from mnist_cli.model.file import read_model


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def drawn(images: int, temperature: float, seed: int = 0, spread: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from known probabilities, and what a model says whose logits are `temperature` times the true ones.

    The larger the `spread`, the clearer the digits are.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (images, 10))
    labels = np.array([rng.choice(10, p=row) for row in softmax(logits)], np.uint8)
    return labels, softmax(logits * temperature)


@pytest.mark.parametrize("true", [0.5, 1.0, 1.7, 3.0])
def test_the_true_temperature_is_found(true: float):
    labels, probabilities = drawn(20_000, true)

    assert calibrate(labels, probabilities).temperature == pytest.approx(true, rel=0.03)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 3.0])
@pytest.mark.parametrize("images", [30, 1000])
def test_no_temperature_of_a_grid_gives_a_lower_loss(temperature: float, images: int):
    labels, probabilities = drawn(images, temperature, seed=images)
    grid = np.geomspace(0.2, 5, 4001)
    losses = [cross_entropy(labels, tempered(probabilities, one)) for one in grid]
    found = calibrate(labels, probabilities).temperature

    assert found == pytest.approx(grid[np.argmin(losses)], rel=1e-3)
    assert cross_entropy(labels, tempered(probabilities, found)) <= min(losses) + 1e-8


def test_a_model_that_is_too_sure_is_no_more():
    labels, probabilities = drawn(20_000, 2.5)
    before = calibration_error(Evaluation(labels, probabilities))
    after = calibration_error(Evaluation(labels, tempered(probabilities, calibrate(labels, probabilities).temperature)))

    assert before > 0.05
    assert after < 0.01


def test_the_threshold_turns_away_its_share_of_the_images():
    labels, probabilities = drawn(10_000, 2.0, spread=8.0)
    found = calibrate(labels, probabilities)
    turned_away = tempered(probabilities, found.temperature).max(axis=1) < found.threshold

    assert 0.3 < found.threshold < 0.9
    assert turned_away.sum() == REJECTED_SHARE * 10_000 == 50


def sure_of_1(images: int, confidence: float) -> np.ndarray:
    rows = np.full((images, 10), (1 - confidence) / 9)
    rows[:, 1] = confidence
    return rows


ONES, ALL_DIGITS = np.ones(10, np.uint8), np.arange(10, dtype=np.uint8)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("labels", "probabilities", "expected"),
    [
        (ONES, sure_of_1(10, 1.0), Calibration(1.0, 0.9)),
        (ONES[:1], sure_of_1(1, 1.0), Calibration(1.0, 0.9)),
        (ONES[:1], sure_of_1(1, 0.5), Calibration(0.2, 0.9)),
        (ALL_DIGITS, sure_of_1(10, 1.0), Calibration(5.0, 0.9)),
        (ALL_DIGITS, sure_of_1(10, 0.5), Calibration(5.0, 0.3)),
        (ALL_DIGITS, np.full((10, 10), 0.1), Calibration(1.0, 0.3)),
        (ONES, sure_of_1(10, 1.0).astype(np.float32), Calibration(1.0, 0.9)),
    ],
    ids=["right", "one image", "one unsure", "always certain of 1", "always 1", "always unsure", "float32"],
)
def test_where_there_is_little_to_learn_from_the_bounds_hold(
    labels: np.ndarray, probabilities: np.ndarray, expected: Calibration
):
    found = calibrate(labels, probabilities)

    assert (found.temperature, found.threshold) == (pytest.approx(expected.temperature, rel=1e-3), expected.threshold)


@pytest.mark.slow
def test_the_shipped_model_is_calibrated_on_the_validation_images(mnist: Dataset):
    model = read_model(MODEL_PATH)
    assert model.record is not None and model.record.calibration is not None
    validation = mnist.train[-model.record.data.validation :]
    found = calibrate(validation.labels, open_engine(model).probabilities(validation.images))

    assert found.temperature == pytest.approx(model.record.calibration.temperature, abs=1e-3)
    assert found.threshold == pytest.approx(model.record.calibration.threshold, abs=1e-3)


# Reliability and coverage


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
    accuracy, confidence = calibration_curve(evaluation.correct, evaluation.confidences, n_bins=BINS)
    bins = [one for one in reliability(evaluation) if one.images]

    assert [one.accuracy for one in bins] == pytest.approx(accuracy.tolist())
    assert [one.confidence for one in bins] == pytest.approx(confidence.tolist())
    assert sum(one.images for one in bins) == evaluation.samples


@pytest.mark.parametrize("evaluation", CASES.values(), ids=CASES)
def test_the_calibration_error_is_the_sum_over_the_bins_image_by_image(evaluation: Evaluation):
    error = 0.0
    for place in range(BINS):
        inside = (evaluation.confidences > place / BINS) & (evaluation.confidences <= (place + 1) / BINS)
        error += abs((evaluation.correct[inside] - evaluation.confidences[inside]).sum()) / evaluation.samples

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
    assert (at_threshold.images, at_threshold.answered, at_threshold.correct) == (4, 3, 1)
    assert (at_threshold.share, at_threshold.accuracy) == (0.75, pytest.approx(1 / 3))
    assert coverage(evaluation, 0.0).answered == 4


def test_where_nothing_is_answered_nothing_is_right_or_wrong():
    nothing = coverage(CASES["one image"], 1.1)

    assert (nothing.answered, nothing.share, nothing.accuracy) == (0, 0.0, None)
