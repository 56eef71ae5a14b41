"""ONNX files answer as the engine does, for every layer, and say what they are."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers
from layer_models import GRAPHS, IMAGES, NESTED, RECURRENT, ROWS, functional, sequential
from old_keras import old_files
from small_networks import dense_model, random_model
from tiers import sample

from mnist_cli.arrays import Images
from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.errors import ExportError
from mnist_cli.exporting.check import FLOAT_NOISE
from mnist_cli.exporting.export import metadata
from mnist_cli.exporting.onnx_activations import FUNCTIONS
from mnist_cli.exporting.onnx_layers import add_layer
from mnist_cli.exporting.onnx_model import onnx_content
from mnist_cli.exporting.running import RUNTIMES
from mnist_cli.model.engine import Engine, open_engine
from mnist_cli.model.file import parse_model, read_model
from mnist_cli.model.images import SCALES, Pixels
from mnist_cli.model.interface import Interface
from mnist_cli.model.layers import activations
from mnist_cli.model.layers.activations import Activation
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.recurrent import GRU, LSTM, SimpleRNN
from mnist_cli.model.layers.shaping import Flatten
from mnist_cli.model.options import KINDS, layer_class

TOLERANCE = 1e-5
OLD = [name for name in old_files() if name.endswith(("2.15.0.keras", "2.15.0.h5")) and "weights" not in name]


@pytest.fixture(scope="module")
def images(mnist: Dataset) -> Images:
    return mnist.test.images[:40]


def difference(engine: Engine, images: Images, takes_bytes: bool = False) -> float:
    """The largest difference of a probability between a model and its export."""
    answers, _ = RUNTIMES[".onnx"].answers(onnx_content(engine, takes_bytes, {}), images, batch_size=25)
    return float(np.abs(answers - engine.probabilities(images)).max())


def assert_same(model: keras.Model, images: Images, folder: Path) -> None:
    model.save(folder / "model.keras")
    assert difference(Engine(read_model(folder / "model.keras")), images) < TOLERANCE


@pytest.mark.parametrize("inner", sample(IMAGES | NESTED, every=5))
def test_layers_of_images(inner: Callable[[], list], images: Images, tmp_path: Path):
    assert_same(sequential((28, 28, 1), inner()), images, tmp_path)


@pytest.mark.parametrize("inner", sample(ROWS | RECURRENT, every=3))
def test_layers_of_sequences(inner: Callable[[], list], images: Images, tmp_path: Path):
    assert_same(sequential((28, 28), inner()), images, tmp_path)


@pytest.mark.parametrize("output", sample(GRAPHS, every=4))
def test_graphs(output: Callable, images: Images, tmp_path: Path):
    assert_same(functional(output), images, tmp_path)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations(name: str, images: Images):
    """Of some hundred moderate numbers, below 0 and above."""
    inner = [Dense("first", units=12), Activation("activation", activation=name)]
    model = random_model([Flatten("flatten"), *inner, Dense("last", units=10, activation="softmax")])

    assert difference(Engine(model), images) < TOLERANCE


def test_every_activation_of_the_engine_is_there():
    assert set(FUNCTIONS) == set(activations.FUNCTIONS)


def test_every_layer_of_the_engine_has_nodes():
    missing = add_layer.dispatch(object)

    assert [kind for kind in KINDS if add_layer.dispatch(layer_class(kind)) is missing] == []


@pytest.mark.parametrize("name", sample(OLD, every=5))
def test_models_of_strangers(name: str, images: Images):
    assert difference(open_engine(parse_model(Path(name), old_files()[name])), images) < TOLERANCE


@pytest.mark.parametrize("takes_bytes", [False, True])
def test_preparations_of_pixels(takes_bytes: bool, images: Images):
    for scale, is_changed in product(SCALES, (False, True)):
        for shape in ((28, 28, 1), (3, 32, 32)):
            engine = Engine(dense_model(shape, "linear"), Interface(Pixels(scale, is_changed, is_changed), "logits"))

            assert difference(engine, images, takes_bytes) < FLOAT_NOISE


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_sigmoids(activation: str, images: Images):
    assert difference(Engine(dense_model(activation=activation), Interface(outputs="sigmoids")), images) < TOLERANCE


def test_sigmoids_that_are_all_small_are_told_apart(images: Images):
    """onnxruntime takes 1.5e-8 for each of them."""
    model = dense_model(activation="sigmoid")
    kernel, bias = model.weights[1]
    small = replace(model, weights=((), (kernel, bias - 40)))

    assert difference(Engine(small, Interface(outputs="sigmoids")), images) < TOLERANCE


@pytest.fixture(scope="module")
def shipped() -> bytes:
    engine = open_engine(read_model(MODEL_PATH))
    return onnx_content(engine, False, metadata(engine.model))


def test_the_batch_may_have_any_size(shipped: bytes, mnist: Dataset):
    session = onnxruntime.InferenceSession(shipped)
    for size in (1, 7):
        image = mnist.test.images[:size, ..., np.newaxis] / np.float32(255)
        assert session.run(None, {"image": image})[0].shape == (size, 10)


def test_a_file_says_what_it_takes_and_gives_and_in_which_version(shipped: bytes):
    model = onnx.load_from_string(shipped)
    (image,), (probabilities,) = model.graph.input, model.graph.output

    assert [size.dim_value or size.dim_param for size in image.type.tensor_type.shape.dim] == ["n", 28, 28, 1]
    assert (image.name, probabilities.name) == ("image", "probabilities")
    assert (model.opset_import[0].version, model.ir_version) == (17, 8)


def test_the_metadata_are_the_figures_of_the_record(shipped: bytes):
    record = json.loads(MODEL_PATH.with_suffix(".json").read_text())
    told = {each.key: each.value for each in onnx.load_from_string(shipped).metadata_props}

    assert told.pop("model_sha256") == record["model_sha256"]
    figures = {"test_accuracy": record["test"]["accuracy"], "test_loss": record["test"]["loss"]}
    assert {name: float(value) for name, value in told.items()} == figures | record["calibration"]


def test_the_classic_network_is_transposed_only_where_channels_become_features(shipped: bytes):
    kinds = [node.op_type for node in onnx.load_from_string(shipped).graph.node]

    convolutions = ["Conv", "Relu", "MaxPool"] * 2
    assert kinds == ["Transpose", *convolutions, "Transpose", "Reshape", "MatMul", "Add", "Softmax"]


def test_the_weights_of_a_layer_that_is_used_often_are_stored_once(tmp_path: Path):
    image = keras.Input((28, 28, 1))
    conv = layers.Conv2D(1, 28, padding="same")
    output = image
    for _ in range(4):
        output = conv(output)
    outputs = layers.Dense(10, activation="softmax")(layers.Flatten()(output))
    keras.Model(image, outputs).save(tmp_path / "model.keras")
    content = onnx_content(Engine(read_model(tmp_path / "model.keras")), False, {})

    sizes = [constant.dims for constant in onnx.load_from_string(content).graph.initializer]
    assert sizes.count([1, 1, 28, 28]) == 1


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
def test_a_recurrent_layer_with_an_activation_that_onnx_lacks_there_is_named(layer: type[SimpleRNN]):
    model = random_model([layer("reader", units=10, activation="gelu")], (28, 28))

    with pytest.raises(ExportError, match=rf"made\.keras: .* reader \({layer.__name__}\) .* gelu"):
        onnx_content(Engine(model), False, {})
