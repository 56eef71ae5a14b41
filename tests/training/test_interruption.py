"""Real processes, real signals, full disks: whatever ends a run, the old model or the new one is there, whole."""

import os
import random
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, TimeoutExpired

import pytest
from processes import Process, Run, is_one_line, run_python, started
from tiers import slow

from mnist_cli.data import MODEL_PATH
from mnist_cli.model.file import read_model
from mnist_cli.model.record import Record, open_record

OLD = MODEL_PATH.read_bytes()
EPOCHS, BATCH = 6, 20  # 90 steps an epoch, in six calls of the graph

Start = Callable[..., Process]


@pytest.fixture
def start(small_npz: Path, tmp_path: Path) -> Iterator[Start]:
    """Start `mnistcli train` in a folder with an old model, as a process of its own."""
    (tmp_path / "m.keras").write_bytes(OLD)

    def start(*options: str, prefix: str = "exec") -> Process:
        command = [sys.executable, "-m", "mnist_cli", "train", "--data", str(small_npz), "-o", "m.keras", *options]
        shell = ["bash", "-c", f"{prefix} {shlex.join(command)}"]
        return stack.enter_context(started(shell, cwd=tmp_path, stdin=DEVNULL, stdout=PIPE, stderr=PIPE))

    with ExitStack() as stack:
        yield start


RUN = ("--epochs", str(EPOCHS), "--batch-size", str(BATCH))


@pytest.fixture(scope="module")
def uninterrupted(run: Run, small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of a run that nothing came between."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    done = run("train", "--data", small_npz, "-o", "m.keras", *RUN, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "m.keras"


def comparable(record: Record) -> Record:
    history = tuple(replace(epoch, seconds=0.0) for epoch in record.history)
    return replace(record, history=history, seconds=0.0, command="")


def assert_as_if_nothing_had_been(folder: Path, uninterrupted: Path) -> None:
    assert (folder / "m.keras").read_bytes() == uninterrupted.read_bytes()
    assert comparable(open_record(folder / "m.json")) == comparable(open_record(uninterrupted.with_suffix(".json")))
    assert sorted(path.name for path in folder.iterdir()) == ["m.json", "m.keras"]


def wait_for(process: Process, beginning: str) -> None:
    assert process.stderr is not None
    while not (line := process.stderr.readline()).startswith(beginning):
        assert line, "the process ended"


def go_on(folder: Path) -> tuple[str, ...]:
    """The options that take up a run where it is."""
    return ("--resume",) if (folder / "m.checkpoint").exists() else RUN


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_run_killed_five_times_ends_as_one_that_never_was(
    seed: int, start: Start, uninterrupted: Path, tmp_path: Path
):
    """The moments are spread over import, epochs and saving, which is the length of a whole run."""
    moments = random.Random(seed)
    begin = time.monotonic()
    length = sum(epoch.seconds for epoch in open_record(uninterrupted.with_suffix(".json")).history) + 5
    kills = 0
    while kills < 5:
        process = start(*go_on(tmp_path))
        try:
            process.communicate(timeout=moments.uniform(0, length))
            assert process.returncode == 0
        except TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
        content = (tmp_path / "m.keras").read_bytes()
        read_model(tmp_path / "m.keras")
        assert content in (OLD, uninterrupted.read_bytes())
        assert time.monotonic() - begin < 240
    while not (tmp_path / "m.json").exists() or (tmp_path / "m.checkpoint").exists():
        assert start(*go_on(tmp_path)).wait() == 0
    # One that was killed when all was saved leaves the file of its lock, which is no obstacle to the next.
    for lock in tmp_path.glob(".mnistcli-*.lock"):
        lock.unlink()

    assert_as_if_nothing_had_been(tmp_path, uninterrupted)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), slow(signal.SIGTERM, 143)])
def test_the_first_signal_keeps_the_run_and_tells_how_to_go_on(
    number: int, code: int, start: Start, run: Run, uninterrupted: Path, tmp_path: Path
):
    process = start(*RUN)
    wait_for(process, "epoch 2/6")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    assert process.returncode == code
    assert out == ""
    note = err.splitlines()[-1]
    assert note.startswith("interrupted; `mnistcli train --resume --data") and "Traceback" not in err
    assert (tmp_path / "m.keras").read_bytes() == OLD
    assert not (tmp_path / "m.json").exists()
    resume = shlex.split(note.split("`")[1])[1:]
    done = run(*resume, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Resumed" in done.stderr and "epoch 1/6" not in done.stderr
    assert_as_if_nothing_had_been(tmp_path, uninterrupted)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), slow(signal.SIGTERM, 143)])
def test_two_signals_at_once_leave_the_old_model(number: int, code: int, start: Start, tmp_path: Path):
    process = start("--epochs", "500", "--batch-size", "1")
    wait_for(process, "Device")
    process.send_signal(number)
    process.send_signal(number)
    _, err = process.communicate(timeout=10)

    assert process.returncode == code
    assert "Traceback" not in err
    assert (tmp_path / "m.keras").read_bytes() == OLD


def test_a_signal_while_tensorflow_loads_ends_it_with_nothing_left_behind(start: Start, tmp_path: Path):
    process = start(*RUN)
    wait_for(process, "loading")
    time.sleep(0.5)
    process.terminate()
    _, err = process.communicate(timeout=10)

    assert process.returncode == 143
    assert err == "interrupted\n"
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


SIGNAL_WHILE_SAVING = """
import os, signal, sys
from mnist_cli.cli import app as cli
from mnist_cli.training import loop as training
write = training.write_model
def write_model(*arguments):
    os.kill(os.getpid(), signal.SIGINT)
    write(*arguments)
training.write_model = write_model
sys.argv = ["mnistcli", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.slow
def test_a_signal_during_the_last_save_lets_it_come_to_its_end(small_npz: Path, small_model: Path, tmp_path: Path):
    options = ("train", "--epochs", "2", "--data", small_npz, "-o", "m.keras")
    done = run_python(SIGNAL_WHILE_SAVING, *options, cwd=tmp_path)

    assert done.returncode == 130
    assert "Saved" in done.stdout and done.stderr.endswith("the model is saved\n")
    assert (tmp_path / "m.keras").read_bytes() == small_model.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.json", "m.keras"]


def test_a_full_disk_leaves_the_old_model_and_the_run(start: Start, tmp_path: Path):
    """A limit on the size of files stands for it; the first checkpoint is larger already."""
    process = start(*RUN, prefix="ulimit -f 300; exec")
    _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
    assert "m.checkpoint: could not be written" in err and "too large" in err.lower()
    assert "--resume" not in err
    assert (tmp_path / "m.keras").read_bytes() == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.slow
def test_when_there_is_room_for_the_checkpoint_only_nothing_is_lost(start: Start, uninterrupted: Path, tmp_path: Path):
    room = uninterrupted.stat().st_size // 1024 - 8  # KiB; a checkpoint takes 24 less than the model
    process = start(*RUN, prefix=f"ulimit -f {room}; exec")
    _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "error: m.keras: could not be written" in err and "train --resume" in err
    assert (tmp_path / "m.keras").read_bytes() == OLD
    assert start("--resume").wait() == 0
    assert_as_if_nothing_had_been(tmp_path, uninterrupted)


@pytest.mark.slow
def test_the_second_training_into_one_output_is_refused(start: Start):
    first = start("--epochs", "500")
    wait_for(first, "epoch 1/500")
    second = start("--epochs", "1")
    _, err = second.communicate(timeout=60)

    assert second.returncode == 1
    assert "another training run is writing there. Wait for it" in err
    assert len(err.splitlines()) == 1


def test_a_place_that_can_not_be_written_is_refused_at_once(run: Run, small_npz: Path, tmp_path: Path):
    folder = Path("/proc/self") if os.geteuid() == 0 else tmp_path / "read-only"
    if folder.parent == tmp_path:
        folder.mkdir(mode=0o555)
    done = run("train", "--data", small_npz, "-o", folder / "m.keras")

    assert done.returncode == 1
    assert is_one_line(done.stderr) and "can't be written" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "prefix", ["setsid -w", "nohup", "env -u HOME", "HOME=/proc"], ids=["no terminal", "nohup", "no HOME", "HOME"]
)
def test_it_needs_no_terminal_and_no_home(prefix: str, start: Start, uninterrupted: Path, tmp_path: Path):
    process = start(*RUN, prefix=prefix)
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert_as_if_nothing_had_been(tmp_path, uninterrupted)


@pytest.mark.slow
def test_what_was_told_to_ignore_ctrl_c_ignores_it(start: Start, uninterrupted: Path, tmp_path: Path):
    process = start(*RUN, prefix="trap '' INT; exec")
    wait_for(process, "epoch 1/6")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert_as_if_nothing_had_been(tmp_path, uninterrupted)


@pytest.mark.slow
def test_a_full_stdout_does_not_cost_the_model(start: Start, uninterrupted: Path, tmp_path: Path):
    process = start(*RUN, prefix="exec > /dev/full; exec")
    process.communicate(timeout=60)

    assert process.returncode == 1
    assert_as_if_nothing_had_been(tmp_path, uninterrupted)
