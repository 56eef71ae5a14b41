"""The interface of a model as layers of the exported network: it computes what the engine prepares and reads."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from small_networks import dense_model, random_model

from mnist_cli.arrays import Images, Probabilities
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.exporting.check import FLOAT_NOISE
from mnist_cli.exporting.network import exported_network
from mnist_cli.model.engine import Engine
from mnist_cli.model.images import SCALES, SHAPES, Pixels
from mnist_cli.model.interface import Interface, Outputs
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.pooling import GlobalAveragePooling2D

ACTIVATIONS: dict[str, Outputs] = {
    "softmax": "softmax",
    "linear": "logits",
    "sigmoid": "sigmoids",
    "hard_sigmoid": "sigmoids",
}


@pytest.fixture(scope="module")
def images(mnist: Dataset) -> Images:
    blank = np.zeros((1, 28, 28), np.uint8)
    return np.concatenate([mnist.test.images[:20], blank, ~blank])


def answers_of_exported(engine: Engine, images: Images) -> Probabilities:
    """Those of an engine that prepares and reads nothing, as the network does."""
    network, weights = exported_network(engine, sigmoids_as_logits=True)
    return Engine(replace(engine.model, network=network, weights=weights)).probabilities(images)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("inverted", [False, True])
def test_every_preparation_of_pixels_is_in_the_network(scale: str, inverted: bool, images: Images):
    for transposed, shape in product((False, True), SHAPES):
        interface = Interface(Pixels(scale, inverted, transposed), outputs="logits")
        engine = Engine(dense_model(shape, "linear"), interface)

        assert np.abs(answers_of_exported(engine, images) - engine.probabilities(images)).max() < FLOAT_NOISE


@pytest.mark.parametrize(("activation", "outputs"), ACTIVATIONS.items())
def test_every_kind_of_outputs_becomes_probabilities(activation: str, outputs: Outputs, images: Images):
    engine = Engine(dense_model(activation=activation), Interface(outputs=outputs))

    np.testing.assert_allclose(answers_of_exported(engine, images), engine.probabilities(images), atol=1e-6)


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_sigmoids_that_are_all_zero_become_a_uniform_distribution(activation: str, images: Images):
    model = dense_model(activation=activation)
    kernel, bias = model.weights[1]
    engine = Engine(replace(model, weights=((), (kernel, bias - 1000))), Interface(outputs="sigmoids"))

    np.testing.assert_allclose(answers_of_exported(engine, images), 0.1, rtol=1e-6)


def test_outputs_with_axes_of_length_1_become_flat(images: Images):
    layers = [Dense("dense", units=10, activation="softmax"), GlobalAveragePooling2D("mean", keepdims=True)]
    engine = Engine(random_model(layers))
    network, _ = exported_network(engine, sigmoids_as_logits=True)

    assert engine.model.network.output_shape == (1, 1, 10)
    assert network.output_shape == (10,)
    np.testing.assert_allclose(answers_of_exported(engine, images), engine.probabilities(images), atol=1e-6)


def test_a_model_of_mnistclis_own_gets_no_layers_more():
    model = dense_model()

    assert exported_network(Engine(model), sigmoids_as_logits=True)[0].stages == model.network.stages
