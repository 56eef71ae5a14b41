"""The worst mistakes as pictures, with what was made of them."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from mnist_cli.arrays import Images
from mnist_cli.display.blocks import blocks
from mnist_cli.display.prediction import percent
from mnist_cli.display.screen import room
from mnist_cli.evaluation.metrics import Mistake

_GAP = 2


class Gallery:
    """The first `number` of the mistakes, or else as many as fit side by side, in half blocks where there is colour."""

    def __init__(self, images: Images, mistakes: tuple[Mistake, ...], number: int | None) -> None:
        self._images, self._mistakes, self._number = images, mistakes, number

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = self._images.shape[2]
        in_row = max((room(options) + _GAP) // (width + _GAP), 1)
        colour = console.color_system is not None and not console.no_color and not options.ascii_only
        shown = self._mistakes[: in_row if self._number is None else self._number]
        for start in range(0, len(shown), in_row):
            row = shown[start : start + in_row]
            if start:
                yield ""
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            if room(options) >= width:
                grid.add_row(*(blocks(self._images[mistake.index], colour) for mistake in row))
            grid.add_row(*(Text(_caption(mistake)) for mistake in row))
            yield grid


def _caption(mistake: Mistake) -> str:
    return f"{mistake.label} read as {mistake.answer}, {percent(mistake.confidence)}\nimage {mistake.index:,}"
