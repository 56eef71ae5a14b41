"""Model files: what is read, what is refused, and how they are written."""

from pathlib import Path

import keras
import numpy as np
import pytest
from hostile_models import HARMLESS, MODELS, flipped

from mnist_cli.data import MODEL_PATH
from mnist_cli.errors import ModelError, OutputError
from mnist_cli.model.file import ModelFile, parse_model, read_model, write_model
from mnist_cli.model.record import Record


def test_the_shipped_model_comes_with_its_record():
    model = read_model(MODEL_PATH)

    assert model.network is not None and model.network.parameters == 34_826
    assert model.warning == ""
    assert model.record is not None
    assert model.record.command == "mnistcli train --recipe best"
    assert len(model.record.history) == 15


@pytest.mark.parametrize("content", MODELS.values(), ids=MODELS)
def test_hostile_and_broken_model_files_are_refused_in_one_line(content: bytes, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(content)

    with pytest.raises(ModelError) as refusal:
        read_model(tmp_path / "model.keras")
    assert "model.keras" in refusal.value.message
    assert "\n" not in refusal.value.message


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
def test_what_no_answer_depends_on_is_not_looked_at(content: bytes, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(content)

    ours, shipped = read_model(tmp_path / "model.keras"), read_model(MODEL_PATH)
    assert all(np.array_equal(a, b) for a, b in zip(sum(ours.weights, ()), sum(shipped.weights, ()), strict=True))


def test_regularizers_and_initializers_make_no_difference(tmp_path: Path):
    keras.utils.set_random_seed(0)
    layer = keras.layers.Conv2D(
        2, 3, kernel_regularizer="l2", kernel_initializer="he_normal", bias_constraint="non_neg"
    )
    keras.Sequential([keras.Input((28, 28, 1)), layer]).save(tmp_path / "model.keras")

    assert read_model(tmp_path / "model.keras").network is not None


@pytest.mark.parametrize("loss", ["categorical_crossentropy", keras.losses.sparse_categorical_crossentropy])
def test_what_a_model_was_trained_with_makes_no_difference(loss: object, tmp_path: Path):
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile(keras.optimizers.AdamW(rate), loss, [keras.metrics.TopKCategoricalAccuracy(2), "accuracy"])
    model.save(tmp_path / "model.keras")

    assert read_model(tmp_path / "model.keras").network.parameters == 7850


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "model.keras", "model"])
def test_a_model_in_hdf5_is_read_whatever_its_name_says(name: str, tmp_path: Path):
    keras.saving.load_model(MODEL_PATH).save(tmp_path / "model.h5")
    (tmp_path / "model.h5").rename(tmp_path / name)

    ours, shipped = read_model(tmp_path / name), read_model(MODEL_PATH)
    assert all(np.array_equal(a, b) for a, b in zip(sum(ours.weights, ()), sum(shipped.weights, ()), strict=True))


@pytest.mark.parametrize(
    ("content", "why", "hint"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "Git LFS pointer",
            "git lfs pull",
        ),
        (b"\n<!DOCTYPE html>\n<html><title>model.keras</title>", "a web page", "Download"),
        (b"ONNX", "neither a .keras archive nor HDF5", "model.save"),
    ],
)
def test_what_is_no_model_is_called_what_it_is(content: bytes, why: str, hint: str, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(content)

    with pytest.raises(ModelError, match=why) as refusal:
        read_model(tmp_path / "model.keras")
    assert hint in refusal.value.hint


def test_a_saved_model_is_refused_with_what_to_do(tmp_path: Path):
    (tmp_path / "saved_model.pb").write_bytes(b"x")

    with pytest.raises(ModelError, match="SavedModel") as refusal:
        read_model(tmp_path)
    assert "model.save" in refusal.value.hint


@pytest.mark.parametrize("name", ["https://example.org/cnn.keras", "hf://someone/cnn", "gs://bucket/cnn.keras"])
def test_nothing_is_fetched(name: str):
    with pytest.raises(ModelError, match="no such file") as refusal:
        read_model(Path(name))
    assert "this machine" in refusal.value.hint


def test_a_flipped_byte_is_noticed(tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(flipped(MODEL_PATH.read_bytes()))

    with pytest.raises(ModelError, match="damaged"):
        read_model(tmp_path / "model.keras")


def test_a_record_of_another_model_is_ignored_and_that_is_said(small_model: Path, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(MODEL_PATH.read_bytes())
    (tmp_path / "model.json").write_bytes(small_model.with_suffix(".json").read_bytes())

    model = read_model(tmp_path / "model.keras")

    assert model.record is None
    assert "another model" in model.warning


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"null", b'{"format": 3, "history": 3}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_broken_record_is_ignored_and_that_is_said(content: bytes, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(MODEL_PATH.read_bytes())
    (tmp_path / "model.json").write_bytes(content)

    model = read_model(tmp_path / "model.keras")

    assert model.record is None
    assert ("not a training record" if content else "the file is empty") in model.warning


def shipped_at(path: Path) -> ModelFile:
    return parse_model(path, MODEL_PATH.read_bytes())


def shipped_record() -> Record:
    record = read_model(MODEL_PATH).record
    assert record is not None
    return record


def test_a_model_and_its_record_are_written_together(tmp_path: Path):
    write_model(shipped_at(tmp_path / "model.keras"), shipped_record())

    assert read_model(tmp_path / "model.keras").record == shipped_record()


@pytest.mark.parametrize("name", ["model.keras", "model.json"])
def test_a_file_of_another_kind_is_never_replaced(name: str, tmp_path: Path):
    (tmp_path / name).write_text('{"name": "a diary"}')

    with pytest.raises(OutputError, match=name):
        write_model(shipped_at(tmp_path / "model.keras"), shipped_record())
    assert [path.read_text() for path in tmp_path.iterdir()] == ['{"name": "a diary"}']


@pytest.mark.parametrize("size", [0, 50_000])
def test_a_model_that_a_crash_cut_short_may_be_replaced(size: int, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(MODEL_PATH.read_bytes()[:size])

    write_model(shipped_at(tmp_path / "model.keras"), shipped_record())

    assert (tmp_path / "model.keras").read_bytes() == MODEL_PATH.read_bytes()


def test_a_missing_folder_is_an_error_of_the_output(tmp_path: Path):
    with pytest.raises(OutputError, match="gone"):
        write_model(shipped_at(tmp_path / "gone" / "model.keras"), shipped_record())
