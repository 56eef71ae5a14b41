"""How results are laid out: tables, fields, sections, and parts side by side."""

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mnist_cli.display.screen import UNLIMITED_WIDTH, USUAL_WIDTH, clean

_GAP = 4


def room(options: ConsoleOptions) -> int:
    """The columns that a drawing may take: a usual terminal's where lines may be of any length."""
    return USUAL_WIDTH if options.max_width >= UNLIMITED_WIDTH else options.max_width


def table(*columns: str) -> Table:
    """An empty table; a column whose name starts with "<" is aligned left, the others right."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        justify = "left" if column.startswith("<") else "right"
        result.add_column(column.removeprefix("<"), justify=justify, overflow="fold")  # type: ignore[arg-type]
    return result


def fields(rows: dict[str, str], width: int = 0) -> Text:
    """Names with their values, one to a line; the values begin in the column `width`, or right after the names."""
    width = width or max(map(len, rows)) + 2
    lines = (Text.assemble((name.ljust(width), "bold"), clean(value)) for name, value in rows.items())
    return Text("\n").join(lines)


def section(title: str, explanation: str, *parts: RenderableType) -> Group:
    """A part of a result under a title, with a few words on how to read it."""
    heading = Text.assemble((title, "bold"), (f"  {clean(explanation)}" if explanation else "", "dim"))
    return Group(heading, "", *parts)


class Beside:
    """Two parts side by side if there is room for both, else one below the other."""

    def __init__(self, left: RenderableType, right: RenderableType) -> None:
        self._left, self._right = left, right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [Measurement.get(console, options, part).maximum for part in (self._left, self._right)]
        if sum(widths) + _GAP > room(options):
            yield Group(self._left, "", self._right)
            return
        grid = Table.grid(padding=(0, _GAP, 0, 0))
        grid.add_row(self._left, self._right)
        yield grid


def percent(probability: float) -> str:
    """A probability, 0 to 1, with one decimal; one that is not quite 1 never reads as 100 %."""
    if probability > 0.999:
        return ">99.9 %"
    return f"{probability:.1%}".replace("%", " %") if probability >= 0.001 else "<0.1 %"
