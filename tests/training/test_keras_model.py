"""The classic network, against numbers computed by hand and Keras' own; its file, the same in every run."""

import io
import re
import zipfile
from pathlib import Path

import keras
import numpy as np

from mnist_cli.data import MODEL_PATH
from mnist_cli.training.keras_model import build_model, reproducible
from mnist_cli.training.network import classic_cnn

# By hand: 3*3*1*32 + 32, 3*3*32*64 + 64, 5*5*64*10 + 10; 28-2 = 26, 26/2 = 13, 13-2 = 11, 11/2 = 5 (rounded down).
BY_HAND = [
    ("Conv2D", (26, 26, 32), 320, 26 * 26 * 32 * 9),
    ("MaxPooling2D", (13, 13, 32), 0, 0),
    ("Conv2D", (11, 11, 64), 18_496, 11 * 11 * 64 * 9 * 32),
    ("MaxPooling2D", (5, 5, 64), 0, 0),
    ("Flatten", (1600,), 0, 0),
    ("Dropout", (1600,), 0, 0),
    ("Dense", (10,), 16_010, 1600 * 10),
]


def test_classic_network_has_the_shapes_and_parameters_computed_by_hand():
    stages = classic_cnn(dropout=0.5).stages

    assert [(type(s.layer).__name__, s.output_shape, s.parameters, s.multiply_adds) for s in stages] == BY_HAND


def test_classic_network_has_34826_parameters_every_one_trainable():
    network = classic_cnn(dropout=0.5)

    assert network.parameters == network.trainable_parameters == 34_826
    assert network.output_shape == (10,)


def test_keras_counts_the_same_for_the_model_that_training_builds():
    network = classic_cnn(dropout=0.5)
    model = build_model(network)

    stages = [(s.layer.name, (None, *s.output_shape), s.parameters) for s in network.stages]
    assert [(layer.name, layer.output.shape, layer.count_params()) for layer in model.layers] == stages
    assert model.count_params() == network.parameters


def test_dates_and_addresses_make_no_difference(tmp_path: Path):
    keras.saving.load_model(MODEL_PATH).save(tmp_path / "model.keras")
    first = (tmp_path / "model.keras").read_bytes()
    second = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(first)) as archive, zipfile.ZipFile(second, "w") as later:
        for info in archive.infolist():
            content = archive.read(info).replace(b'"date_saved": "20', b'"date_saved": "30')
            content = re.sub(rb'"shared_object_id": \d+', b'"shared_object_id": 1', content)
            later.writestr(zipfile.ZipInfo(info.filename, (2050, 1, 1, 0, 0, 0)), content)

    assert first != second.getvalue()
    assert reproducible(first) == reproducible(second.getvalue())


def test_keras_opens_what_was_made_reproducible(tmp_path: Path):
    original = keras.saving.load_model(MODEL_PATH)
    original.save(tmp_path / "a.keras")
    (tmp_path / "b.keras").write_bytes(reproducible((tmp_path / "a.keras").read_bytes()))

    weights = keras.saving.load_model(tmp_path / "b.keras").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(weights, original.get_weights(), strict=True))
