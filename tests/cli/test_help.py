"""Help, version, completion, and what is wrong usage."""

import shutil
from pathlib import Path

import processes
import pytest
from PIL import Image
from processes import MNISTCLI, Run, run_on_terminal

from mnist_cli import __version__
from mnist_cli.data import MODEL_PATH

COMMANDS = ("train", "evaluate", "summary", "predict", "export")
LAZY = ("tensorflow", "keras", "scipy", "sklearn")


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_is_there_with_an_example(command: str | None, flag: str, run: Run):
    done = run(*filter(None, (command, flag)))

    assert done.returncode == 0
    assert f"Example: mnistcli {command or 'predict'}" in done.stdout
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_version(run: Run):
    done = run("--version")

    assert (done.returncode, done.stdout) == (0, f"mnistcli {__version__}\n")


def test_the_installed_command_is_the_same_program():
    assert processes.run([MNISTCLI, "--version"]).stdout == f"mnistcli {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--epochs", "0"], "--epochs"),
        (["train", "--epochs", "many"], "--epochs"),
        (["train", "--validation-split", "1.5"], "--validation-split"),
        (["train", "--validation-split", "0.9999999"], "--validation-split"),
        (["train", "--batch-size", "0"], "--batch-size"),
        (["train", "--seed", "-1"], "--seed"),
        (["train", "--output", "model.h5"], ".keras"),
        (["train", "--unknown"], "--unknown"),
        (["evaluate", "--min-accuracy", "99"], "--min-accuracy"),
        (["evaluate", "--min-accuracy", "nan"], "--min-accuracy"),
        (["evaluate", "--mistakes", "-1"], "--mistakes"),
        (["evaluate", "--report", "new/report.pdf"], "--report"),
        (["predict"], "IMAGE"),
        (["predict", "--top", "0", "digit.png"], "--top"),
        (["predict", ""], "must not be empty"),
        (["train", "--data", ""], "--data must not be empty"),
        (["evaluate", "--data="], "--data must not be empty"),
        (["summary", "--data", ""], "--data must not be empty"),
        (["export", "cnn.keras", "cnn.onnx", "--data", ""], "--data must not be empty"),
        (["summary", "one.keras", "two.keras"], "two.keras"),
        (["export", "cnn.keras"], "FILE"),
        (["export", "cnn.keras", "new/cnn.pb"], ".onnx"),
        (["export", "cnn.keras", ".onnx"], "no name with the suffix .onnx"),
        (["export", "cnn.keras", "new/cnn.onnx", "--input", "int8"], "--input"),
        (["export", "cnn.keras", "new/cnn.tflite", "--quantize", "int4"], "--quantize"),
        (["export", "cnn.keras", "new/cnn.onnx", "--quantize", "int8"], "--quantize"),
        (["trian"], "train"),
    ],
)
def test_wrong_usage_ends_with_2_and_leaves_nothing(arguments: list[str], message: str, run: Run, tmp_path: Path):
    done = run(*arguments, cwd=tmp_path)

    assert list(tmp_path.iterdir()) == []

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_completion_completes_commands_options_and_model_files(run: Run, tmp_path: Path):
    (tmp_path / "mine.keras").touch()
    (tmp_path / "mine.txt").touch()
    (tmp_path / "folder").mkdir()

    def complete(line: str) -> list[str]:
        words = line.split(" ")
        environment = {
            "_MNISTCLI_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        return run(cwd=tmp_path, env=environment).stdout.split()

    assert "evaluate" in complete("mnistcli ev")
    assert "--epochs" in complete("mnistcli train --ep")
    assert complete("mnistcli summary m") == ["mine.keras"]
    assert complete("mnistcli predict --model ") == ["folder/", "mine.keras"]


COMPLETION = {"_MNISTCLI_COMPLETE": "complete_bash", "COMP_WORDS": "mnistcli summary d", "COMP_CWORD": "2"}


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--help"], {}),
        (["--version"], {}),
        (["train", "--help"], {}),
        (["summary"], {}),
        (["evaluate"], {}),
        (["predict", "digit.png"], {}),
        (["export", str(MODEL_PATH), "cnn.onnx", "--data", "small.npz"], {}),
        ([], COMPLETION),
    ],
    ids=["help", "version", "help of train", "summary", "evaluate", "predict", "export", "completion"],
)
def test_only_training_loads_tensorflow(
    arguments: list[str], environment: dict[str, str], pictures: list[Path], small_npz: Path, tmp_path: Path
):
    shutil.copy(small_npz, tmp_path)
    Image.open(pictures[0]).save(tmp_path / "digit.png")
    script = (
        "import sys, mnist_cli.cli.app\n"
        f"sys.argv = ['mnistcli', *{arguments!r}]\n"
        "try:\n    mnist_cli.cli.app.main()\n"
        "except SystemExit as end:\n"
        f"    sys.exit(end.code or bool(set({LAZY!r}) & set(sys.modules)))\n"
    )

    done = processes.run_python(script, cwd=tmp_path, env=environment)

    assert done.returncode == 0, done.stderr


def test_help_in_a_notebook_is_plain(tmp_path: Path):
    _, sent = run_on_terminal(["--help"], 80, tmp_path, JPY_PARENT_PID="1")

    assert "predict" in sent and "╭" not in sent and "\x1b" not in sent
