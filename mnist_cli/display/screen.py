"""The two streams of the terminal: results go to stdout, in the format asked for, everything else to stderr."""

import csv
import io
import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Literal, TextIO, TypeVar

from rich.console import Console, RenderableType
from rich.text import Text

from mnist_cli.errors import MnistCliError, OutputError

# Lines that go to a file or a pipe are never wrapped or cut.
UNLIMITED_WIDTH = 1_000_000
USUAL_WIDTH = 80
# Narrower, the bar of a run has no room for its figures.
_LEAST_LIVE_WIDTH = 76
# From this many items on, a bar is worth its line.
_MANY_ITEMS = 10

Item = TypeVar("Item")


Format = Literal["text", "json", "csv"]


class View(ABC):
    """A result of a command, in the formats that the command offers."""

    @abstractmethod
    def as_text(self, screen: "Screen") -> None:
        """Print it for people."""

    @abstractmethod
    def as_json(self) -> dict[str, Any]: ...

    def as_csv(self) -> Iterable[Any]:
        """The values of one line."""
        raise NotImplementedError


class Screen:
    """Where a command prints, in one format. `quiet` leaves out notes and progress, never results or errors."""

    def __init__(self, quiet: bool = False, format: Format = "text") -> None:
        self.quiet, self.format = quiet, format
        self.has_shown_error = False
        self._pending: list[str] = []
        self.out = _console(sys.stdout, stderr=False)
        self.err = _console(sys.stderr, stderr=True)

    @property
    def live(self) -> bool:
        """Whether progress can be drawn and redrawn on stderr."""
        return not self.quiet and _is_terminal(sys.stderr) and self.err.width >= _LEAST_LIVE_WIDTH

    def show(self, view: View) -> None:
        """Print a result in the format of this screen; raises like `result`."""
        match self.format:
            case "json":
                self.json(view.as_json())
            case "csv":
                self.line(_csv_line(view.as_csv()))
            case _:
                view.as_text(self)

    def header(self, columns: Iterable[str]) -> None:
        """Print the names of the columns where the format has them."""
        if self.format == "csv":
            self.line(_csv_line(columns))

    def result(self, *parts: RenderableType) -> None:
        """Print results to stdout. Raises `OutputError`, and `ReaderGone`."""
        self._show_pending()
        with _writing_to_stdout():
            for part in parts:
                self.out.print(part)

    def json(self, value: Any) -> None:
        """One JSON document on one line; raises like `result`."""
        self.line(json.dumps(_unicode(value), allow_nan=False))

    def line(self, text: str) -> None:
        """A line for programs, past Rich and whatever the terminal is like; raises like `result`."""
        self._show_pending()
        with _writing_to_stdout():
            print(text)

    def note(self, message: str | RenderableType) -> None:
        if not self.quiet:
            self._tell(Text(clean(message), "dim") if isinstance(message, str) else message)

    def note_with_result(self, message: str) -> None:
        """A note to print just before the first result; it is dropped if there is none."""
        self._pending.append(message)

    def _show_pending(self) -> None:
        while self._pending:
            self.note(self._pending.pop(0))

    def warning(self, message: str) -> None:
        self._tell(Text.assemble(("warning: ", "yellow"), clean(message)))

    def error(self, error: MnistCliError) -> None:
        """One line with what failed and what to do about it."""
        self.has_shown_error = True
        hint = f". {clean(error.hint)}" if error.hint else ""
        self._tell(Text.assemble(("error: ", "bold red"), clean(error.message), hint))

    def _tell(self, message: RenderableType) -> None:
        with suppress(OSError):  # a stderr that takes nothing is no reason to give no result
            self.err.print(message)


def clean(text: object) -> str:
    r"""Text from outside made safe to show: control, bidi and other unprintable characters become escapes like \x1b."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def _csv_line(values: Iterable[Any]) -> str:
    """The values as one line of CSV without its end; control characters are escaped."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(clean(value) if isinstance(value, str) else value for value in values)
    return line.getvalue()


def _unicode(value: Any) -> Any:
    r"""The same, with escapes like \xe9 for the bytes of a file name that are not UTF-8, which JSON can't hold."""
    if isinstance(value, dict):
        return {_unicode(key): _unicode(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_unicode, value))
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return value


def tracked(screen: Screen, items: Iterable[Item], total: int, label: str, prints_each: bool = False) -> Iterator[Item]:
    """The same items, with a bar on a terminal if there are many.

    `prints_each`: there is a result for each item, so that a bar is of use only where results go elsewhere.
    """
    if total < _MANY_ITEMS or not screen.live or (prints_each and screen.out.is_terminal):
        yield from items
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(label), BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen.err, transient=True) as progress:
        yield from progress.track(items, total=total)


class ReaderGone(Exception):
    """Whoever read our output has had enough."""


@contextmanager
def _writing_to_stdout() -> Iterator[None]:
    """Have all that is printed inside arrive, or say that it can't."""
    if sys.stdout is None:
        raise OutputError("the result could not be written: stdout is closed")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError as reason:
        _discard(sys.stdout)
        raise ReaderGone from reason
    except OSError as reason:
        _discard(sys.stdout)
        raise OutputError(f"the result could not be written: {reason.strerror}") from reason


def _discard(stream: IO[str]) -> None:
    """Discard what is still buffered for a standard stream that nobody reads any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Console(Console):
    """Rich's console ends the process when its reader is gone; here that is for others to decide."""

    def on_broken_pipe(self) -> None:
        if not self.stderr:
            raise  # the BrokenPipeError in whose handler Rich calls this
        _discard(self.file)  # nobody follows the progress any more: that is no reason to stop the work


def _console(stream: TextIO, stderr: bool) -> Console:
    """A console for the stream with its present width and colours, which may have changed since the import."""
    if stream is not None and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")  # file names need not be valid text, nor the locale UTF-8
    terminal = _is_terminal(stream)
    console = _Console(
        stderr=stderr,
        width=None if terminal else UNLIMITED_WIDTH,
        force_terminal=terminal or _colour_is_forced(),
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    if console.width < 1:  # COLUMNS=0, which some programs leave behind
        console.width = USUAL_WIDTH
    return console


def _colour_is_forced() -> bool:
    return os.environ.get("FORCE_COLOR", "0") not in ("", "0") and not os.environ.get("NO_COLOR")


def _is_terminal(stream: TextIO | None) -> bool:
    """A terminal with a cursor that can be moved, as in a notebook's cell it can't. FORCE_COLOR makes no terminal."""
    if stream is None or "JPY_PARENT_PID" in os.environ or os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    try:
        return stream.isatty()
    except ValueError:  # the stream is closed
        return False
