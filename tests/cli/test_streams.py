"""Streams and exit codes: what goes where, and what a closed, full or forgotten stream does."""

import os
from pathlib import Path

import pytest
from processes import Run, is_one_line, run_python, run_shell
from tiers import slow

from mnist_cli.data import MODEL_PATH


@pytest.mark.parametrize("command", ["predict", slow("summary"), slow("evaluate")])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.keras", "no such file"),
        ("folder.keras", "a folder"),
        ("empty.keras", "empty"),
        ("text.keras", "not a model file"),
        ("truncated.keras", "not a .keras model file, or a damaged one"),
        ("fifo.keras", "not a regular file"),
    ],
)
def test_bad_models_are_refused_in_one_line(
    command: str, name: str, message: str, run: Run, pictures: list[Path], tmp_path: Path
):
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "empty.keras").touch()
    (tmp_path / "text.keras").write_text("text")
    (tmp_path / "truncated.keras").write_bytes(MODEL_PATH.read_bytes()[:-1000])
    os.mkfifo(tmp_path / "fifo.keras")
    arguments = ["--model", name, pictures[0]] if command == "predict" else [name]

    done = run(command, *arguments, cwd=tmp_path)

    assert done.returncode == 1
    assert is_one_line(done.stderr) and message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments", [["evaluate", "--data", "no.npz"], ["predict", "no.png"], ["predict", "--json", "no.png"]]
)
def test_a_failure_without_a_model_given_is_told_in_one_line(arguments: list[str], run: Run):
    done = run(*arguments)

    assert done.returncode == 1
    assert done.stderr.count("error: ") == 1
    assert is_one_line(done.stderr) or "--json" in arguments  # where the note comes with the JSON


def test_the_traceback_of_the_unexpected_comes_with_debug_only():
    script = (
        "import sys, mnist_cli.datasets.dataset, mnist_cli.cli.app\n"
        "def burst(*arguments): raise ZeroDivisionError('inside')\n"
        "mnist_cli.datasets.dataset.open_dataset = burst\n"
        "sys.argv = ['mnistcli', *sys.argv[1:]]\n"
        "mnist_cli.cli.app.main()\n"
    )
    plain, debug = (run_python(script, "evaluate", "-q", *flags) for flags in ([], ["--debug"]))

    assert plain.returncode == debug.returncode == 1
    assert is_one_line(plain.stderr) and "--debug" in plain.stderr
    assert "Traceback" in debug.stderr and "ZeroDivisionError: inside" in debug.stderr


# Encodings and colours


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_terminal_will_do(encoding: str, run: Run, pictures: list[Path]):
    environment = {"PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    summary, predicted = (
        run(*arguments, env=environment, encoding=encoding) for arguments in (["summary"], ["predict", pictures[4]])
    )

    assert summary.returncode == predicted.returncode == 0
    assert "34,826" in summary.stdout
    assert ("é.png" if encoding != "ascii" else r"\xe9.png") in predicted.stdout


def test_forced_colour_colours(run: Run, pictures: list[Path]):
    coloured = run("predict", pictures[0], env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})

    assert "\x1b[" in coloured.stdout
    for off in ({"FORCE_COLOR": "0"}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}):
        assert "\x1b[" not in run("predict", pictures[0], env=off).stdout


@pytest.mark.slow
def test_forced_colour_redraws_nothing(run: Run, small_npz: Path, tmp_path: Path):
    environment = {"FORCE_COLOR": "1", "TERM": "xterm"}
    trained = run("train", "--epochs", "1", "--data", small_npz, cwd=tmp_path, env=environment)

    assert "epoch 1/1" in trained.stderr
    assert not any(code in trained.stderr for code in ("\r", "\x1b[2K", "\x1b[1A", "\x1b[?25l"))


# Readers that leave, streams that are closed or full


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path):
    done = run_shell("mnistcli summary | head -n 1", cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout.startswith("Model")
    assert is_one_line(done.stderr)  # the note about the model in use


@pytest.mark.slow
def test_training_goes_on_when_nobody_follows_it(small_npz: Path, tmp_path: Path):
    command = 'mnistcli train --epochs 1 --data "$1" -o m.keras 2>&1 >/dev/null | head -n 1'
    done = run_shell(command, small_npz, cwd=tmp_path)

    assert done.returncode == 0
    assert (tmp_path / "m.json").is_file()


@pytest.mark.parametrize("arguments", ["summary", "evaluate --json"])
def test_a_closed_stdout_is_an_error_in_one_line(arguments: str, tmp_path: Path):
    done = run_shell(f"mnistcli {arguments} --quiet >&-", cwd=tmp_path)

    assert done.returncode == 1
    assert is_one_line(done.stderr) and "stdout is closed" in done.stderr


@pytest.mark.slow
def test_closed_standard_streams_do_not_spoil_a_model(small_npz: Path, small_model: Path, tmp_path: Path):
    run_shell('mnistcli train --epochs 2 --data "$1" -o m.keras <&- >&- 2>&-', small_npz, cwd=tmp_path)

    assert (tmp_path / "m.keras").read_bytes() == small_model.read_bytes()


def test_notes_that_can_not_be_written_are_no_reason_to_give_no_result(pictures: list[Path]):
    done = run_shell("mnistcli predict 7.png 2> /dev/full", cwd=pictures[0].parent)

    assert (done.returncode, done.stdout[0]) == (0, "7")


@pytest.mark.parametrize("arguments", ["--version", "--help", "predict --quiet 7.png"])
def test_an_output_that_is_full_is_an_error_in_one_line(arguments: str, pictures: list[Path]):
    done = run_shell(f"mnistcli {arguments} > /dev/full", cwd=pictures[0].parent)

    assert done.returncode == 1
    assert is_one_line(done.stderr) and "No space left" in done.stderr
