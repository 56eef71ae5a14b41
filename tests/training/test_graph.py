"""The graph of training against Keras: the same scores, the same gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_cli.datasets.dataset import Dataset
from mnist_cli.model.images import PLAIN
from mnist_cli.model.layers.convolution import Conv2D
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.normalization import BatchNormalization
from mnist_cli.model.layers.pooling import MaxPooling2D
from mnist_cli.model.layers.shaping import Flatten
from mnist_cli.model.network import IMAGE_SHAPE, sequential
from mnist_cli.training.graph import dropped, logits
from mnist_cli.training.keras_model import build_model
from mnist_cli.training.network import classic_cnn

NETWORK = classic_cnn(dropout=0.5)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(7)
    model = build_model(NETWORK)
    noise = np.random.default_rng(7)
    # Keras starts with biases of zero, which would hide where they are added.
    model.set_weights([weight + noise.normal(0, 0.1, weight.shape).astype("f4") for weight in model.get_weights()])
    return model


def test_the_scores_are_those_of_keras(model, mnist: Dataset):
    images = PLAIN.prepare(mnist.test.images[:200], IMAGE_SHAPE)
    scores = logits(NETWORK, model.get_weights(), images)

    assert scores.shape == (200, 10)
    np.testing.assert_allclose(tf.nn.softmax(scores), model(images), atol=1e-6)


def test_the_gradients_are_those_of_keras(model, mnist: Dataset):
    images, truth = PLAIN.prepare(mnist.train.images[:64], IMAGE_SHAPE), mnist.train.labels[:64].astype("i4")
    weights = [tf.Variable(weight) for weight in model.get_weights()]
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits(NETWORK, weights, images))
        loss = tf.reduce_mean(losses)
    ours = tape.gradient(loss, weights)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(truth, model(images, training=False)))
    theirs = tape.gradient(loss, [weight.value for weight in model.trainable_weights])

    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, atol=1e-5)


def test_in_bfloat16_the_scores_are_nearly_the_same(model, mnist: Dataset):
    images = PLAIN.prepare(mnist.test.images[:200], IMAGE_SHAPE)
    weights = [tf.cast(weight, tf.bfloat16) for weight in model.get_weights()]
    scores = tf.cast(logits(NETWORK, weights, tf.cast(images, tf.bfloat16)), tf.float32)
    exact = logits(NETWORK, model.get_weights(), images)

    assert 0 < np.abs(scores - exact).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_sum(rate: float):
    values = tf.ones((500, 401))
    result = dropped(values, rate, tf.constant([0, 1])).numpy()

    assert np.mean(result == 0) == pytest.approx(rate, abs=0.005)
    assert result.mean() == pytest.approx(1, abs=0.02)
    assert len(np.unique(result)) == 2


def test_dropout_follows_its_seed():
    values = tf.ones((10, 100))
    first, again, other = (dropped(values, 0.5, tf.constant([0, seed])).numpy() for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_dropout_drops_nothing():
    values = tf.random.stateless_uniform((10, 100), (0, 0))

    assert np.array_equal(dropped(values, 0.0, tf.constant([0, 1])), values)


@pytest.mark.parametrize(
    "layers",
    [
        (BatchNormalization("norm"),),
        (Conv2D("conv", filters=2, kernel_size=(3, 3), activation="relu"), Flatten("flatten")),
        (
            Conv2D("conv", filters=2, kernel_size=(3, 3), activation="tanh"),
            MaxPooling2D("pool", pool_size=(2, 2), strides=(2, 2)),
        ),
        (Dense("dense", 3, activation="relu"),),
    ],
    ids=["unknown", "no pooling", "another activation", "a hidden dense layer"],
)
def test_a_network_of_another_kind_is_refused(layers: tuple):
    with pytest.raises(TypeError, match="can't be trained here"):
        logits(sequential(layers), [np.zeros((3, 3, 1, 2), "f4"), np.zeros(2, "f4")], np.zeros((1, 28, 28, 1), "f4"))
