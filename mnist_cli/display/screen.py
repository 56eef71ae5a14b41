"""Output to the terminal: results go to stdout in the requested format, everything else to stderr."""

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

from mnist_cli.display.terminal import is_terminal
from mnist_cli.errors import MnistCliError, OutputError

UNLIMITED_WIDTH = 1_000_000
"""The width of files and pipes, whose lines are never wrapped or truncated."""
USUAL_WIDTH = 80
_MIN_LIVE_WIDTH = 76  # of a terminal with room for the progress bar of a run and its figures
_MIN_TRACKED_ITEMS = 10  # fewer are done too soon for a progress bar

Item = TypeVar("Item")

Format = Literal["text", "json", "csv"]


class View(ABC):
    """A result of a command, in the formats that the command offers."""

    @abstractmethod
    def as_text(self, screen: "Screen") -> None:
        """Print it for people."""

    @abstractmethod
    def as_json(self) -> dict[str, Any]:
        """The JSON object."""

    def as_csv(self) -> Iterable[Any]:
        """The values of one line of CSV, for commands that offer it."""
        raise NotImplementedError


class Screen:
    """Prints everything that a command prints. `quiet` omits notes and progress, not results, warnings and errors."""

    def __init__(self, quiet: bool = False, format: Format = "text") -> None:
        self.quiet, self.format = quiet, format
        self.has_shown_error = False
        self._pending: list[str] = []
        self.out = _console(sys.stdout, stderr=False)
        self.err = _console(sys.stderr, stderr=True)

    @property
    def live(self) -> bool:
        """Whether progress can be drawn and redrawn on stderr."""
        return not self.quiet and is_terminal(sys.stderr) and self.err.width >= _MIN_LIVE_WIDTH

    def show(self, view: View) -> None:
        """Print a result in the format of this screen. Raises as `result` does."""
        match self.format:
            case "json":
                self._line(json.dumps(_unicode(view.as_json()), allow_nan=False))
            case "csv":
                self._line(_csv_line(view.as_csv()))
            case _:
                view.as_text(self)

    def header(self, columns: Iterable[str]) -> None:
        """Print the names of the columns if the format is CSV. Raises as `result` does."""
        if self.format == "csv":
            self._line(_csv_line(columns))

    def result(self, *parts: RenderableType) -> None:
        """Print parts of a result to stdout. Raises `OutputError` and `ReaderGone`."""
        self._show_pending()
        with _writing_to_stdout():
            for part in parts:
                self.out.print(part)

    def _line(self, text: str) -> None:
        """Print a line for programs to stdout, without Rich."""
        self._show_pending()
        with _writing_to_stdout():
            print(text)

    def note(self, message: str | RenderableType) -> None:
        """Print a note to stderr, unless the screen is quiet."""
        if not self.quiet:
            self._print_to_stderr(Text(clean(message), "dim") if isinstance(message, str) else message)

    def note_with_result(self, message: str) -> None:
        """Print a note just before the first result; if there is none, never."""
        self._pending.append(message)

    def _show_pending(self) -> None:
        while self._pending:
            self.note(self._pending.pop(0))

    def warning(self, message: str) -> None:
        """Print a warning to stderr."""
        self._print_to_stderr(Text.assemble(("warning: ", "yellow"), clean(message)))

    def error(self, error: MnistCliError) -> None:
        """Print an error and its hint to stderr, on one line."""
        self.has_shown_error = True
        hint = f". {clean(error.hint)}" if error.hint else ""
        self._print_to_stderr(Text.assemble(("error: ", "bold red"), clean(error.message), hint))

    def _print_to_stderr(self, message: RenderableType) -> None:
        with suppress(OSError):  # if stderr can't be written, the result still can
            self.err.print(message)


def clean(text: object) -> str:
    r"""Text from outside, safe to print: control, bidi and other unprintable characters become escapes like \x1b."""
    string = str(text)
    if string.isprintable():
        return string
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in string)


def _csv_line(values: Iterable[Any]) -> str:
    """The values as one line of CSV, without the line break; control characters are escaped."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(clean(value) if isinstance(value, str) else value for value in values)
    return line.getvalue()


def _unicode(value: Any) -> Any:
    r"""The value with escapes like \xe9 for bytes of file names that are not UTF-8, which JSON can't represent."""
    if isinstance(value, dict):
        return {_unicode(key): _unicode(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_unicode, value))
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return value


def tracked(screen: Screen, items: Iterable[Item], total: int, label: str, prints_each: bool = False) -> Iterator[Item]:
    """Yield the items, with a progress bar on a terminal if there are many.

    `prints_each`: the caller prints a result for each item, so there is no bar if results go to the terminal too.
    """
    if total < _MIN_TRACKED_ITEMS or not screen.live or (prints_each and screen.out.is_terminal):
        yield from items
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(label), BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen.err, transient=True) as progress:
        yield from progress.track(items, total=total)


class ReaderGone(Exception):
    """The program that reads stdout has closed it, as `head` does."""


@contextmanager
def _writing_to_stdout() -> Iterator[None]:
    """Flush what the block prints to stdout. Raises `ReaderGone`, or `OutputError` if it can't be written."""
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
    """Send what is still buffered for a standard stream without a reader to the null device."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Console(Console):
    """A console that does not end the process when its reader is gone, as Rich's own does."""

    def on_broken_pipe(self) -> None:
        if not self.stderr:
            raise  # the BrokenPipeError in whose handler Rich calls this
        _discard(self.file)  # the work goes on without a reader of its progress


def _console(stream: TextIO, stderr: bool) -> Console:
    """A console for stdout or stderr. It is made anew for each screen, as width and colours may have changed."""
    if stream is not None and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")  # for names that are not valid text, and other locales
    terminal = is_terminal(stream)
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
