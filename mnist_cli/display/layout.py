"""The layout of results: tables, fields, sections, and parts side by side."""

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mnist_cli.display.screen import UNLIMITED_WIDTH, USUAL_WIDTH, clean

_GAP = 4


def room(options: ConsoleOptions) -> int:
    """The width of a drawing in columns: that of the output, or of a usual terminal if the output has no limit."""
    return USUAL_WIDTH if options.max_width >= UNLIMITED_WIDTH else options.max_width


def table(*columns: str) -> Table:
    """An empty table; columns are aligned right, or left if their name starts with "<"."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        justify = "left" if column.startswith("<") else "right"
        result.add_column(column.removeprefix("<"), justify=justify, overflow="fold")  # type: ignore[arg-type]
    return result


def fields(rows: dict[str, str], width: int = 0) -> Text:
    """A line for each name and value. The values start at column `width`; 0: two columns after the longest name."""
    width = width or max(map(len, rows)) + 2
    lines = (Text.assemble((name.ljust(width), "bold"), clean(value)) for name, value in rows.items())
    return Text("\n").join(lines)


def section(title: str, explanation: str, *parts: RenderableType) -> Group:
    """Parts of a result below a title, with a short explanation of how to read them."""
    heading = Text.assemble((title, "bold"), (f"  {clean(explanation)}" if explanation else "", "dim"))
    return Group(heading, "", *parts)


class Beside:
    """Two parts side by side if both fit, otherwise one below the other."""

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
    """A probability, 0 to 1, as a percentage with one decimal, but never 0 or 100 %."""
    if probability > 0.999:
        return ">99.9 %"
    if probability < 0.001:
        return "<0.1 %"
    return f"{100 * probability:.1f} %"


def counted_share(share: float) -> str:
    """A share of a count, 0 to 1, as a percentage: unlike a probability, it can be exactly 0 or 100 %."""
    return f"{100 * share:.0f} %" if share in (0, 1) else percent(share)
