"""Probabilities at another temperature."""

import numpy as np
import pytest

from mnist_cli.model.calibration import tempered


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


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
