"""A picture file, made into what the network was trained on, and a plain account of what was done to it."""

import io
import sys
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, UnidentifiedImageError

from mnist_cli.errors import PictureError, first_line
from mnist_cli.files import read_file
from mnist_cli.fitting import SIDE, fitted, is_mnist_like
from mnist_cli.glyphs import Glyph, find_glyphs
from mnist_cli.ink import Colours, Ink, brightness, find_inks
from mnist_cli.quiet import without_native_lines

FILE_LIMIT = 2**28
PIXEL_LIMIT = 100_000_000
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
STANDARD_INPUT = Path("-")

# The size that a file declares is checked below, before anything is decoded; Pillow's own check would print a warning.
Image.MAX_IMAGE_PIXELS = None

cv2.setNumThreads(1)  # pictures are read one on each processor: threads inside each would wait for each other

# The tag of EXIF that tells how the camera was held, and what each of its values other than 1 asks for.
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Larger pictures are looked at in this size: a thin pen on a whole sheet is still wider than a pixel then.
_LONGER_SIDE = 1200
# Scans up to this size that are square and filled to all edges were stretched to that.
_LARGEST_SCAN = 64
# Larger pictures of one bit show grey by dots, which this radius, in pixels, makes grey again.
_GRAIN = 1.5
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


def prepare(path: Path, raw: bool = False) -> Prepared:
    """Read a picture, a file or standard input, and make its digits like MNIST's. Raises `PictureError`.

    `raw`: the picture is only made grey and 28x28.
    """
    content = _standard_input() if path == STANDARD_INPUT else read_file(path, FILE_LIMIT, PictureError)
    try:
        colours, steps = _decoded(content)
        return _as_it_is(colours, steps) if raw else _prepared(colours, steps)
    except _NoPicture as reason:
        hint = f"Pictures may be {', '.join(FORMATS)}, of at most {PIXEL_LIMIT // 1_000_000} megapixels."
        raise PictureError(f"{path}: {reason}", hint) from reason
    except Exception as reason:  # a damaged file makes Pillow raise almost anything
        raise PictureError(f"{path}: damaged picture: {first_line(reason)}") from reason


def _standard_input() -> bytes:
    content = sys.stdin.buffer.read(FILE_LIMIT + 1) if sys.stdin else b""
    if not content:
        raise PictureError("-: nothing came on standard input")
    if len(content) > FILE_LIMIT:
        raise PictureError("-: too much came on standard input")
    return content


class _NoPicture(Exception):
    """A file that is not taken for a picture."""


def _prepared(colours: Colours, steps: tuple[str, ...]) -> Prepared:
    if colours.shape[:2] == (SIDE, SIDE):
        grey = brightness(colours)
        for pixels, step in ((grey, "left as it is"), (255 - grey, "inverted, and otherwise left as it is")):
            if is_mnist_like(pixels):
                return Prepared(np.rint(pixels).astype(np.uint8)[None], (*steps, f"is like MNIST already, {step}"))
    ink, glyphs = max(
        ((ink, find_glyphs(ink)) for ink in find_inks(colours)),
        key=lambda seen: max((glyph.plausibility for glyph in seen[1]), default=0.0),
    )
    least = _LEAST_PLAUSIBILITY if ink.on_even_paper else _LEAST_IN_PHOTOS
    written = [glyph for glyph in glyphs if glyph.plausibility >= least]
    if not written or len(written) > _MOST_DIGITS:
        why = "what there is does not look like digits" if glyphs else "no ink found"
        return Prepared(np.empty((0, SIDE, SIDE), np.uint8), (*steps, why))
    steps = (*steps, f"ink found {'light on dark' if ink.light_on_dark else 'dark on light'}")
    return _fitted(written, ink, steps)


def _fitted(glyphs: list[Glyph], ink: Ink, steps: tuple[str, ...]) -> Prepared:
    if len(glyphs) > 1:
        pixels = [fitted(glyph.amount)[0] for glyph in glyphs]
        return Prepared(np.stack(pixels), (*steps, f"{len(glyphs)} digits found, each made like MNIST"))
    (glyph,) = glyphs
    height, width = glyph.amount.shape
    is_scan = width == height <= _LARGEST_SCAN
    image, fitting = fitted(glyph.amount, stretched=is_scan and (height, width) == ink.amount.shape)
    cropped = () if (height, width) == ink.amount.shape else (f"cropped to {width}x{height}",)
    return Prepared(image[None], (*steps, *cropped, *fitting))


def _as_it_is(colours: Colours, steps: tuple[str, ...]) -> Prepared:
    grey = cv2.resize(brightness(colours), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    size = f"{colours.shape[1]}x{colours.shape[0]}"
    resized = (f"resized from {size} to {SIDE}x{SIDE}",) if colours.shape[:2] != (SIDE, SIDE) else ()
    return Prepared(np.rint(grey).astype(np.uint8)[None], (*steps, *resized))


def _decoded(content: bytes) -> tuple[Colours, tuple[str, ...]]:
    """The colours of the picture, upright and at most `_LONGER_SIDE` long, and what was done for that."""
    with warnings.catch_warnings(), _without_libtiff_lines(content):
        warnings.simplefilter("ignore")  # of oddities that Pillow can live with
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError as reason:
            raise _NoPicture("not a picture in a format that is read") from reason
        with opened as image:
            size, frames = image.size, getattr(image, "n_frames", 1)
            if size[0] * size[1] > PIXEL_LIMIT:
                raise _NoPicture(f"{size[0]}x{size[1]} pixels are too many")
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
            image.draft(None, (_LONGER_SIDE, _LONGER_SIDE))  # has a JPEG decoded at a part of its size
            colours, paper = _colours(image)
    if turn is not None:
        colours = _turned(colours, turn)
    shrunk = (f"looked at in {colours.shape[1]}x{colours.shape[0]}",) if max(size) > _LONGER_SIDE else ()
    first = ("the first of several pictures taken",) if frames > 1 else ()
    upright = ("turned upright by EXIF",) if turn is not None else ()
    return colours, (*first, *shrunk, *upright, *paper)


def _without_libtiff_lines(content: bytes) -> AbstractContextManager[None]:
    """libtiff writes of oddities to stderr itself; no other decoder does."""
    is_tiff = content[:2] in (b"II", b"MM")
    return without_native_lines(lambda line: True) if is_tiff else nullcontext()


def _turned(colours: Colours, turn: Image.Transpose) -> Colours:
    transposed = turn in (
        Image.Transpose.TRANSPOSE,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.ROTATE_270,
    )
    if transposed:
        colours = colours.transpose(1, 0, 2)
    if turn in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM):
        colours = colours[::-1]
    if turn in (Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT):
        colours = colours[:, ::-1]
    if turn is Image.Transpose.TRANSVERSE:
        colours = colours[::-1, ::-1]
    return np.ascontiguousarray(colours)


def _colours(image: Image.Image) -> tuple[Colours, tuple[str, ...]]:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = _shrunk(np.asarray(image, np.float32))
        return (values / np.float32(257) if image.mode.startswith("I;16") else _stretched(values))[..., None], ()
    dithered = image.mode == "1" and max(image.size) > _LARGEST_SCAN
    if image.mode in ("1", "P", "PA", "CMYK"):
        image = image.convert("RGBA" if image.has_transparency_data else "L" if image.mode == "1" else "RGB")
    factor = -(-max(image.size) // _LONGER_SIDE)
    if factor > 1:
        image = image.reduce(factor)
    paper: tuple[str, ...] = ()
    if image.has_transparency_data:
        image, paper = _on_paper(image.convert("RGBA"))
    if dithered:
        image = image.filter(ImageFilter.GaussianBlur(_GRAIN))
    pixels = np.asarray(image.convert("L" if image.mode in ("L", "LA") else "RGB"))
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in range(1, pixels.shape[-1])):
        pixels = pixels[..., :1]  # grey after all, and three times as fast
    return pixels.astype(np.float32), paper


def _shrunk(values: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = _LONGER_SIDE / max(values.shape)
    if scale >= 1:
        return values
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values of no fixed range with the one they have mapped to 0 to 255."""
    if not np.isfinite(values).all():
        raise ValueError("it has pixels that are no numbers")
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros_like(values)
    return ((values.astype(np.float64) - low) * (255 / (high - low))).astype(np.float32)


def _on_paper(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """A picture with transparency on white paper, or on black where what is visible is light."""
    values = np.asarray(image.convert("LA"), np.float32)
    visible = values[..., 1]
    if visible.min() == 255:
        return image, ()
    light = (values[..., 0] * visible).sum() > 127.5 * visible.sum()
    paper = "black" if light else "white"
    return Image.alpha_composite(Image.new("RGBA", image.size, paper), image), (
        f"laid on {paper}, for it is transparent",
    )
