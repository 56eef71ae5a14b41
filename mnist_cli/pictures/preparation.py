"""A picture file, made into what the network was trained on, and a plain account of what was done to it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_cli.errors import PictureError, first_line
from mnist_cli.pictures.decoding import FORMATS, LARGEST_SCAN, PIXEL_LIMIT, UndecodedError, decode
from mnist_cli.pictures.fitting import SIDE, fitted, is_mnist_like
from mnist_cli.pictures.glyphs import Glyph, find_glyphs
from mnist_cli.pictures.ink import Colours, Ink, at_most, brightness, find_inks
from mnist_cli.storage.files import read_file
from mnist_cli.storage.workers import Limits, WorkError, in_order

FILE_LIMIT = 2**28
STANDARD_INPUT = Path("-")
# Pictures of 100 megapixels take about half of the memory.
_LIMITS = Limits(seconds=8, memory=900_000_000)

cv2.setNumThreads(1)  # pictures are read on all processors at once: threads for each would wait for each other

# A picture is first looked at with its longer side so long, in a third of the time, and in full size only where glyphs
# turn out to be shorter than the second.
_SMALL, _LARGE = 140, 50
# Glyphs below are no writing. On even paper the palest digits that people can read come to 0.1; in photos shadows and
# lines come to 0.2, small thin digits to 0.35.
_LEAST_PLAUSIBILITY, _LEAST_IN_PHOTOS = 0.08, 0.25
# More glyphs are no number.
_MOST_DIGITS = 24


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture as the network takes it.

    `pixels`: uint8, shape (n, 28, 28), 0 background to 255 ink: the digits that were found, in reading order.
    `steps`: what was done, in order, each a few words; where nothing was found, the last says why.
    """

    pixels: NDArray[np.uint8]
    steps: tuple[str, ...]


def prepare_all(paths: Sequence[Path], raw: bool = False) -> Iterator[Prepared | PictureError]:
    """Each picture as by `prepare`, in their order, or why it can't be read.

    Child processes do it, on all processors, so that no file can take the command down, or much of its time.
    """
    pictures = ((path, _standard_input() if path == STANDARD_INPUT else None) for path in paths)
    outcomes = in_order(partial(_outcome, raw), pictures, _LIMITS)
    for path, outcome in zip(paths, outcomes, strict=True):
        yield PictureError(f"{path}: it {outcome}") if isinstance(outcome, WorkError) else outcome


def _outcome(raw: bool, picture: tuple[Path, bytes | None]) -> Prepared | PictureError:
    path, content = picture
    try:
        return prepare(path, raw, content)
    except PictureError as error:
        return error


def prepare(path: Path, raw: bool = False, content: bytes | None = None) -> Prepared:
    """Read a picture and make its digits like MNIST's. Raises `PictureError`, and `MemoryError`.

    `raw`: the picture is only made grey and 28x28. `content`: the bytes of a picture that is not in a file.
    """
    try:
        colours, steps = decode(_checked(content) if content is not None else read_file(path, FILE_LIMIT, PictureError))
        return _as_it_is(colours, steps) if raw else _prepared(colours, steps)
    except (PictureError, MemoryError):
        raise
    except UndecodedError as reason:
        hint = f"Pictures may be {', '.join(FORMATS)}, of at most {PIXEL_LIMIT // 1_000_000} megapixels."
        raise PictureError(f"{path}: {reason}", hint) from reason
    except Exception as reason:  # a damaged file makes Pillow raise almost anything
        raise PictureError(f"{path}: damaged picture: {first_line(reason)}") from reason


def _standard_input() -> bytes:
    """What comes there, cut where it is too large to be a picture."""
    return sys.stdin.buffer.read(FILE_LIMIT + 1) if sys.stdin else b""


def _checked(content: bytes) -> bytes:
    if not content:
        raise PictureError("-: nothing came on standard input")
    if len(content) > FILE_LIMIT:
        raise PictureError("-: too much came on standard input")
    return content


def _prepared(colours: Colours, steps: tuple[str, ...]) -> Prepared:
    if colours.shape[:2] == (SIDE, SIDE):
        grey = brightness(colours)
        for pixels, step in ((grey, "left as it is"), (255 - grey, "inverted, and otherwise left as it is")):
            if is_mnist_like(pixels):
                return Prepared(np.rint(pixels).astype(np.uint8)[None], (*steps, f"is like MNIST already, {step}"))
    small = at_most(colours, _SMALL)
    ink, glyphs = _look(small)
    if small is not colours and not _large_enough(glyphs):
        ink, glyphs = _look(colours)
    if not glyphs or len(glyphs) > _MOST_DIGITS:
        why = "nothing in it looks like digits" if ink.amount.any() else "no ink found"
        return Prepared(np.empty((0, SIDE, SIDE), np.uint8), (*steps, why))
    steps = (*steps, f"ink found {'light on dark' if ink.light_on_dark else 'dark on light'}")
    return _fitted(glyphs, ink, colours.shape[1] / ink.amount.shape[1], steps)


def _look(colours: Colours) -> tuple[Ink, list[Glyph]]:
    """What is written in a picture, in the ink that shows it best."""
    ink, glyphs = max(
        ((ink, find_glyphs(ink)) for ink in find_inks(colours)),
        key=lambda seen: max((glyph.plausibility for glyph in seen[1]), default=0.0),
    )
    least = _LEAST_PLAUSIBILITY if ink.on_even_paper else _LEAST_IN_PHOTOS
    return ink, [glyph for glyph in glyphs if glyph.plausibility >= least]


def _large_enough(glyphs: list[Glyph]) -> bool:
    return bool(glyphs) and min(max(glyph.amount.shape) for glyph in glyphs) >= _LARGE


def _fitted(glyphs: list[Glyph], ink: Ink, scale: float, steps: tuple[str, ...]) -> Prepared:
    """The glyphs made like MNIST's digits; `scale`: how many times larger the picture is than what they are from."""
    if len(glyphs) > 1:
        pixels = [fitted(glyph.amount)[0] for glyph in glyphs]
        return Prepared(np.stack(pixels), (*steps, f"{len(glyphs)} digits found, each made like MNIST"))
    (glyph,) = glyphs
    height, width = glyph.amount.shape
    is_scan = width == height <= LARGEST_SCAN
    image, fitting = fitted(glyph.amount, stretched=is_scan and (height, width) == ink.amount.shape)
    cropped = (f"cropped to {round(scale * width)}x{round(scale * height)}",)
    return Prepared(image[None], (*steps, *(() if (height, width) == ink.amount.shape else cropped), *fitting))


def _as_it_is(colours: Colours, steps: tuple[str, ...]) -> Prepared:
    grey = cv2.resize(brightness(colours), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    size = f"{colours.shape[1]}x{colours.shape[0]}"
    resized = (f"resized from {size} to {SIDE}x{SIDE}",) if colours.shape[:2] != (SIDE, SIDE) else ()
    return Prepared(np.rint(grey).astype(np.uint8)[None], (*steps, *resized))
