"""The bytes of a picture file, decoded to colours: upright, and no larger than there is something to see."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, UnidentifiedImageError

from mnist_cli.pictures.ink import Colours

PIXEL_LIMIT = 100_000_000
FIRST_OF_SEVERAL = "the first of several pictures taken"
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")

# The size that a file declares is checked below, before anything is decoded; Pillow's own check would print a warning.
Image.MAX_IMAGE_PIXELS = None

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

# Pillow's decoders in Python, which take microseconds for a pixel, and the pixels and bytes that they are left to do.
_SLOW_CODECS = {"ppm", "ppm_plain", "bmp_rle"}
_SLOW_PIXELS, _SLOW_BYTES = 1_000_000, 2_000_000

# Larger pictures are looked at in this size: a thin pen on a whole sheet is still wider than a pixel then.
_LONGER_SIDE = 1200
# Pictures are made smaller in bands of so many pixels, so that no conversion needs the memory of a whole one.
_BAND = 4_000_000
# Pictures of one bit larger than scans show grey by dots, which this radius, in pixels, makes grey again.
LARGEST_SCAN = 64
_GRAIN = 1.5


class UndecodedError(Exception):
    """A file that is not taken for a picture."""


def decode(content: bytes) -> tuple[Colours, tuple[str, ...]]:
    """The colours of a picture, upright and at most `_LONGER_SIDE` long, and what was done for that.

    Raises `UndecodedError`, and for a damaged file almost anything.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oddities that Pillow can live with
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError as reason:
            raise UndecodedError("not a picture in a format that is read") from reason
        with opened as image:
            size = image.size
            if size[0] * size[1] > PIXEL_LIMIT:
                raise UndecodedError(f"{size[0]}x{size[1]} pixels are too many")
            if _is_slow(image) and size[0] * size[1] > _SLOW_PIXELS and len(content) > _SLOW_BYTES:
                raise UndecodedError(f"{size[0]}x{size[1]} pixels are too many for how they are written down")
            first = (FIRST_OF_SEVERAL,) if getattr(image, "is_animated", False) else ()
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
            image.draft(None, (_LONGER_SIDE, _LONGER_SIDE))  # has a JPEG decoded at a part of its size
            colours, steps = _colours(image, turn)
    shrunk = (f"looked at in {colours.shape[1]}x{colours.shape[0]}",) if max(size) > _LONGER_SIDE else ()
    upright = ("turned upright by EXIF",) if turn is not None else ()
    return colours, (*first, *shrunk, *upright, *steps)


def _is_slow(image: Image.Image) -> bool:
    return any(tile[0] in _SLOW_CODECS for tile in getattr(image, "tile", ()))


def _colours(image: Image.Image, turn: Image.Transpose | None) -> tuple[Colours, tuple[str, ...]]:
    dithered = image.mode == "1" and max(image.size) > LARGEST_SCAN
    deep = image.mode.startswith("I;16")
    image = _reduced(image, _simple_mode(image))
    if turn is not None:
        image = image.transpose(turn)
    if image.mode in ("I", "F"):
        values = np.asarray(image, np.float32)[..., np.newaxis]
        return values / np.float32(257) if deep else _stretched(values), ()
    steps: tuple[str, ...] = ()
    if image.mode == "RGBA":
        image, steps = _on_paper(image)
    if dithered:
        image = image.filter(ImageFilter.GaussianBlur(_GRAIN))
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    if _is_grey(pixels[::8]) and _is_grey(pixels):
        pixels = pixels[..., :1]  # three times as fast
    return pixels.astype(np.float32), steps


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    return all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in range(1, pixels.shape[-1]))


def _simple_mode(image: Image.Image) -> str:
    """Which of "L", "RGB", "RGBA", "I" (any integers) and "F" (any numbers) holds what is in a picture."""
    if image.mode in ("I", "F"):
        return image.mode
    if image.mode.startswith("I;16"):
        return "I"
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in ("1", "L", "LA") else "RGB"


def _reduced(image: Image.Image, mode: str) -> Image.Image:
    """The picture in another mode, made smaller by a whole number where it is longer than `_LONGER_SIDE`."""
    factor = -(-max(image.size) // _LONGER_SIDE)
    if factor == 1:
        return image.convert(mode) if image.mode != mode else image
    rows = factor * max(1, _BAND // (factor * image.width))
    reduced = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        reduced.paste(band.convert(mode).reduce(factor), (0, top // factor))
    return reduced


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
        return image.convert("RGB"), ()
    light = (values[..., 0] * visible).sum() > 127.5 * visible.sum()
    paper = "black" if light else "white"
    laid = Image.alpha_composite(Image.new("RGBA", image.size, paper), image).convert("RGB")
    return laid, (f"laid on {paper}, for it is transparent",)
