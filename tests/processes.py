"""Processes that tests start, and what they print: each in a session of its own, and never longer than its test."""

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fcntl import ioctl
from pathlib import Path
from threading import Timer
from typing import Any

SECONDS = 120
MNISTCLI = Path(sys.executable).with_name("mnistcli")
# What would make a process behave as someone's shell, and not as the tests expect.
_UNWANTED = ("TF_", "KERAS_", "FORCE_", "NO_", "COLUMNS", "LINES")

Process = subprocess.Popen[str]
Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@contextmanager
def started(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, seconds: float = SECONDS, **options: Any
) -> Iterator[Process]:
    """A running process, which is killed with all its children after the block, or when its time is up.

    As its pipes close with it, neither reading from them nor waiting for it takes longer than that. `env` is added to
    the environment of the tests.
    """
    usual = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}
    process = subprocess.Popen(
        list(map(str, command)), env=usual | dict(env or {}), start_new_session=True, **{"text": True} | options
    )
    limit = Timer(seconds, _kill_group, [process.pid])
    limit.start()
    try:
        yield process
    finally:
        limit.cancel()
        _kill_group(process.pid)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def run(command: Sequence[str | Path], *, input: str | None = None, **options: Any) -> Done:
    """Run a command to its end; its exit code and what it printed."""
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(command, **streams | options) as process:
        out, err = process.communicate(input)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def run_python(script: str, *arguments: str | Path, **options: Any) -> Done:
    return run([sys.executable, "-c", script, *arguments], **options)


def run_shell(script: str, *arguments: str | Path, **options: Any) -> Done:
    """Run a line of bash in which `mnistcli` is the program under test; it ends as the first command of a pipe does."""
    path = f"{MNISTCLI.parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-c", f"{script}\nexit ${{PIPESTATUS[0]}}", "bash", *arguments]
    return run(command, env={"PATH": path}, **options)


def run_on_terminal(arguments: Sequence[str | Path], width: int, cwd: Path, **environment: str) -> tuple[int, str]:
    """Run `mnistcli` on a terminal of its own; its exit code and all that the terminal was sent."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    command, streams = [sys.executable, "-m", "mnist_cli", *arguments], {"stdin": theirs, "stdout": theirs}
    environment = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | environment
    with started(command, cwd=cwd, env=environment, stderr=theirs, **streams) as process, open(ours, "rb", 0) as screen:
        os.close(theirs)
        sent = b""
        with suppress(OSError):  # the process has ended, and its terminal with it
            while part := screen.read(65536):
                sent += part
        return process.wait(), sent.decode()


def without_codes(sent: str) -> str:
    """What a terminal was sent, without what moves its cursor or changes its colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sent).replace("\r", "")


def is_one_line(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1


def has_control_characters(text: str) -> bool:
    return any(not (character.isprintable() or character == "\n") for character in text)
