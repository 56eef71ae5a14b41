"""LiteRT files answer as the engine does: in float32 to the last digits, in smaller numbers nearly."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from layer_models import GRAPHS, IMAGES, NESTED, RECURRENT, ROWS, functional, sequential
from old_keras import old_files
from small_networks import dense_model, random_model
from tiers import sample

from mnist_cli.arrays import Images, Probabilities
from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.errors import ExportError
from mnist_cli.exporting.check import FLOAT_NOISE
from mnist_cli.exporting.export import ExportRequest, check_export
from mnist_cli.exporting.litert_model import litert_content
from mnist_cli.exporting.running import RUNTIMES
from mnist_cli.model.engine import Engine, open_engine
from mnist_cli.model.file import parse_model, read_model
from mnist_cli.model.images import SCALES, Pixels
from mnist_cli.model.interface import Interface
from mnist_cli.model.layers.activations import FUNCTIONS, Activation
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.recurrent import LSTM, Bidirectional
from mnist_cli.model.layers.shaping import Flatten

TOLERANCE = 1e-5
OLD = [name for name in old_files() if name.endswith(("2.15.0.keras", "2.15.0.h5")) and "weights" not in name]


@pytest.fixture(scope="module")
def images(mnist: Dataset) -> Images:
    return mnist.test.images[:40]


def answers_of(content: bytes, images: Images) -> Probabilities:
    return RUNTIMES[".tflite"].answers(content, images, batch_size=25)[0]


def difference(engine: Engine, images: Images, takes_bytes: bool = False) -> float:
    """The largest difference of a probability between a model and its export as float32."""
    answers = answers_of(litert_content(engine, takes_bytes, None, None), images)
    return float(np.abs(answers - engine.probabilities(images)).max())


def assert_same(model: keras.Model, images: Images, folder: Path) -> None:
    model.save(folder / "model.keras")
    assert difference(Engine(read_model(folder / "model.keras")), images) < TOLERANCE


@pytest.mark.parametrize("inner", sample(IMAGES | NESTED, every=9))
def test_layers_of_images(inner: Callable[[], list], images: Images, tmp_path: Path):
    assert_same(sequential((28, 28, 1), inner()), images, tmp_path)


@pytest.mark.parametrize("inner", sample(ROWS | RECURRENT, every=5))
def test_layers_of_sequences(inner: Callable[[], list], images: Images, tmp_path: Path):
    assert_same(sequential((28, 28), inner()), images, tmp_path)


@pytest.mark.parametrize("output", sample(GRAPHS, every=6))
def test_graphs(output: Callable, images: Images, tmp_path: Path):
    assert_same(functional(output), images, tmp_path)


@pytest.mark.parametrize("name", sample(sorted(FUNCTIONS), every=8))
def test_activations(name: str, images: Images):
    inner = [Dense("first", units=12), Activation("activation", activation=name)]
    model = random_model([Flatten("flatten"), *inner, Dense("last", units=10, activation="softmax")])

    assert difference(Engine(model), images) < TOLERANCE


@pytest.mark.parametrize("name", sample(OLD, every=6))
def test_models_of_strangers(name: str, images: Images):
    assert difference(open_engine(parse_model(Path(name), old_files()[name])), images) < TOLERANCE


@pytest.mark.parametrize("scale", sample(list(SCALES), every=3))
def test_preparations_of_pixels(scale: str, images: Images):
    for shape, takes_bytes in (((28, 28, 1), False), ((3, 32, 32), True)):
        interface = Interface(Pixels(scale, inverted=takes_bytes, transposed=takes_bytes), "logits")

        assert difference(Engine(dense_model(shape, "linear"), interface), images, takes_bytes) < FLOAT_NOISE


def test_sigmoids(images: Images):
    assert difference(Engine(dense_model(activation="sigmoid"), Interface(outputs="sigmoids")), images) < TOLERANCE


@pytest.mark.parametrize("takes_bytes", [False, True])
def test_int8_reads_the_digits_with_a_quarter_of_the_bytes(takes_bytes: bool, mnist: Dataset):
    engine = open_engine(read_model(MODEL_PATH))
    content = litert_content(engine, takes_bytes, "int8", mnist.train.images[-6000::60])
    test = mnist.test[:1000]
    answers = answers_of(content, test.images)

    assert len(content) <= 45 * 1024
    assert (answers.argmax(axis=1) != engine.probabilities(test.images).argmax(axis=1)).sum() <= 1
    assert np.abs(answers.sum(axis=1) - 1).max() < 0.03  # each of them is a multiple of 1/256


def test_float16_reads_the_digits_with_half_the_bytes(mnist: Dataset):
    engine = open_engine(read_model(MODEL_PATH))
    test = mnist.test[:1000]
    content = litert_content(engine, False, "float16", None)
    answers = answers_of(content, test.images)

    assert len(content) <= 75 * 1024
    assert np.abs(answers - engine.probabilities(test.images)).max() < 0.01


def test_exports_are_recognised_as_such(tmp_path: Path):
    path = tmp_path / "made.tflite"
    path.write_bytes(litert_content(Engine(dense_model()), False, None, None))

    check_export(ExportRequest(MODEL_PATH, path))


def test_recurrent_layers_are_named_where_they_are_to_be_int8(images: Images):
    lstm = LSTM("reader", units=10)
    for layer in (lstm, Bidirectional("reader", lstm, LSTM("back", units=10, go_backwards=True), "sum")):
        with pytest.raises(ExportError, match=rf"int8 form of its layer reader \({type(layer).__name__}\)") as refusal:
            litert_content(Engine(random_model([layer], (28, 28))), False, "int8", images)
        assert "float16" in refusal.value.hint
