"""Filtering what native code writes to stderr past Python."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def without_native_lines(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    """Drop the lines whose start matches `unwanted` from what native code writes to stderr inside the block.

    A temporary file collects everything written to file descriptor 2; the remaining lines are printed at the end.
    Meanwhile `sys.stderr` writes to the real stderr, so that a display can go on.
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
            sys.stderr.flush()  # but not closed: loggers that were made meanwhile keep writing to it
            sys.stderr = python_stderr
            os.dup2(real, 2)
            os.close(real)
            caught.seek(0)
            with suppress(OSError):  # its reader is gone
                os.write(2, b"".join(line for line in caught if not unwanted.match(line)))


def _is_descriptor_2(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == 2)
    except (OSError, ValueError, AttributeError):
        return False
