"""How the parts of a longer result are set out."""

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mnist_cli.display.screen import clean, room

_GAP = 4


def section(title: str, explanation: str, *parts: RenderableType) -> Group:
    """A part of a result under a title, with a few words about how it is to be read."""
    heading = Text.assemble((title, "bold"), (f"  {clean(explanation)}" if explanation else "", "dim"))
    return Group(heading, "", *parts)


class Beside:
    """Two parts side by side where there is room for both; else one below the other."""

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
