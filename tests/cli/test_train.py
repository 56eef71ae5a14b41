"""The command that trains: what it prints, what it leaves, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from processes import Done, Run, has_control_characters, is_one_line


def test_off_a_terminal_there_is_a_plain_line_per_epoch(small_training: tuple[Done, Path]):
    done, model = small_training
    epochs = [line for line in done.stderr.splitlines() if line.startswith("epoch ")]
    charts, last = done.stdout.splitlines()[:-4], done.stdout.splitlines()[-4:]

    assert [line.split(":")[0] for line in epochs] == ["epoch 1/2", "epoch 2/2"]
    assert all("val. accuracy" in line and line.endswith(" s") for line in epochs)
    assert not has_control_characters(done.stdout + done.stderr)
    assert [line.split()[0] for line in last] == ["Test", "Trained", "Saved", "Next"]
    assert charts[0].startswith("loss, logarithmic ") and "o training   x validation" in done.stdout
    assert max(map(len, charts)) <= 80
    assert sorted(path.name for path in model.parent.iterdir()) == ["cnn.json", "cnn.keras"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quiet")


@pytest.fixture(scope="module")
def quiet_training(run: Run, small_npz: Path, folder: Path) -> Done:
    options = ("--quiet", "--json", "--tensorboard", "board", "-o", "a b.keras")
    done = run("train", "--epochs", "1", "--data", small_npz, *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done


def test_tensorflow_says_nothing(quiet_training: Done):
    assert quiet_training.stderr == ""


def test_the_json_is_the_record(quiet_training: Done, folder: Path):
    assert json.loads(quiet_training.stdout) == json.loads((folder / "a b.json").read_text())
    assert json.loads(quiet_training.stdout)["command"].endswith("-o 'a b.keras'")


def test_figures_are_written_for_tensorboard(quiet_training: Done, folder: Path):
    parts = sorted(path.parent.name for path in folder.glob("board/*/events.out.tfevents.*"))

    assert parts == ["train", "validation"]


@pytest.mark.parametrize(
    ("data", "output", "message"),
    [
        ("missing.npz", "m.keras", "missing.npz: no such file"),
        (".", "m.keras", "no data set in this folder"),
        ("text.npz", "m.keras", "not a data set"),
        ("nan.npz", "m.keras", "finite"),
        ("small.npz", "folder.keras", "not a regular file"),
        ("small.npz", "text.npz/m.keras", "can't be written"),
        ("small.npz", "package.keras", "package.json"),
        ("small.npz", "loop.keras", "circle"),
        ("small.npz", f"{'n' * 300}.keras", "too long"),
        (f"{'n' * 300}.npz", "m.keras", "too long"),
    ],
)
def test_what_can_not_be_trained_is_said_in_one_line(
    data: str, output: str, message: str, run: Run, small_npz: Path, tmp_path: Path
):
    (tmp_path / "text.npz").write_text("text")
    (tmp_path / "package.json").write_text('{"name": "something else"}')
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "small.npz").write_bytes(small_npz.read_bytes())
    (tmp_path / "loop.keras").symlink_to("loop.keras")
    with np.load(small_npz) as arrays:
        np.savez(tmp_path / "nan.npz", **dict(arrays) | {"x_test": arrays["x_test"] * np.float32("nan")})
    before = sorted(tmp_path.rglob("*"))

    done = run("train", "--data", data, "--output", output, cwd=tmp_path)

    assert done.returncode == 1
    assert is_one_line(done.stderr) and message in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_is_repeated_from_its_record_and_compared(run: Run, small_npz: Path, small_model: Path, tmp_path: Path):
    record = small_model.with_suffix(".json")
    done = run("train", "--data", small_npz, "--from-record", record, cwd=tmp_path)
    other = run("train", "--from-record", record, "--data", small_npz, "--json", "--seed", "1", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "the model is identical to the recorded one" in done.stdout
    assert (tmp_path / "models" / "cnn-again.keras").read_bytes() == small_model.read_bytes()
    assert (other.returncode, other.stdout) == (2, "")
    assert "--seed is 0 in the record, not 1" in other.stderr


def test_what_is_no_record_is_not_repeated(run: Run, small_npz: Path):
    done = run("train", "--from-record", small_npz)

    assert done.returncode == 1
    assert is_one_line(done.stderr) and "not a training record" in done.stderr
