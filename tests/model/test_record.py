"""The training record."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_cli.errors import ModelError
from mnist_cli.figures import Epoch, Metrics, best_epoch
from mnist_cli.model.calibration import Calibration
from mnist_cli.model.record import DataUsed, Record, is_record, open_record, read_record, record_content

RECORD = Record(
    command="mnistcli train",
    recipe="notebook",
    settings={"epochs": 2},
    versions={"mnistcli": "1"},
    machine={"processor": "one", "cores": 2},
    data=DataUsed("MNIST", "abc", 9, 1, 5),
    history=(Epoch(1, 0.5, 0.8, 0.4, 0.9, 1.0), Epoch(2, 0.4, 0.9, 0.5, 0.9, 1.0)),
    seconds=2.0,
    test=Metrics(0.3, 0.95),
    calibration=Calibration(1.25, 0.75),
    saved_epoch=2,
    model_sha256="def",
)


@pytest.mark.parametrize("calibration", [RECORD.calibration, Calibration(1, 0), None])
def test_a_record_comes_back_as_it_was_written(calibration: Calibration | None, tmp_path: Path):
    record = replace(RECORD, calibration=calibration)
    (tmp_path / "model.json").write_bytes(record_content(record))

    assert read_record(tmp_path / "model.keras", "def") == (record, "")


def test_a_record_is_plain_json(tmp_path: Path):
    (tmp_path / "model.json").write_bytes(record_content(RECORD))
    values = json.loads((tmp_path / "model.json").read_text())

    assert values["format"] == 3
    assert values["best_epoch"] == 1
    assert values["history"][1]["val_loss"] == 0.5
    assert values["calibration"] == {"temperature": 1.25, "threshold": 0.75}


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": "long"},
        {"seconds": True},
        {"command": 1},
        {"settings": {"epochs": None}},
        {"history": [{"epoch": 1}]},
        {"history": 3},
        {"test": {"loss": None, "accuracy": 1.0}},
        {"test": {"loss": float("nan"), "accuracy": 1.0}},
        {"machine": None},
        {"calibration": 1.0},
        {"calibration": []},
        {"calibration": {"temperature": 1.0}},
        {"calibration": {"temperature": 1.0, "threshold": None}},
        {"calibration": {"temperature": 1.0, "threshold": 0.5, "more": 1}},
        {"calibration": {"temperature": "warm", "threshold": 0.5}},
        {"calibration": {"temperature": True, "threshold": 0.5}},
        {"calibration": {"temperature": 0.0, "threshold": 0.5}},
        {"calibration": {"temperature": -1.0, "threshold": 0.5}},
        {"calibration": {"temperature": float("inf"), "threshold": 0.5}},
        {"calibration": {"temperature": 10**400, "threshold": 0.5}},
        {"calibration": {"temperature": 1.0, "threshold": -0.1}},
        {"calibration": {"temperature": 1.0, "threshold": 1.1}},
        {"calibration": {"temperature": 1.0, "threshold": float("nan")}},
        {"more": 1},
    ],
)
def test_a_record_with_something_else_in_it_is_ignored(change: dict, tmp_path: Path):
    (tmp_path / "model.json").write_text(json.dumps(RECORD.as_json() | change))

    assert read_record(tmp_path / "model.keras", "def") == (
        None,
        f"{tmp_path / 'model.json'} is not a training record; ignored",
    )


def test_a_record_without_a_calibration_is_none(tmp_path: Path):
    values = RECORD.as_json()
    del values["calibration"]
    (tmp_path / "model.json").write_text(json.dumps(values))

    assert "not a training record" in read_record(tmp_path / "model.keras", "def")[1]
    with pytest.raises(ModelError, match="not a training record"):
        open_record(tmp_path / "model.json")


@pytest.mark.parametrize("another", [1, 2, 4])
def test_a_record_of_another_version_is_ignored_and_may_be_replaced(another: int, tmp_path: Path):
    (tmp_path / "model.json").write_text(json.dumps(RECORD.as_json() | {"format": another}))

    assert "another version" in read_record(tmp_path / "model.keras", "def")[1]
    assert is_record(tmp_path / "model.json")


def test_no_record_is_no_reason_for_a_note(tmp_path: Path):
    assert read_record(tmp_path / "model.keras", "def") == (None, "")


@pytest.mark.parametrize(("losses", "best"), [([0.3, 0.1, 0.2], 2), ([0.1, 0.1], 1), ([None, None], None), ([], None)])
def test_the_best_epoch_has_the_lowest_validation_loss(losses: list, best: int | None):
    assert best_epoch([Epoch(number, 1, 1, loss, 1, 1) for number, loss in enumerate(losses, 1)]) == best
