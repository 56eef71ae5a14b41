"""The entry point: of the command `mnistcli`, and of `python -m mnist_cli`."""

import gc
import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line, and leave without the clearing up that takes TensorFlow most of a second."""
    try:
        _run()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or nobody reads it any more
            stream.flush()
    os._exit(code)


def _run() -> None:
    interrupts = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN  # as a shell has its background jobs do
    if interrupts:
        # Nobody catches an interrupt while Python imports: let it end the process, without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(50_000)  # imported objects stay: looking through them for garbage every 700 objects takes time

    from mnist_cli.cli import app

    if interrupts:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app.main()


if __name__ == "__main__":
    main()
