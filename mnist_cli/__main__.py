"""The entry point of the command `mnistcli` and of `python -m mnist_cli`."""

import gc
import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line, and exit without Python's clean-up, which takes TensorFlow most of a second."""
    code = _exit_code()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # the stream is closed, or its reader is gone
            stream.flush()
    os._exit(code)


def _exit_code() -> int:
    """Run the command line; its exit code."""
    try:
        _run()
    except SystemExit as end:
        if isinstance(end.code, int):
            return end.code
        return 1 if end.code else 0
    return 0


def _run() -> None:
    is_interruptible = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN  # shells' background jobs ignore it
    if is_interruptible:
        # Nothing catches an interrupt during the imports: let it end the process without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(50_000)  # imported objects are never garbage; Python's 700 would search them again and again

    from mnist_cli.cli import app

    if is_interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app.main()


if __name__ == "__main__":
    main()
