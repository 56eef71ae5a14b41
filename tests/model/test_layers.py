"""Every layer against Keras: small models, built and saved by Keras in the test, answer as they do there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from layer_models import GRAPHS, IMAGES, NESTED, RECURRENT, ROWS, functional, sequential
from tiers import sample

from mnist_cli.arrays import Images
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.model.engine import Engine
from mnist_cli.model.file import read_model
from mnist_cli.model.images import PLAIN
from mnist_cli.model.layers.activations import FUNCTIONS
from mnist_cli.model.layers.base import Layer, Weights
from mnist_cli.model.layers.resampling import Resizing
from mnist_cli.model.options import KINDS

TOLERANCE, RECURRENT_TOLERANCE = 1e-5, 1e-4
OF_KERAS_2 = {"keras_2_hard_sigmoid"}


def assert_same(model: keras.Model, images: Images, folder: Path, tolerance: float = TOLERANCE) -> None:
    """Keras and the engine answer alike, from the archive and from HDF5, and count alike."""
    shape = model.input_shape[1:]
    theirs = np.concatenate([model(PLAIN.prepare(part, shape), training=False) for part in np.split(images, 2)])
    changes = any(layer.name.startswith("random") for layer in model.layers)
    for name in ("model.keras", "model.h5")[: 1 if changes else 2]:  # Keras can't write random changes to HDF5
        model.save(folder / name)
        ours = read_model(folder / name)
        assert np.abs(Engine(ours).probabilities(images) - theirs).max() <= tolerance, name
        assert ours.network.parameters == model.count_params()
        trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
        assert ours.network.trainable_parameters == trainable
    assert theirs.std(axis=0).max() > 1e-4, "answers that are all alike would prove nothing"


@pytest.fixture(scope="module")
def images(mnist: Dataset) -> Images:
    return mnist.test.images[:40]


@pytest.fixture(autouse=True)
def seeded() -> None:
    keras.utils.set_random_seed(1)


@pytest.mark.parametrize("inner", sample(IMAGES | NESTED, every=4))
def test_layers_of_images_answer_as_in_keras(inner: Callable[[], list], images: Images, tmp_path: Path):
    assert_same(sequential((28, 28, 1), inner()), images, tmp_path)


@pytest.mark.parametrize("inner", sample(ROWS, every=3))
def test_layers_of_sequences_answer_as_in_keras(inner: Callable[[], list], images: Images, tmp_path: Path):
    assert_same(sequential((28, 28), inner()), images, tmp_path)


@pytest.mark.parametrize("inner", sample(RECURRENT, every=4))
def test_recurrent_layers_answer_as_in_keras(inner: Callable[[], list], images: Images, tmp_path: Path):
    assert_same(sequential((28, 28), inner()), images, tmp_path, RECURRENT_TOLERANCE)


@pytest.mark.parametrize("output", sample(GRAPHS, every=3))
def test_graphs_answer_as_in_keras(output: Callable, images: Images, tmp_path: Path):
    assert_same(functional(output), images, tmp_path)


@pytest.mark.parametrize(
    "name", sample(sorted({*FUNCTIONS, "swish", "hard_swish"} - OF_KERAS_2 - {"sparsemax"}), every=5)
)
def test_activations_answer_as_in_keras(name: str, images: Images, tmp_path: Path):
    inner = [layers.Flatten(), layers.Dense(12), layers.Rescaling(4.0), layers.Activation(name), layers.Dense(12, name)]
    assert_same(sequential((28, 28, 1), inner), images, tmp_path)


@pytest.mark.parametrize("spread", [0.1, 0.3, 1.0, 4.0])
def test_sparsemax_is_that_of_keras(spread: float):
    """By itself, for in a network it makes nearly everything 0."""
    x = np.random.default_rng(0).normal(0, spread, (50, 12)).astype("f4")

    np.testing.assert_allclose(FUNCTIONS["sparsemax"](x), keras.activations.sparsemax(x), atol=1e-6)


def test_every_activation_that_keras_has_by_name_is_here():
    # glu halves its input and threshold needs figures: neither can be used by its name alone.
    ours = {*FUNCTIONS, "swish", "hard_swish"} - OF_KERAS_2
    assert set(keras.src.activations.ALL_OBJECTS_DICT) - {"glu", "threshold"} == ours


@pytest.mark.parametrize("size", [7, 13, 20, 23, 46, 55, 71, 95])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_resizing_is_that_of_keras_for_many_sizes(size: int, interpolation: str):
    """In images of noise, where every place counts: which of two equally near ones is taken, too."""
    noise = np.random.default_rng(0).uniform(0, 1, (1, 28, 28, 2)).astype("f4")

    theirs = layers.Resizing(size, 2 * size, interpolation)(noise)
    ours = Resizing("resizing", height=size, width=2 * size, interpolation=interpolation).apply((), noise)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_what_flows_between_layers_is_float32(images: Images, tmp_path: Path):
    inner = [layers.Flatten(), layers.Dense(12, "softmax"), layers.Dense(12, "gelu"), layers.Dense(10, "softmax")]
    keras.Sequential([keras.Input((28, 28)), *inner]).save(tmp_path / "model.keras")
    model = read_model(tmp_path / "model.keras")
    x = PLAIN.prepare(images, (28, 28))
    kinds = []
    monitored = [replace(stage, layer=Monitor("monitor", stage.layer, kinds)) for stage in model.network.stages]

    Engine(replace(model, network=replace(model.network, stages=tuple(monitored)))).probabilities(images)
    assert x.dtype == np.float32 and set(kinds) == {np.dtype("f4")}


@dataclass(frozen=True)
class Monitor(Layer):
    """A layer that notes what comes into another."""

    layer: Layer
    kinds: list

    def apply(self, weights: Weights, x: np.ndarray) -> np.ndarray:
        self.kinds.append(x.dtype)
        return self.layer.apply(weights, x)


def test_every_layer_is_tested():
    made = [layer for make in (IMAGES | ROWS | RECURRENT).values() for layer in make()]
    made += [layer for output in GRAPHS.values() for layer in functional(output).layers]
    of_keras_2 = {"RandomHeight", "RandomWidth"}
    assert of_keras_2 | {"Activation"} | {type(layer).__name__ for layer in made} >= KINDS
