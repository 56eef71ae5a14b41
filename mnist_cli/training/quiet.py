"""What native code writes to stderr on its own account, kept from the user."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def without_native_lines(unwanted: Callable[[bytes], bool]) -> Iterator[None]:
    """Take the unwanted lines out of what native code writes to stderr, and let everything else pass.

    Only the file descriptor sees those lines. Python's `sys.stderr` goes on to the real one directly, so that a
    display can stay alive meanwhile.
    """
    if sys.stderr is None or not _is_descriptor_2(sys.stderr):
        yield
        return
    python_stderr, real = sys.stderr, os.dup(2)
    python_stderr.flush()
    receiver, sender = os.pipe()
    os.dup2(sender, 2)
    os.close(sender)
    pump = threading.Thread(target=_pass_on, args=(receiver, real, unwanted), daemon=True)
    pump.start()
    encoding, errors = python_stderr.encoding, python_stderr.errors
    sys.stderr = open(os.dup(real), "w", buffering=1, encoding=encoding, errors=errors)  # noqa: SIM115
    try:
        yield
    finally:
        sys.stderr.flush()  # and not closed: a logger that was made meanwhile goes on writing to it
        sys.stderr = python_stderr
        os.dup2(real, 2)  # closes the last sender of the pipe, so the pump comes to its end
        pump.join()
        os.close(real)


def _is_descriptor_2(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == 2)
    except (OSError, ValueError, AttributeError):
        return False


def _pass_on(receiver: int, target: int, unwanted: Callable[[bytes], bool]) -> None:
    with os.fdopen(receiver, "rb") as lines:
        for line in lines:
            if not unwanted(line):
                with suppress(OSError):  # nobody is left to read it
                    os.write(target, line)
