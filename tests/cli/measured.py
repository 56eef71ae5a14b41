"""Commands, run from a small process: the peak memory that the system tells of a child begins with its parent's."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Timer

Command = Sequence[str | Path]
_HANGS = 60  # seconds


@dataclass(frozen=True)
class Outcome:
    """`code`: the exit code, or, negative, the signal that ended it; `memory`: bytes, of the largest process."""

    code: int
    out: str
    err: str
    seconds: float
    memory: int


def run_all(commands: Sequence[Command], cwd: Path, at_once: int = 2) -> list[Outcome]:
    """What becomes of commands of `mnistcli` in a folder, so many of them at once."""
    order = [at_once, [list(map(str, command)) for command in commands]]
    done = subprocess.run([sys.executable, __file__], input=json.dumps(order), cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [Outcome(**fields) for fields in json.loads(done.stdout)]


def _run(arguments: list[str]) -> Outcome:
    command = [sys.executable, "-m", "mnist_cli", *arguments]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = [(os.POSIX_SPAWN_DUP2, file.fileno(), number) for number, file in ((1, out), (2, err))]
        nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        start = time.monotonic()
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=[nothing, *streams])
        limit = Timer(_HANGS, os.kill, (pid, signal.SIGKILL))
        limit.start()
        _, status, usage = os.wait4(pid, 0)
        limit.cancel()
        seconds = time.monotonic() - start
        texts = [file.seek(0) or file.read().decode(errors="backslashreplace") for file in (out, err)]
    return Outcome(os.waitstatus_to_exitcode(status), *texts, seconds, usage.ru_maxrss * 1024)


def main() -> None:
    at_once, commands = json.load(sys.stdin)
    with ThreadPoolExecutor(at_once) as pool:
        json.dump(list(map(asdict, pool.map(_run, commands))), sys.stdout)


if __name__ == "__main__":
    main()
