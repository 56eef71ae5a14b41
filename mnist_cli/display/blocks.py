"""Small grey pictures in the terminal: two rows of pixels to a line of text."""

from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style
from rich.text import Text

_UPPER_HALF = "▀"
# From no ink to full ink, each character covers more of its cell than the one before.
_INK = np.array(list(" .:-=+*#%@"))


def blocks(pixels: NDArray[np.uint8], colour: bool) -> Text:
    """A picture as text: `pixels` is uint8, shape (height, width), 0 background to 255 ink.

    The text has (height + 1) // 2 lines of `width` characters each. With colour, ink is white on black whatever the
    terminal's own colours are, a half block showing two pixels; that needs a terminal that can show "▀". Without, each
    character stands for the mean of its two pixels, and everything is ASCII.
    """
    height, width = pixels.shape
    padded = np.zeros((height + height % 2, width), np.uint8)
    padded[:height] = pixels
    draw = _coloured_line if colour else _plain_line
    return Text("\n", no_wrap=True).join(draw(padded[row], padded[row + 1]) for row in range(0, height, 2))


def _coloured_line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Text:
    line = Text()
    for pair, run in groupby(zip(upper.tolist(), lower.tolist(), strict=True)):
        line.append(_UPPER_HALF * len(list(run)), _greys(*pair))
    return line


@lru_cache(maxsize=4096)
def _greys(upper: int, lower: int) -> Style:
    return Style(color=Color.from_rgb(upper, upper, upper), bgcolor=Color.from_rgb(lower, lower, lower))


def _plain_line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Text:
    mean = (upper.astype(np.int64) + lower) // 2
    return Text("".join(_INK[mean * len(_INK) // 256]))
