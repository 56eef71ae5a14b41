"""Temperature and threshold: against a grid, on a model whose true temperature is known, and where there is little."""

import numpy as np
import pytest

from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.evaluation.calibration import REJECTED_SHARE, calibrate, calibration_error
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


@pytest.mark.parametrize("temperature", [0.3, 0.8, 1.0, 1.5, 4.0])
def test_tempered_is_the_softmax_of_logits_divided_by_the_temperature(temperature: float):
    logits = np.random.default_rng(0).normal(0, 5, (50, 10))
    probabilities = tempered(softmax(logits), temperature)

    assert probabilities.shape == (50, 10) and probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities, softmax(logits / temperature), rtol=1e-10)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_at_temperature_1_everything_stays_as_it_is(kind: type):
    probabilities = np.array([[0.75, 0.25] + [0] * 8, [1] + [0] * 9, [0.1] * 10], kind)

    assert tempered(probabilities, 1.0).dtype == np.float64
    np.testing.assert_array_equal(tempered(probabilities, 1.0), probabilities)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 0.01, 0.2, 5.0, 1e300])
def test_probabilities_of_0_and_any_temperature_give_probabilities(kind: type, temperature: float):
    probabilities = tempered(np.array([[1] + [0] * 9, [0.5, 0.3, 0.2] + [0] * 7], kind), temperature)

    assert np.isfinite(probabilities).all()
    assert probabilities.sum(axis=1) == pytest.approx([1, 1])
    assert probabilities.argmax(axis=1).tolist() == [0, 0]


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


def test_the_shipped_model_is_calibrated_on_the_validation_images(mnist: Dataset):
    model = read_model(MODEL_PATH)
    assert model.record is not None and model.record.calibration is not None
    validation = mnist.train[-model.record.data.validation :]
    found = calibrate(validation.labels, open_engine(model).probabilities(validation.images))

    assert found.temperature == pytest.approx(model.record.calibration.temperature, abs=1e-3)
    assert found.threshold == pytest.approx(model.record.calibration.threshold, abs=1e-3)
