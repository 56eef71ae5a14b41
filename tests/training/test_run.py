"""Training on real digits: it learns, it repeats itself to the byte, and it tells what it does."""

import json
from contextlib import closing
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import small_arrays, trained

from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import MNIST_SHA256, Dataset, open_dataset
from mnist_cli.errors import MnistCliError, OutputError, TrainingError
from mnist_cli.evaluation.calibration import calibrate
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.model.engine import open_engine
from mnist_cli.model.file import read_model
from mnist_cli.model.images import PLAIN
from mnist_cli.model.network import IMAGE_SHAPE
from mnist_cli.training.events import EpochDone, Planned, Started, Stepped, Trained
from mnist_cli.training.run import train
from mnist_cli.training.start import TrainingRequest

QUICK = {"epochs": 2, "batch_size": 100}


def test_two_epochs_on_a_few_digits_learn_something(small_model: Path):
    record = read_model(small_model).record

    assert record is not None
    assert 0.6 <= record.test.accuracy < 0.95


@pytest.mark.slow
def test_one_epoch_on_all_of_mnist_learns_to_read(tmp_path: Path):
    record = trained(TrainingRequest({"epochs": 1}, tmp_path / "model.keras"))

    assert 0.970 <= record.test.accuracy < 0.999
    assert record.data.sha256 == MNIST_SHA256
    assert (record.data.training, record.data.validation, record.data.test) == (54_000, 6_000, 10_000)
    assert record.history[0].val_accuracy == pytest.approx(record.test.accuracy, abs=0.01)


def test_the_same_seed_gives_the_same_bytes_in_another_process(small_npz: Path, small_model: Path, tmp_path: Path):
    trained(TrainingRequest({"epochs": 2}, tmp_path / "again.keras", small_npz))
    trained(TrainingRequest({"epochs": 2, "seed": 1}, tmp_path / "b.keras", small_npz))

    assert (tmp_path / "again.keras").read_bytes() == small_model.read_bytes()
    assert (tmp_path / "b.keras").read_bytes() != small_model.read_bytes()
    again, once = (json.loads(path.read_text()) for path in (tmp_path / "again.json", small_model.with_suffix(".json")))
    assert again["test"] == once["test"]
    assert again["calibration"] == once["calibration"]
    assert [epoch["val_loss"] for epoch in again["history"]] == [epoch["val_loss"] for epoch in once["history"]]


def test_the_record_tells_the_truth_about_the_model(small_model: Path, small_npz: Path):
    model = read_model(small_model)
    test = open_dataset(small_npz).test
    metrics = Evaluation(test.labels, open_engine(model).probabilities(test.images)).metrics

    assert model.warning == ""
    assert model.record is not None
    assert model.record.test.accuracy == metrics.accuracy
    assert model.record.test.loss == pytest.approx(metrics.loss, abs=1e-6)
    assert len(model.record.history) == model.record.settings["epochs"] == 2
    assert model.record.settings["dropout"] == 0.5
    assert set(model.record.versions) == {"mnistcli", "python", "tensorflow", "keras", "numpy"}


def test_the_calibration_comes_from_the_validation_images_and_the_saved_weights(small_model: Path, small_npz: Path):
    model = read_model(small_model)
    assert model.record is not None
    validation = open_dataset(small_npz).train[model.record.data.training :]
    expected = calibrate(validation.labels, open_engine(model).probabilities(validation.images))

    assert len(validation) == model.record.data.validation == 200
    assert model.record.calibration is not None
    assert vars(model.record.calibration) == pytest.approx(vars(expected), abs=1e-3)


def test_keras_opens_and_judges_the_model_as_it_is(small_model: Path, small_npz: Path):
    test = open_dataset(small_npz).test
    model = keras.saving.load_model(small_model)
    loss, accuracy = model.evaluate(
        PLAIN.prepare(test.images, IMAGE_SHAPE), keras.utils.to_categorical(test.labels, 10), verbose=0
    )
    record = read_model(small_model).record

    assert record is not None
    assert (loss, accuracy) == pytest.approx((record.test.loss, record.test.accuracy), abs=1e-6)


def test_everything_is_told_in_order(small_npz: Path, tmp_path: Path):
    events = list(train(TrainingRequest(QUICK, tmp_path / "model.keras", small_npz)))
    planned, started, *middle, last = events

    assert isinstance(planned, Planned) and isinstance(started, Started) and isinstance(last, Trained)
    assert (planned.run.training_size, planned.run.validation_size, planned.run.steps) == (1800, 200, 18)
    assert [(e.epoch, e.step) if isinstance(e, Stepped) else "done" for e in middle] == [
        *((1, 16), (1, 18), "done"),
        *((2, 16), (2, 18), "done"),
    ]
    assert tuple(event.epoch for event in middle if isinstance(event, EpochDone)) == last.record.history
    assert (started.device, started.precision) == (
        last.record.machine["device"],
        last.record.settings["precision"],
    )


def test_without_validation_there_are_no_validation_metrics(small_npz: Path, tmp_path: Path):
    chosen = {"epochs": 1, "validation_split": 0.0}
    record = trained(TrainingRequest(chosen, tmp_path / "model.keras", small_npz))

    assert record.history[0].val_loss is None
    assert record.best_epoch is None
    assert record.calibration is None
    assert read_model(tmp_path / "model.keras").record == record


def test_a_loss_that_explodes_at_once_stops_the_run_and_keeps_the_old_model(small_npz: Path, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(MODEL_PATH.read_bytes())

    with pytest.raises(TrainingError, match="loss became"):
        trained(TrainingRequest(QUICK | {"learning_rate": 1e30}, tmp_path / "model.keras", small_npz))
    assert (tmp_path / "model.keras").read_bytes() == MODEL_PATH.read_bytes()


def test_a_run_that_fails_leaves_the_old_model(small_npz: Path, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(MODEL_PATH.read_bytes())

    with closing(train(TrainingRequest(QUICK, tmp_path / "model.keras", small_npz))) as events:
        next(event for event in events if isinstance(event, EpochDone))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.checkpoint", "model.keras"]
    assert (tmp_path / "model.keras").read_bytes() == MODEL_PATH.read_bytes()


@pytest.mark.parametrize("in_the_way", ["a folder", "a folder for the record", "a stranger for the record"])
def test_a_destination_that_will_not_do_is_found_first(in_the_way: str, small_npz: Path, tmp_path: Path):
    if in_the_way == "a folder":
        (tmp_path / "model.keras").mkdir()
    elif in_the_way == "a folder for the record":
        (tmp_path / "model.json").mkdir()
    else:
        (tmp_path / "model.json").write_text('{"name": "package.json"}')

    with pytest.raises(OutputError):
        next(train(TrainingRequest(QUICK, tmp_path / "model.keras", small_npz)))


def test_data_that_will_not_do_is_found_before_anything_is_announced(mnist: Dataset, tmp_path: Path):
    arrays = small_arrays(mnist) | {"x_train": np.full((2000, 28, 28), np.nan, np.float32)}
    np.savez(tmp_path / "bad.npz", **arrays)

    with pytest.raises(MnistCliError, match="finite"):
        next(train(TrainingRequest(QUICK, tmp_path / "model.keras", tmp_path / "bad.npz")))
