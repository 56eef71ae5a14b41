"""Ctrl-C and SIGTERM: the first is a request to stop where nothing is lost, the second ends the process at once."""

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
    """A signal ended the work; `exit_code` is the shell's for it: 130 for Ctrl-C, 143 for SIGTERM.

    `hint` tells the user what was kept and how to go on.
    """

    def __init__(self, number: int, hint: str) -> None:
        super().__init__()
        self.exit_code = 128 + number
        self.hint = hint


class StopRequest:
    """Whether the work was asked to stop. It is, by a signal inside `on_signals`."""

    def __init__(self) -> None:
        self._signal = 0
        self._deferred = False

    @property
    def requested(self) -> bool:
        """Whether a signal came."""
        return bool(self._signal)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside the block, where work would be lost, a request waits until it is asked about."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def interruption(self, hint: str = "") -> Interrupted:
        """What to raise for the request that came."""
        return Interrupted(self._signal, hint)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Inside the block, signals are requests. Those that the process was told to ignore stay so."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._hear)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            _leave(number)
        self._signal = number
        if not self._deferred:
            raise self.interruption()


def _leave(number: int) -> NoReturn:
    """End the process where it stands, but for the cursor, which a live display hides."""
    with suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():
            os.write(2, _SHOW_CURSOR + b"\n")
    os._exit(128 + number)
