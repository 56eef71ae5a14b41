"""From picture files to images like those that the network was trained on, with the steps in words.

A file is decoded (`decoding`), its ink is separated from the paper (`ink`) and split into glyphs (`glyphs`, from
`pieces`), and each glyph is made like a digit of MNIST (`fitting`).
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mnist_cli.arrays import SIDE, Images
from mnist_cli.errors import PictureError, first_line
from mnist_cli.pictures.decoding import LARGEST_SCAN, Picture, decode
from mnist_cli.pictures.fitting import fitted, is_mnist_like
from mnist_cli.pictures.glyphs import Glyph, find_glyphs
from mnist_cli.pictures.ink import Colours, Grey, Ink, at_most, brightness, find_inks
from mnist_cli.pictures.paths import STANDARD_INPUT
from mnist_cli.storage.files import read_file
from mnist_cli.storage.workers import Limits, WorkError, in_order

FILE_LIMIT = 2**28  # bytes
# A picture of 100 megapixels takes about half of this memory.
_LIMITS = Limits(seconds=8, memory=900_000_000)

cv2.setNumThreads(1)  # there is a child process for each processor; more threads would wait for each other

# Glyphs are first searched for in a copy with this longer side, in pixels, which takes a third of the time. The whole
# picture is used only if a glyph in the copy has a longer side below the second number.
_COPY_SIDE, _LARGE_ENOUGH = 140, 50
# Less plausible glyphs than this are not writing. On even paper the palest digits that people can read reach 0.1. In
# photos, shadows and lines reach 0.2, and small thin digits 0.35.
_LEAST_PLAUSIBILITY, _LEAST_IN_PHOTOS = 0.08, 0.25
# A picture with more glyphs than this shows no number.
_MOST_DIGITS = 24


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture as the network takes it.

    `pixels`: uint8, shape (n, 28, 28), 0 background to 255 ink: the digits found, in reading order. `steps`: what was
    done, in order, in a few words each; if no digit was found, the last one says why. `is_first_of_several`: the
    file holds more pictures than this one.
    """

    pixels: Images
    steps: tuple[str, ...]
    is_first_of_several: bool


Preparation = Callable[[Picture], Prepared]
"""`prepare` or `resize`."""


def prepare(picture: Picture) -> Prepared:
    """Find the digits in a picture and make each like MNIST's: centred, light on black, in strokes of the usual width.

    A picture that already looks like an image of MNIST keeps its pixels.
    """
    images, steps = _as_mnist(picture.colours) or _digits(picture.colours)
    return Prepared(images, picture.steps + steps, picture.is_first_of_several)


def resize(picture: Picture) -> Prepared:
    """Only make a picture grey and 28x28: light digits on black are expected."""
    height, width, _ = picture.colours.shape
    grey = cv2.resize(brightness(picture.colours), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    steps = picture.steps
    if (height, width) != (SIDE, SIDE):
        steps += (f"resized from {width}x{height} to {SIDE}x{SIDE}",)
    return Prepared(_as_image(grey), steps, picture.is_first_of_several)


def prepare_all(paths: Sequence[Path], preparation: Preparation = prepare) -> Iterator[Prepared | PictureError]:
    """Yield each picture as `prepare_file` prepares it, or the error, in the order of the paths.

    Child processes do the work, on all processors, so that no file can crash the command or delay it for long.
    """
    contents = (_standard_input() if path == STANDARD_INPUT else None for path in paths)
    outcomes = in_order(partial(_outcome, preparation), zip(paths, contents, strict=True), _LIMITS)
    for path, outcome in zip(paths, outcomes, strict=True):
        yield PictureError(f"{path}: it {outcome}") if isinstance(outcome, WorkError) else outcome


def _standard_input() -> bytes:
    """All of standard input, or one byte more than `FILE_LIMIT` if it is longer."""
    return sys.stdin.buffer.read(FILE_LIMIT + 1) if sys.stdin else b""


def _outcome(preparation: Preparation, task: tuple[Path, bytes | None]) -> Prepared | PictureError:
    """The prepared picture or the error, in a child process."""
    path, content = task
    try:
        return prepare_file(path, content, preparation)
    except PictureError as error:
        return error


def prepare_file(path: Path, content: bytes | None = None, preparation: Preparation = prepare) -> Prepared:
    """Read, decode and prepare the picture at `path`. Raises `PictureError` or `MemoryError`.

    `content`: the content of standard input, which is used instead of the file; None: the file is read.
    """
    content = _read(path) if content is None else _checked_input(content)
    try:
        return preparation(decode(content))
    except MemoryError:
        raise
    except PictureError as error:
        raise PictureError(f"{path}: {error.message}", error.hint) from error
    except Exception as reason:  # a damaged file makes Pillow raise almost any exception
        raise PictureError(f"{path}: damaged picture: {first_line(reason)}") from reason


def _read(path: Path) -> bytes:
    """The content of a picture file. Raises `PictureError`."""
    try:
        return read_file(path, FILE_LIMIT, PictureError)
    except PictureError as error:
        if isinstance(error.__cause__, IsADirectoryError):  # `find_pictures` found none in it
            raise PictureError(f"{path}: no pictures in this folder") from error
        raise


def _checked_input(content: bytes) -> bytes:
    """The content of standard input. Raises `PictureError` if it is empty or too large."""
    if not content:
        raise PictureError("-: nothing came on standard input")
    if len(content) > FILE_LIMIT:
        raise PictureError("-: too much came on standard input")
    return content


def _as_mnist(colours: Colours) -> tuple[Images, tuple[str, ...]] | None:
    """The picture as it is, or inverted, if either looks like an image of MNIST; and the step."""
    if colours.shape[:2] != (SIDE, SIDE):
        return None
    grey = brightness(colours)
    for pixels, step in ((grey, "left as it is"), (255 - grey, "inverted, and otherwise left as it is")):
        if is_mnist_like(pixels):
            return _as_image(pixels), (f"is like MNIST already, {step}",)
    return None


def _as_image(grey: Grey) -> Images:
    """Grey levels of shape (28, 28), rounded: uint8, shape (1, 28, 28)."""
    return np.rint(grey).astype(np.uint8)[np.newaxis]


def _no_digits(reason: str) -> tuple[Images, tuple[str, ...]]:
    return np.empty((0, SIDE, SIDE), np.uint8), (reason,)


def _digits(colours: Colours) -> tuple[Images, tuple[str, ...]]:
    """The digits in a picture, each made like MNIST's: uint8, shape (n, 28, 28); and the steps."""
    copy = at_most(colours, _COPY_SIDE)
    ink, glyphs = _best_ink(copy)
    if copy is not colours and not _are_large_enough(glyphs):
        ink, glyphs = _best_ink(colours)
    if len(glyphs) > _MOST_DIGITS:
        return _no_digits(f"more than {_MOST_DIGITS} digits found, too many for a number")
    if not glyphs:
        return _no_digits("nothing in it looks like digits" if ink.amount.any() else "no ink found")
    polarity = f"ink found {'light on dark' if ink.light_on_dark else 'dark on light'}"
    if len(glyphs) > 1:
        images = np.stack([fitted(glyph.amount)[0] for glyph in glyphs])
        return images, (polarity, f"{len(glyphs)} digits found, each made like MNIST")
    scale = colours.shape[1] / ink.amount.shape[1]
    image, steps = _single_digit(glyphs[0], ink, scale)
    return image, (polarity, *steps)


def _best_ink(colours: Colours) -> tuple[Ink, list[Glyph]]:
    """The ink that contains the most plausible glyph, and all its plausible glyphs."""
    candidates = ((ink, find_glyphs(ink)) for ink in find_inks(colours))
    ink, glyphs = max(candidates, key=lambda candidate: _highest_plausibility(candidate[1]))
    least = _LEAST_PLAUSIBILITY if ink.on_even_paper else _LEAST_IN_PHOTOS
    return ink, [glyph for glyph in glyphs if glyph.plausibility >= least]


def _highest_plausibility(glyphs: Sequence[Glyph]) -> float:
    return max((glyph.plausibility for glyph in glyphs), default=0.0)


def _are_large_enough(glyphs: list[Glyph]) -> bool:
    return bool(glyphs) and min(max(glyph.amount.shape) for glyph in glyphs) >= _LARGE_ENOUGH


def _single_digit(glyph: Glyph, ink: Ink, scale: float) -> tuple[Images, tuple[str, ...]]:
    """The only glyph in a picture, made like MNIST's: uint8, shape (1, 28, 28); and the steps.

    `scale`: the size of the picture divided by that of the ink.
    """
    height, width = glyph.amount.shape
    if (height, width) != ink.amount.shape:
        image, steps = fitted(glyph.amount)
        return image[np.newaxis], (f"cropped to {round(scale * width)}x{round(scale * height)}", *steps)
    is_scan = width == height <= LARGEST_SCAN
    image, steps = fitted(glyph.amount, stretched=is_scan)
    return image[np.newaxis], steps
