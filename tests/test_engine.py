"""The NumPy engine against Keras: the same probabilities from the same files."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from mnist_cli import kerasengine, numpyengine
from mnist_cli.arrays import as_input
from mnist_cli.data import MODEL_PATH
from mnist_cli.dataset import Dataset
from mnist_cli.engine import open_engine
from mnist_cli.errors import ModelError
from mnist_cli.evaluation import Evaluation
from mnist_cli.kerasengine import KerasEngine
from mnist_cli.modelfile import read_model
from mnist_cli.numpyengine import NumpyEngine
from mnist_cli.workers import Limits

TOLERANCE = 1e-5

# Between an input of 28x28x1 and the ten probabilities: every known layer, with its paddings and strides.
KNOWN_LAYERS = {
    "conv same": [layers.Conv2D(4, 3, padding="same", activation="tanh")],
    "conv same, even window": [layers.Conv2D(4, 4, padding="same", activation="sigmoid")],
    "conv strides": [layers.Conv2D(4, (3, 5), strides=(2, 3), activation="relu", use_bias=False)],
    "conv same strides": [layers.Conv2D(4, 5, strides=3, padding="same")],
    "max pooling same": [layers.Conv2D(3, 2), layers.MaxPooling2D(2, padding="same")],
    "max pooling overlapping": [layers.MaxPooling2D(3, strides=2), layers.MaxPooling2D((2, 3), strides=(1, 2))],
    "max pooling same, negative input": [layers.Rescaling(-1.0), layers.MaxPooling2D(3, strides=2, padding="same")],
    "average pooling": [layers.AveragePooling2D(3), layers.AveragePooling2D(2, strides=3)],
    "average pooling same": [layers.Conv2D(3, 2), layers.AveragePooling2D(4, strides=3, padding="same")],
    "global average pooling": [layers.Conv2D(8, 3), layers.GlobalAveragePooling2D()],
    "global average pooling, kept axes": [layers.Conv2D(8, 3), layers.GlobalAveragePooling2D(keepdims=True)],
    "batch normalization": [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()],
    "batch normalization, plain": [layers.Conv2D(4, 3), layers.BatchNormalization(center=False, scale=False)],
    "batch normalization, flat": [layers.Flatten(), layers.Dense(8), layers.BatchNormalization(scale=False)],
    "rescaling": [layers.Rescaling(2.0, offset=-1.0), layers.Conv2D(4, 3)],
    "relu with options": [layers.Conv2D(4, 3), layers.ReLU(max_value=0.4, negative_slope=0.1, threshold=0.1)],
    "relu at its threshold": [layers.ReLU(threshold=1.0)],  # the white of the images is exactly 1
    "dense along an axis": [layers.Dense(3, activation="tanh")],
    "activations": [layers.Flatten(), layers.Dense(9), layers.Activation("sigmoid"), layers.Dense(8), layers.Softmax()],
    "activation on its own input": [layers.Activation("relu"), layers.Activation("linear"), layers.Dropout(0.3)],
}
# Only Keras runs these.
UNKNOWN_PARTS = {
    "layer": [layers.DepthwiseConv2D(3)],
    "recurrent layer": [layers.Reshape((28, 28)), layers.LSTM(5)],
    "activation": [layers.Conv2D(4, 3, activation="gelu")],
    "dilation": [layers.Conv2D(4, 3, dilation_rate=2)],
    "groups": [layers.Conv2D(4, 3), layers.Conv2D(4, 3, groups=2)],
    "other axis": [layers.BatchNormalization(axis=1)],
    "precision": [layers.Conv2D(4, 3, dtype="mixed_bfloat16")],
}


def saved(inner: list[layers.Layer], folder: Path, functional: bool = False) -> Path:
    """A model file around copies of the given layers, with biases and means that are not 0."""
    keras.utils.set_random_seed(1)
    copies = [layer.from_config(layer.get_config()) for layer in inner]
    chain = [*copies, layers.Flatten(), layers.Dense(10), layers.Activation("softmax")]
    if functional:
        image = keras.Input((28, 28, 1))
        answer = image
        for layer in chain:
            answer = layer(answer)
        model = keras.Model(image, answer)
    else:
        model = keras.Sequential([keras.Input((28, 28, 1)), *chain])
    rng = np.random.default_rng(1)
    shifted = [w + rng.uniform(0.01, 0.1, w.shape) if w.ndim == 1 else w for w in model.get_weights()]
    model.set_weights(shifted)
    path = folder / "model.keras"
    model.save(path)
    return path


def probabilities_of_keras(path: Path, images: np.ndarray) -> np.ndarray:
    return keras.saving.load_model(path).predict(as_input(images), batch_size=500, verbose=0)


def test_the_shipped_model_answers_as_in_keras_on_every_test_image(mnist: Dataset):
    theirs = probabilities_of_keras(MODEL_PATH, mnist.test.images)
    ours = open_engine(read_model(MODEL_PATH)).probabilities(mnist.test.images)

    assert np.abs(ours - theirs).max() <= TOLERANCE
    assert np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


def test_loss_and_accuracy_are_those_of_keras_evaluate(mnist: Dataset):
    truth = keras.utils.to_categorical(mnist.test.labels, 10)
    loss, accuracy = keras.saving.load_model(MODEL_PATH).evaluate(
        as_input(mnist.test.images), truth, batch_size=500, verbose=0
    )
    metrics = Evaluation(
        mnist.test.labels, open_engine(read_model(MODEL_PATH)).probabilities(mnist.test.images)
    ).metrics

    assert metrics.loss == pytest.approx(loss, abs=1e-6)
    assert metrics.accuracy == pytest.approx(accuracy, abs=1e-6)


@pytest.mark.parametrize("functional", [False, True], ids=["sequential", "functional"])
@pytest.mark.parametrize("inner", KNOWN_LAYERS.values(), ids=KNOWN_LAYERS)
def test_every_known_layer_answers_as_in_keras(inner: list, functional: bool, mnist: Dataset, tmp_path: Path):
    path = saved(inner, tmp_path, functional)
    images = mnist.test.images[:200]

    ours = open_engine(read_model(path))

    assert isinstance(ours, NumpyEngine)
    assert np.abs(ours.probabilities(images) - probabilities_of_keras(path, images)).max() <= TOLERANCE


@pytest.mark.parametrize("inner", KNOWN_LAYERS.values(), ids=KNOWN_LAYERS)
def test_shapes_and_parameters_are_those_of_keras(inner: list, tmp_path: Path):
    path = saved(inner, tmp_path)
    model = keras.saving.load_model(path)
    network = read_model(path).network

    assert network is not None
    stages = [(None, *stage.output_shape) for stage in network.stages()]
    assert stages == [layer.output.shape for layer in model.layers]
    assert network.parameters == model.count_params()
    assert network.trainable == sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize("inner", UNKNOWN_PARTS.values(), ids=UNKNOWN_PARTS)
def test_keras_runs_what_the_engine_does_not_know_and_that_is_said(inner: list, mnist: Dataset, tmp_path: Path):
    path = saved(inner, tmp_path)
    said: list[str] = []

    fallback = open_engine(read_model(path), said.append)

    assert isinstance(fallback, KerasEngine)
    assert len(said) == 1 and "Keras" in said[0]
    images = mnist.test.images[:50]
    assert np.abs(fallback.probabilities(images) - probabilities_of_keras(path, images)).max() <= TOLERANCE


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_an_input_of_whole_numbers_is_left_to_keras(dtype: str, mnist: Dataset, tmp_path: Path):
    image = keras.Input((28, 28, 1), dtype=dtype)
    flat = layers.Flatten()(layers.Rescaling(0.5)(image))
    keras.Model(image, layers.Dense(10, activation="softmax")(flat)).save(tmp_path / "model.keras")

    assert isinstance(open_engine(read_model(tmp_path / "model.keras")), KerasEngine)


@pytest.mark.parametrize("unknown", [False, True], ids=["numpy", "keras"])
def test_answers_that_are_no_numbers_are_an_error(unknown: bool, mnist: Dataset, tmp_path: Path):
    middle = [layers.Activation("gelu")] if unknown else []
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), *middle, layers.Flatten(), layers.Dense(50), layers.Dense(10, activation="softmax")]
    )
    model.set_weights([np.full(weight.shape, 1e30) for weight in model.get_weights()])
    model.save(tmp_path / "model.keras")

    with pytest.raises(ModelError, match="no probabilities"):
        open_engine(read_model(tmp_path / "model.keras")).probabilities(mnist.test.images[:20])


def test_layers_that_are_frozen_do_not_count_as_trainable(tmp_path: Path):
    frozen = layers.Conv2D(4, 3, trainable=False)
    model = keras.Sequential([keras.Input((28, 28, 1)), frozen, layers.Flatten(), layers.Dense(10)])
    model.save(tmp_path / "model.keras")
    network = read_model(tmp_path / "model.keras").network

    assert network is not None
    assert network.parameters - network.trainable == 4 * 9 + 4


def test_a_network_that_branches_is_left_to_keras(mnist: Dataset, tmp_path: Path):
    image = keras.Input((28, 28, 1))
    merged = layers.Add()([layers.Conv2D(2, 3)(image), layers.Conv2D(2, 3)(image)])
    keras.Model(image, layers.Dense(10, activation="softmax")(layers.Flatten()(merged))).save(tmp_path / "model.keras")

    assert isinstance(open_engine(read_model(tmp_path / "model.keras")), KerasEngine)


def test_a_model_that_takes_keras_too_long_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = saved([layers.LayerNormalization()], tmp_path)
    monkeypatch.setattr(kerasengine, "_LIMITS", Limits(seconds=1, memory=3_000_000_000))  # Keras takes longer to start

    with pytest.raises(ModelError, match="Keras can't run this model: it takes more than 1 seconds"):
        open_engine(read_model(path))


def test_answers_do_not_depend_on_how_many_images_come_together(mnist: Dataset):
    answers = open_engine(read_model(MODEL_PATH))
    images = mnist.test.images[: numpyengine.BATCH_SIZE + 1]

    together = answers.probabilities(images)
    alone = np.concatenate([answers.probabilities(image[None]) for image in images])
    assert np.abs(together - alone).max() <= TOLERANCE
    assert answers.probabilities(images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    ("input_shape", "last"),
    [
        ((32, 32, 1), layers.Dense(10, activation="softmax")),
        ((28, 28, 3), layers.Dense(10, activation="softmax")),
        ((28, 28, 1), layers.Dense(11, activation="softmax")),
        ((28, 28, 1), layers.Dense(10)),
        ((28, 28, 1), layers.Dense(10, activation="sigmoid")),
    ],
)
@pytest.mark.parametrize("unknown", [False, True], ids=["numpy", "keras"])
def test_what_is_no_digit_classifier_is_refused(input_shape, last, unknown: bool, mnist: Dataset, tmp_path: Path):
    middle = [layers.Activation("gelu")] if unknown else []
    chain = [keras.Input(input_shape), *middle, layers.Flatten(), type(last).from_config(last.get_config())]
    keras.Sequential(chain).save(tmp_path / "model.keras")

    with pytest.raises(ModelError, match="no digit classifier"):
        open_engine(read_model(tmp_path / "model.keras")).probabilities(mnist.test.images[:20])
