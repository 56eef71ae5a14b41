"""Keeping from the user what native code writes to stderr on its own account."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def without_native_lines(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    """Drop the lines that match a pattern from what native code writes to stderr inside the block.

    A temporary file takes everything that is written to the file descriptor; the other lines follow at the end.
    Python's `sys.stderr` leads to the real one meanwhile, so that a display can go on.
    """
    if not _is_descriptor_2(sys.stderr):
        yield
        return
    python_stderr, real = sys.stderr, os.dup(2)
    python_stderr.flush()
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        encoding, errors = python_stderr.encoding, python_stderr.errors
        sys.stderr = open(os.dup(real), "w", buffering=1, encoding=encoding, errors=errors)  # noqa: SIM115
        try:
            yield
        finally:
            sys.stderr.flush()  # and not closed: loggers that were made meanwhile go on writing to it
            sys.stderr = python_stderr
            os.dup2(real, 2)
            os.close(real)
            caught.seek(0)
            with suppress(OSError):  # nobody is left to read it
                os.write(2, b"".join(line for line in caught if not unwanted.match(line)))


def _is_descriptor_2(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == 2)
    except (OSError, ValueError, AttributeError):
        return False
