"""From a request to a file: what is checked before and behind it, and what is never overwritten."""

import os
import signal
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import SMALL_TRAIN, made_up_answers
from small_networks import dense_model

from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.errors import ExportError, OutputError
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.exporting import export as exporting
from mnist_cli.exporting.check import Check, require_agreement
from mnist_cli.exporting.export import ExportRequest, check_export, export, in_child, missing_runtime
from mnist_cli.exporting.onnx_model import onnx_content
from mnist_cli.model.engine import Engine, open_engine
from mnist_cli.model.file import read_model
from mnist_cli.storage.files import read_file


@pytest.fixture(scope="module")
def engine() -> Engine:
    return open_engine(read_model(MODEL_PATH))


@pytest.fixture(scope="module")
def dataset(small_npz: Path) -> Dataset:
    return open_dataset(small_npz)


def request(path: Path, **options) -> ExportRequest:
    return ExportRequest(MODEL_PATH, path, **options)


def test_an_export_is_written_and_compared(engine: Engine, dataset: Dataset, tmp_path: Path):
    result = export(request(tmp_path / "cnn.onnx"), engine, dataset)

    assert result.size == (tmp_path / "cnn.onnx").stat().st_size
    assert result.check is not None
    assert result.check.engine.samples == len(dataset.test)
    assert (result.check.differing, result.check.lost_accuracy) == (0, 0)
    assert 0 < result.check.largest_difference < 1e-5
    assert result.check.milliseconds > 0 and result.check.engine_milliseconds > 0


def test_a_file_that_answers_otherwise_is_not_written(
    engine: Engine, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    other = onnx_content(Engine(dense_model()), False, {})
    monkeypatch.setattr(exporting, "_content", lambda *arguments: other)

    with pytest.raises(ExportError, match="probabilities that differ by up to 0.9"):
        export(request(tmp_path / "cnn.onnx"), engine, dataset)
    assert list(tmp_path.iterdir()) == []
    assert export(request(tmp_path / "cnn.onnx", is_checked=False), engine, dataset).check is None
    assert (tmp_path / "cnn.onnx").read_bytes() == other


def check_of(dataset: Dataset, change: float, wrong: int = 0) -> Check:
    """A check of answers of which one probability is changed, and some answers are wrong."""
    labels = dataset.test_labels
    probabilities = made_up_answers(labels, seed=0)
    changed = probabilities.copy()
    changed[0, 0] += change
    right = np.flatnonzero(changed.argmax(axis=1) == labels)[:wrong]
    changed[right] = 1 - np.eye(10)[labels[right]]
    return Check("runtime", Evaluation(labels, changed), Evaluation(labels, probabilities), 1.0, 1.0)


def test_float32_may_differ_by_its_noise_only(dataset: Dataset):
    require_agreement(check_of(dataset, 0.9e-4), quantized=False)
    with pytest.raises(ExportError, match="differ by up to"):
        require_agreement(check_of(dataset, 1.1e-4), quantized=False)


@pytest.mark.parametrize("quantized", [False, True])
def test_what_is_not_a_number_is_no_answer(quantized: bool, dataset: Dataset):
    with pytest.raises(ExportError, match="not exported"):
        require_agreement(check_of(dataset, np.nan), quantized)


def test_smaller_numbers_may_cost_one_in_a_hundred_answers(dataset: Dataset):
    require_agreement(check_of(dataset, 0.01, wrong=len(dataset.test) // 100 - 1), quantized=True)
    with pytest.raises(ExportError, match="its accuracy would be"):
        require_agreement(check_of(dataset, 0.01, wrong=len(dataset.test) // 100 + 1), quantized=True)


def test_only_exports_are_replaced(engine: Engine, dataset: Dataset, tmp_path: Path):
    ours, theirs = tmp_path / "ours.onnx", tmp_path / "theirs.onnx"
    export(request(ours, is_checked=False), engine, dataset)
    model = onnx.load(ours)
    model.producer_name = "pytorch"
    contents = {theirs: model.SerializeToString(), tmp_path / "theirs.tflite": b"\x1c\0\0\0TFL3 MLIR Converted."}
    contents |= {tmp_path / name: MODEL_PATH.read_bytes() for name in ("model.onnx", "model.tflite")}

    check_export(request(ours))
    for path, content in contents.items():
        path.write_bytes(content)
        with pytest.raises(OutputError, match="never overwrites"):
            check_export(request(path))
        assert path.read_bytes() == content


def test_a_file_that_came_meanwhile_is_not_replaced(engine: Engine, dataset: Dataset, tmp_path: Path):
    (tmp_path / "cnn.onnx").write_text("notes")

    with pytest.raises(OutputError, match="never overwrites"):
        export(request(tmp_path / "cnn.onnx", is_checked=False), engine, dataset)
    assert (tmp_path / "cnn.onnx").read_text() == "notes"


def test_what_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert missing_runtime(request(tmp_path / "cnn.onnx")) == ""
    for module in ("mnist_cli.exporting.export", "mnist_cli.exporting.running"):
        monkeypatch.setattr(f"{module}.find_spec", lambda name: None)

    with pytest.raises(ExportError, match="the package onnx is needed") as refusal:
        check_export(request(tmp_path / "cnn.onnx"))
    assert "pip install" in refusal.value.hint
    check_export(request(tmp_path / "cnn.tflite"))
    assert "ai-edge-litert is not installed" in missing_runtime(request(tmp_path / "cnn.tflite"))
    assert missing_runtime(request(tmp_path / "cnn.tflite", is_checked=False)) == ""


def test_without_its_runtime_a_file_is_written_unchecked(
    engine: Engine, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mnist_cli.exporting.running.find_spec", lambda name: None)

    assert export(request(tmp_path / "cnn.onnx"), engine, dataset).check is None
    assert (tmp_path / "cnn.onnx").exists()


def test_a_child_that_crashes_or_fails_is_an_error():
    with pytest.raises(ExportError, match="cnn can't be: it makes the code .* crash"):
        in_child(lambda: os.kill(os.getpid(), signal.SIGKILL), "cnn can't be")
    with pytest.raises(ExportError, match="cnn can't be: invalid literal"):
        in_child(partial(int, "x"), "cnn can't be")
    with pytest.raises(OutputError, match="no such file"):
        in_child(partial(read_file, Path("none"), 1, OutputError), "cnn can't be")
    assert in_child(partial(sum, [1, 2]), "") == 3


def test_int8_is_fitted_to_images_that_the_model_was_not_trained_on(engine: Engine, mnist: Dataset, dataset: Dataset):
    of_record = exporting._examples(engine.model, mnist)
    without = exporting._examples(dense_model(), dataset)

    np.testing.assert_array_equal(of_record, mnist.train.images[-6000::12])
    np.testing.assert_array_equal(without, dataset.train.images[-SMALL_TRAIN // 10 :])
