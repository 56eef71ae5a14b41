"""Picture files made into images like those that the network was trained on, with an account of what was done."""

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

FILE_LIMIT = 2**28
# A picture of 100 megapixels takes about half of the memory.
_LIMITS = Limits(seconds=8, memory=900_000_000)

cv2.setNumThreads(1)  # pictures are prepared on all processors at once: more threads would wait for each other

# A picture is first looked at with its longer side this long, which takes a third of the time, and in full size only
# where a glyph turns out to be shorter than the second number.
_SMALL, _LARGE = 140, 50
# Glyphs less plausible than this are not writing. On even paper the palest digits that people can read reach 0.1; in
# photos, shadows and lines reach 0.2, small thin digits 0.35.
_LEAST_PLAUSIBILITY, _LEAST_IN_PHOTOS = 0.08, 0.25
# More glyphs than this are not a number.
_MOST_DIGITS = 24


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture as the network takes it.

    `pixels`: uint8, shape (n, 28, 28), 0 background to 255 ink: the digits found, in reading order. `steps`: what was
    done, in order, in a few words each; where no digit was found, the last one says why. `is_first_of_several`: the
    file holds more pictures than this one.
    """

    pixels: Images
    steps: tuple[str, ...]
    is_first_of_several: bool


Preparation = Callable[[Picture], Prepared]


def prepare(picture: Picture) -> Prepared:
    """Find the digits in a picture and make each like MNIST's: centred, light on black, in strokes of the usual width.

    A picture that looks like an image of MNIST already keeps its pixels.
    """
    images, steps = _as_mnist(picture.colours) or _digits(picture.colours)
    return Prepared(images, picture.steps + steps, picture.is_first_of_several)


def resize(picture: Picture) -> Prepared:
    """Only make a picture grey and 28x28."""
    height, width, _ = picture.colours.shape
    grey = cv2.resize(brightness(picture.colours), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    resized = () if (height, width) == (SIDE, SIDE) else (f"resized from {width}x{height} to {SIDE}x{SIDE}",)
    return Prepared(_one_image(grey), picture.steps + resized, picture.is_first_of_several)


def prepare_all(paths: Sequence[Path], preparation: Preparation = prepare) -> Iterator[Prepared | PictureError]:
    """Each picture as prepared by `prepare_file`, in their order, or the reason why it can't be read.

    Child processes do the work, on all processors, so that no file can crash the command or take much of its time.
    """
    contents = (_standard_input() if path == STANDARD_INPUT else None for path in paths)
    outcomes = in_order(partial(_outcome, preparation), zip(paths, contents, strict=True), _LIMITS)
    for path, outcome in zip(paths, outcomes, strict=True):
        yield PictureError(f"{path}: it {outcome}") if isinstance(outcome, WorkError) else outcome


def _standard_input() -> bytes:
    """All of standard input, cut off where it is too large for a picture."""
    return sys.stdin.buffer.read(FILE_LIMIT + 1) if sys.stdin else b""


def _outcome(preparation: Preparation, task: tuple[Path, bytes | None]) -> Prepared | PictureError:
    path, content = task
    try:
        return prepare_file(path, content, preparation)
    except PictureError as error:
        return error


def prepare_file(path: Path, content: bytes | None = None, preparation: Preparation = prepare) -> Prepared:
    """Read, decode and prepare the picture at `path`. Raises `PictureError` and `MemoryError`.

    `content`: the bytes that came on standard input, instead of those of the file.
    """
    content = read_file(path, FILE_LIMIT, PictureError) if content is None else _checked_input(content)
    try:
        return preparation(decode(content))
    except MemoryError:
        raise
    except PictureError as error:
        raise PictureError(f"{path}: {error.message}", error.hint) from error
    except Exception as reason:  # a damaged file makes Pillow raise almost anything
        raise PictureError(f"{path}: damaged picture: {first_line(reason)}") from reason


def _checked_input(content: bytes) -> bytes:
    if not content:
        raise PictureError("-: nothing came on standard input")
    if len(content) > FILE_LIMIT:
        raise PictureError("-: too much came on standard input")
    return content


def _as_mnist(colours: Colours) -> tuple[Images, tuple[str, ...]] | None:
    """The picture itself, or inverted, where one of them looks like an image of MNIST."""
    if colours.shape[:2] != (SIDE, SIDE):
        return None
    grey = brightness(colours)
    for pixels, step in ((grey, "left as it is"), (255 - grey, "inverted, and otherwise left as it is")):
        if is_mnist_like(pixels):
            return _one_image(pixels), (f"is like MNIST already, {step}",)
    return None


def _one_image(grey: Grey) -> Images:
    return np.rint(grey).astype(np.uint8)[np.newaxis]


def _digits(colours: Colours) -> tuple[Images, tuple[str, ...]]:
    """The digits found in a picture, each made like MNIST's, and what was done."""
    small = at_most(colours, _SMALL)
    ink, glyphs = _best_view(small)
    if small is not colours and not _large_enough(glyphs):
        ink, glyphs = _best_view(colours)
    if not glyphs or len(glyphs) > _MOST_DIGITS:
        why = "nothing in it looks like digits" if ink.amount.any() else "no ink found"
        return np.empty((0, SIDE, SIDE), np.uint8), (why,)
    polarity = f"ink found {'light on dark' if ink.light_on_dark else 'dark on light'}"
    if len(glyphs) > 1:
        images = np.stack([fitted(glyph.amount)[0] for glyph in glyphs])
        return images, (polarity, f"{len(glyphs)} digits found, each made like MNIST")
    scale = colours.shape[1] / ink.amount.shape[1]
    image, steps = _single_digit(glyphs[0], ink, scale)
    return image, (polarity, *steps)


def _best_view(colours: Colours) -> tuple[Ink, list[Glyph]]:
    """The ink with the most plausible glyph, and all its plausible glyphs."""
    views = ((ink, find_glyphs(ink)) for ink in find_inks(colours))
    ink, glyphs = max(views, key=lambda view: max((glyph.plausibility for glyph in view[1]), default=0.0))
    least = _LEAST_PLAUSIBILITY if ink.on_even_paper else _LEAST_IN_PHOTOS
    return ink, [glyph for glyph in glyphs if glyph.plausibility >= least]


def _large_enough(glyphs: list[Glyph]) -> bool:
    return bool(glyphs) and min(max(glyph.amount.shape) for glyph in glyphs) >= _LARGE


def _single_digit(glyph: Glyph, ink: Ink, scale: float) -> tuple[Images, tuple[str, ...]]:
    """The only glyph made like MNIST's digits; `scale`: size of the picture relative to that of the ink."""
    height, width = glyph.amount.shape
    if (height, width) != ink.amount.shape:
        image, steps = fitted(glyph.amount)
        return image[np.newaxis], (f"cropped to {round(scale * width)}x{round(scale * height)}", *steps)
    is_scan = width == height <= LARGEST_SCAN
    image, steps = fitted(glyph.amount, stretched=is_scan)
    return image[np.newaxis], steps
