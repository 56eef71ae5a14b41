"""The command that takes a model elsewhere."""

import json
from pathlib import Path

import pytest
from hostile_models import MODELS
from old_keras import old_files
from processes import Run, is_one_line
from tiers import slow

from mnist_cli.data import MODEL_PATH

OLD = sorted(name for name in old_files() if name.endswith("2.15.0.h5"))


@pytest.mark.parametrize("name", ["cnn.onnx", slow("cnn.tflite")])
def test_the_shipped_model_answers_all_test_images_as_the_engine_does(name: str, run: Run, tmp_path: Path):
    done = run("export", MODEL_PATH, name, "--json", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    values = json.loads(done.stdout)
    assert values["bytes"] == (tmp_path / name).stat().st_size
    assert values["check"]["samples"] == 10_000
    assert values["check"]["answered_differently"] == 0
    assert values["check"]["largest_difference"] < 1e-5


def test_int8_costs_at_most_a_thousandth_of_the_accuracy(run: Run, tmp_path: Path):
    done = run("export", MODEL_PATH, "cnn.tflite", "--quantize", "int8", "--json", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    values = json.loads(done.stdout)
    assert values["check"]["accuracy"] >= values["check"]["engine_accuracy"] - 0.001
    assert values["bytes"] <= 45 * 1024
    assert (values["input"], values["output"]) == ("int8", "int8")


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
@pytest.mark.parametrize("name", [slow(name) for name in OLD])
def test_models_of_strangers_answer_all_test_images_as_the_engine_does(
    name: str, suffix: str, run: Run, tmp_path: Path
):
    (tmp_path / "model.h5").write_bytes(old_files()[name])
    done = run("export", "model.h5", f"model{suffix}", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["check"]["largest_difference"] < 1e-4


@pytest.mark.parametrize(
    ("model", "file", "message"),
    [
        ("missing.keras", "cnn.onnx", "missing.keras: no such file"),
        ("hostile.keras", "cnn.onnx", "hostile.keras: "),
        (MODEL_PATH, "notes.onnx", "notes.onnx: mnistcli never overwrites"),
        (MODEL_PATH, "notes.tflite", "notes.tflite: mnistcli never overwrites"),
        (MODEL_PATH, "folder.onnx", "folder.onnx: exists but is not a regular file"),
        (MODEL_PATH, "notes.onnx/cnn.onnx", "notes.onnx/cnn.onnx: can't be written"),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(model: Path | str, file: str, message: str, run: Run, tmp_path: Path):
    for name in ("notes.onnx", "notes.tflite"):
        (tmp_path / name).write_text("notes")
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "hostile.keras").write_bytes(next(iter(MODELS.values())))
    before = sorted(tmp_path.iterdir())
    done = run("export", model, file, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {message}") and is_one_line(done.stderr)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "notes.onnx").read_text() == "notes"


def test_an_export_is_replaced_by_the_next(run: Run, tmp_path: Path):
    for input in ("float32", "uint8"):
        done = run("export", MODEL_PATH, "cnn.onnx", "--input", input, "--no-check", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")

    assert "28x28x1, uint8, 0 to 255; any number at once" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["cnn.onnx"]


@pytest.mark.parametrize("arguments", [("missing.keras",), (MODEL_PATH, "--data", "missing.npz")])
def test_a_refusal_leaves_no_folders_behind(arguments: tuple[Path | str, ...], run: Run, tmp_path: Path):
    done = run("export", *arguments, "new/deep/cnn.onnx", cwd=tmp_path)

    assert done.returncode == 1 and "missing" in done.stderr
    assert list(tmp_path.iterdir()) == []
