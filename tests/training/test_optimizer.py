"""Steps and averages against Keras, and against the singular values that NumPy finds."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_cli.settings import Settings
from mnist_cli.training.optimizer import Average, Muon, Optimizer, variable

SHAPES = ((3, 3, 2, 4), (4,), (20, 10), (10,))
STEPS = 5


def arrays(seed: int) -> list[np.ndarray]:
    noise = np.random.default_rng(seed)
    return [noise.normal(0, 0.1, shape).astype("f4") for shape in SHAPES]


def trained(settings: Settings) -> list[np.ndarray]:
    weights = [variable(weight) for weight in arrays(0)]
    optimizer = Optimizer(settings, weights)
    for step in range(1, STEPS + 1):
        optimizer.apply([tf.constant(g) for g in arrays(step)], tf.constant(float(step)), settings.learning_rate)
    return [weight.numpy() for weight in weights]


def trained_by_keras(optimizer: keras.Optimizer) -> Iterator[np.ndarray]:
    weights = [keras.Variable(weight) for weight in arrays(0)]
    optimizer.build(weights)
    optimizer.exclude_from_weight_decay(var_list=[weight for weight in weights if len(weight.shape) == 1])
    for step in range(1, STEPS + 1):
        optimizer.apply([tf.constant(gradient) for gradient in arrays(step)])
    return (weight.numpy() for weight in weights)


def assert_same(ours: Sequence[np.ndarray], theirs: Iterator[np.ndarray]) -> None:
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, atol=1e-6)


def test_adam_is_that_of_keras():
    assert_same(trained(Settings(learning_rate=0.01)), trained_by_keras(keras.optimizers.Adam(0.01)))


def test_weight_decay_is_that_of_keras_for_kernels_only():
    ours = trained(Settings(learning_rate=0.01, weight_decay=0.3))

    assert_same(ours, trained_by_keras(keras.optimizers.AdamW(0.01, weight_decay=0.3)))


@pytest.mark.parametrize("shape", [(3, 3, 2, 4), (1, 1, 2, 8)])
def test_a_step_of_muon_is_nearly_orthogonal(shape: tuple[int, ...]):
    gradient = np.random.default_rng(0).normal(size=shape).astype("f4")
    change = Muon(shape).change(tf.constant(gradient), tf.constant(1.0)).numpy().reshape(-1, shape[-1])
    left, _, right = np.linalg.svd(gradient.reshape(-1, shape[-1]), full_matrices=False)
    orthogonal = left @ right

    cosine = np.sum(change * orthogonal) / np.linalg.norm(change) / np.linalg.norm(orthogonal)
    assert cosine > 0.97
    assert np.sqrt(np.mean(change**2)) == pytest.approx(0.2, rel=0.25)


def test_the_average_follows_the_weights():
    weights = [variable([0.0])]
    average = Average(0.9, weights)
    weights[0].assign([1.0])
    average.update(tf.constant(1.0))
    early = average.weights[0].numpy().item()
    for _ in range(3):
        average.update(tf.constant(1e6))

    assert early == pytest.approx(1 - 2 / 11)
    assert average.weights[0].numpy().item() == pytest.approx(1 - (1 - early) * 0.9**3)


def test_without_averaging_the_weights_stand_for_themselves():
    weights = [variable([0.0])]
    average = Average(0.0, weights)
    weights[0].assign([1.0])
    average.update(tf.constant(1.0))

    assert average.weights[0].numpy().item() == 1.0
