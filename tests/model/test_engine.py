"""The engine against Keras, on models from the shipped one to those that it refuses."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from processes import run_python

from mnist_cli.arrays import Probabilities
from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.errors import ModelError
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.model import engine
from mnist_cli.model.engine import open_engine
from mnist_cli.model.file import read_model
from mnist_cli.model.images import PLAIN, SHAPES
from mnist_cli.model.network import IMAGE_SHAPE

TOLERANCE = 1e-5


def saved(folder: Path, shape: tuple[int | None, ...], *chain: layers.Layer, batch_size: int | None = None) -> Path:
    keras.utils.set_random_seed(1)
    keras.Sequential([keras.Input(shape, batch_size), *chain]).save(folder / "model.keras")
    return folder / "model.keras"


def test_the_shipped_model_answers_as_in_keras_on_every_test_image(mnist: Dataset, shipped_answers: Probabilities):
    theirs = keras.saving.load_model(MODEL_PATH).predict(
        PLAIN.prepare(mnist.test.images, IMAGE_SHAPE), batch_size=500, verbose=0
    )

    assert np.abs(shipped_answers - theirs).max() <= TOLERANCE
    assert np.array_equal(shipped_answers.argmax(axis=1), theirs.argmax(axis=1))


def test_loss_and_accuracy_are_those_of_keras_evaluate(mnist: Dataset, shipped_answers: Probabilities):
    truth = keras.utils.to_categorical(mnist.test.labels, 10)
    loss, accuracy = keras.saving.load_model(MODEL_PATH).evaluate(
        PLAIN.prepare(mnist.test.images, IMAGE_SHAPE), truth, batch_size=500, verbose=0
    )
    metrics = Evaluation(mnist.test.labels, shipped_answers).metrics

    assert metrics.loss == pytest.approx(loss, abs=1e-6)
    assert metrics.accuracy == pytest.approx(accuracy, abs=1e-6)


def test_a_model_with_a_record_is_not_detected(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(engine, "detect_interface")

    assert open_engine(read_model(MODEL_PATH)).interface.digits_read is None


def test_answers_do_not_depend_on_how_many_images_come_together(mnist: Dataset):
    answers = open_engine(read_model(MODEL_PATH))
    images = mnist.test.images[:300]

    together = answers.probabilities(images)
    alone = np.concatenate([answers.probabilities(image[None]) for image in images])
    assert np.abs(together - alone).max() <= TOLERANCE
    assert answers.probabilities(images[:0]).shape == (0, 10)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_images_of_every_shape_are_answered_as_in_keras(shape: tuple[int, ...], mnist: Dataset, tmp_path: Path):
    path = saved(tmp_path, shape, layers.Flatten(), layers.Dense(10, activation="softmax"), batch_size=10)
    images = mnist.test.images[:10]

    theirs = keras.saving.load_model(path)(PLAIN.prepare(images, shape))
    assert np.abs(engine.Engine(read_model(path)).probabilities(images) - theirs).max() <= TOLERANCE


def test_an_input_of_open_size_takes_an_image(tmp_path: Path):
    path = saved(tmp_path, (None, None, 1), layers.Conv2D(10, 3), layers.GlobalMaxPooling2D(), layers.Softmax())

    assert read_model(path).network.input_shape == (28, 28, 1)


def test_outputs_with_axes_of_one_place_are_those_of_ten_digits(mnist: Dataset, tmp_path: Path):
    path = saved(tmp_path, (28, 28, 1), layers.Conv2D(10, 28), layers.Softmax())
    images = mnist.test.images[:20]

    theirs = keras.saving.load_model(path)(PLAIN.prepare(images, IMAGE_SHAPE))[:, 0, 0]
    assert np.abs(engine.Engine(read_model(path)).probabilities(images) - theirs).max() <= TOLERANCE


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16", "float16"])
def test_other_precisions_are_computed_in_float32(policy: str, mnist: Dataset, tmp_path: Path):
    options = {"dtype": policy}
    path = saved(
        tmp_path,
        (28, 28, 1),
        layers.Conv2D(4, 3, activation="relu", **options),
        layers.Flatten(**options),
        layers.Dense(10, **options),
        layers.Activation("softmax", dtype="float32"),
    )
    images = mnist.test.images[:20]

    theirs = keras.saving.load_model(path)(PLAIN.prepare(images, IMAGE_SHAPE))
    assert np.abs(engine.Engine(read_model(path)).probabilities(images) - theirs).max() <= 0.01


def test_answers_that_are_not_numbers_are_an_error(mnist: Dataset, tmp_path: Path):
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(50), layers.Dense(10, activation="softmax")]
    )
    model.set_weights([np.full(weight.shape, 1e30) for weight in model.get_weights()])
    model.save(tmp_path / "model.keras")

    with pytest.raises(ModelError, match="not probabilities"):
        open_engine(read_model(tmp_path / "model.keras")).probabilities(mnist.test.images[:20])


@pytest.mark.parametrize(
    ("shape", "classes", "why"),
    [
        ((28, 28, 1), 11, "11 outputs, not 10"),
        ((28, 28, 1), 26, "26 outputs, not 10"),
        ((64, 64, 1), 10, "64x64x1"),
        ((20, 20), 10, "20x20"),
    ],
)
def test_a_model_of_anything_but_digits_is_refused(shape: tuple[int, ...], classes: int, why: str, tmp_path: Path):
    path = saved(tmp_path, shape, layers.Flatten(), layers.Dense(classes, activation="softmax"))

    with pytest.raises(ModelError, match=why):
        open_engine(read_model(path))


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (lambda: layers.Lambda(lambda x: x + 1), "Lambda"),
        (lambda: layers.UnitNormalization(name="unit"), "UnitNormalization"),
        (lambda: layers.Conv2DTranspose(2, 3), "Conv2DTranspose"),
        (lambda: layers.Cropping2D(2), "Cropping2D"),
        (lambda: layers.RandomCrop(20, 20), "RandomCrop"),
        (lambda: layers.Resizing(20, 20, "bicubic"), "interpolation='bicubic'"),
        (lambda: layers.Resizing(20, 20, antialias=True), "antialias=True"),
    ],
)
def test_a_layer_or_an_option_that_is_not_supported_is_refused_by_its_name(layer, name: str, tmp_path: Path):
    path = saved(tmp_path, (28, 28, 1), layer(), layers.Flatten(), layers.Dense(10, activation="softmax"))

    with pytest.raises(ModelError, match=name) as refusal:
        read_model(path)
    assert refusal.value.hint


def test_models_are_read_and_run_without_tensorflow(mnist: Dataset, tmp_path: Path):
    path = saved(tmp_path, (28, 28), layers.LSTM(4), layers.Dense(10, activation="softmax"))
    hidden = "import sys; sys.modules |= dict.fromkeys(('tensorflow', 'keras', 'tf_keras')); "
    code = f"{hidden}from mnist_cli.cli.app import main; main()"
    done = run_python(code, "evaluate", path, "--json")

    assert done.returncode == 0, done.stderr
    assert '"accuracy"' in done.stdout
