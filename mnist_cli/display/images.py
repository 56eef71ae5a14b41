"""Images in the terminal: each line of text shows two rows of pixels."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from mnist_cli.arrays import SIDE, Images
from mnist_cli.display.layout import percent, room
from mnist_cli.evaluation.metrics import Mistake

_GAP = 2
_UPPER_HALF = "▀"
# From no ink to full ink: each character is darker than the one before.
_INK = np.array(list(" .:-=+*#%@"))


class Drawings:
    """The first `number` images, each with a caption, as many side by side as fit; None: only one row."""

    def __init__(self, images: Sequence[NDArray[np.uint8]], captions: Sequence[str], number: int | None) -> None:
        self._drawings, self._number = list(zip(images, captions, strict=True)), number

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        per_row = max((room(options) + _GAP) // (SIDE + _GAP), 1)
        drawings = self._drawings[: per_row if self._number is None else self._number]
        for start in range(0, len(drawings), per_row):
            row = drawings[start : start + per_row]
            if start:
                yield ""
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            if room(options) >= SIDE:
                grid.add_row(*(blocks(pixels, has_half_blocks(console)) for pixels, _ in row))
            grid.add_row(*(Text(caption, overflow="fold") for _, caption in row))
            yield grid


class Gallery(Drawings):
    """Pictures of the first `number` mistakes; None: as many as fit side by side."""

    def __init__(self, images: Images, mistakes: Sequence[Mistake], number: int | None) -> None:
        super().__init__([images[mistake.index] for mistake in mistakes], list(map(_caption, mistakes)), number)


def _caption(mistake: Mistake) -> str:
    return f"{mistake.label} read as {mistake.answer}, {percent(mistake.confidence)}\nimage {mistake.index:,}"


def has_half_blocks(console: Console) -> bool:
    """Whether a console can show colours and half blocks."""
    return console.color_system is not None and not console.no_color and not console.options.ascii_only


def blocks(pixels: NDArray[np.uint8], colour: bool) -> Text:
    """An image as text: `pixels` is uint8, shape (height, width), 0 background to 255 ink.

    The text has (height + 1) // 2 lines of `width` characters. With `colour`, a half block shows two pixels, as light
    ink on black in any terminal; without it, an ASCII character shows the mean of two pixels.
    """
    height, width = pixels.shape
    padded = np.zeros((height + height % 2, width), np.uint8)
    padded[:height] = pixels
    line = _coloured_line if colour else _plain_line
    return Text("\n", no_wrap=True).join(map(line, padded[0::2], padded[1::2]))


def _coloured_line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Text:
    line = Text()
    for pair, run in groupby(zip(upper.tolist(), lower.tolist(), strict=True)):
        line.append(_UPPER_HALF * len(list(run)), _greys(*pair))
    return line


@lru_cache(maxsize=4096)
def _greys(upper: int, lower: int) -> Style:
    return Style(color=Color.from_rgb(upper, upper, upper), bgcolor=Color.from_rgb(lower, lower, lower))


def _plain_line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Text:
    means = (upper.astype(np.int64) + lower) // 2
    return Text("".join(_INK[means * len(_INK) // 256]))
