"""Ctrl-C and SIGTERM: the first signal requests a stop where nothing is lost, a second one ends the process at once."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h"


class Interrupted(KeyboardInterrupt):
    """A signal stopped the work. `exit_code`: 130 for Ctrl-C, 143 for SIGTERM, as in the shell.

    `hint` tells the user what was saved and how to go on; it has no final period.
    """

    def __init__(self, number: int, hint: str) -> None:
        super().__init__()
        self.exit_code = 128 + number
        self.hint = hint


class StopRequest:
    """A request to stop, which a signal makes inside `on_signals`. It raises `Interrupted` there, unless deferred."""

    def __init__(self) -> None:
        self._signal = 0
        self._deferred = False

    @property
    def requested(self) -> bool:
        """Whether a signal has arrived."""
        return bool(self._signal)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside the block, where an exception would lose work, a signal raises nothing: poll `requested`."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def interruption(self, hint: str = "") -> Interrupted:
        """The exception to raise for the signal that arrived."""
        return Interrupted(self._signal, hint)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Inside the block, signals request a stop. Signals that the process ignores stay ignored."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            _exit_at_once(number)
        self._signal = number
        if not self._deferred:
            raise self.interruption()


def _exit_at_once(number: int) -> NoReturn:
    """End the process without any clean-up, except that the cursor, which a live display hides, is shown again."""
    with suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():
            os.write(2, _SHOW_CURSOR + b"\n")
    os._exit(128 + number)
