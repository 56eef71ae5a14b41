"""Run commands from a small process, and measure them: the peak memory of a child begins with that of its parent."""

import json
import os
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from threading import Timer

_HANGS = 60  # seconds


@dataclass(frozen=True)
class Outcome:
    """`code`: the exit code, or, negative, the signal that ended it; `memory`: bytes, of the largest process."""

    code: int
    out: str
    err: str
    seconds: float
    memory: int


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
