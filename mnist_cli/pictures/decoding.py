"""Decoding a picture file to an array of colours: upright, and reduced if it is larger than needed."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, UnidentifiedImageError

from mnist_cli.errors import PictureError
from mnist_cli.pictures.ink import Colours

PIXEL_LIMIT = 100_000_000
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "AVIF", "TIFF", "PPM")
_HINT = f"Supported are {', '.join(FORMATS)}, of at most {PIXEL_LIMIT // 1_000_000} megapixels."

# The size that a file declares is checked below, before anything is decoded; Pillow's own check would print a warning.
Image.MAX_IMAGE_PIXELS = None

# The EXIF tag that says how the camera was held, and how to turn the picture for each of its values other than 1.
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

# Pillow's decoders in pure Python, which take microseconds per pixel, and the limits for pictures that need them.
_SLOW_CODECS = {"ppm", "ppm_plain", "bmp_rle"}
_SLOW_PIXELS, _SLOW_BYTES = 1_000_000, 2_000_000

# Larger pictures are reduced to this longer side, in pixels, at which a thin pen on a whole sheet is still wider than a
# pixel.
_LONGER_SIDE = 1200
# Pictures are reduced in bands of this many pixels, so that no conversion needs memory for a whole picture.
_BAND = 4_000_000
# One-bit pictures larger than scans show grey by dots; a blur of this radius, in pixels, makes it grey again.
LARGEST_SCAN = 64
_GRAIN = 1.5


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture.

    `colours`: float32, shape (height, width, 1 or 3), 0 to 255; upright, with the longer side at most `_LONGER_SIDE`.
    `steps`: what was done, in order, in a few words each. `is_first_of_several`: the file holds more pictures, which
    are ignored.
    """

    colours: Colours
    steps: tuple[str, ...]
    is_first_of_several: bool


def decode(content: bytes) -> Picture:
    """Decode the first picture in the content of a file.

    Raises `PictureError` for an unsupported format or too many pixels, and almost any exception for a damaged file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about oddities that Pillow can cope with
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError as reason:
            raise PictureError("not a picture in a supported format", _HINT) from reason
        with opened as image:
            is_large = max(image.size) > _LONGER_SIDE
            _check_size(image, len(content))
            is_first_of_several = bool(getattr(image, "is_animated", False))
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
            image.draft(None, (_LONGER_SIDE, _LONGER_SIDE))  # makes the JPEG decoder skip detail that is not needed
            colours, paper_steps = _colours(image, turn)
    steps = []
    if is_first_of_several:
        steps.append("the first of several pictures taken")
    if is_large:
        steps.append(f"looked at in {colours.shape[1]}x{colours.shape[0]}")
    if turn is not None:
        steps.append("turned upright by EXIF")
    return Picture(colours, (*steps, *paper_steps), is_first_of_several)


def _check_size(image: Image.Image, file_size: int) -> None:
    """Raise `PictureError` if a picture would take too long; `file_size` is in bytes."""
    width, height = image.size
    if width * height > PIXEL_LIMIT:
        raise PictureError(f"{width}x{height} pixels are too many", _HINT)
    is_slow = any(tile[0] in _SLOW_CODECS for tile in getattr(image, "tile", ()))
    if is_slow and width * height > _SLOW_PIXELS and file_size > _SLOW_BYTES:
        raise PictureError(f"{width}x{height} pixels are too many for this way of storing them", _HINT)


def _colours(image: Image.Image, turn: Image.Transpose | None) -> tuple[Colours, tuple[str, ...]]:
    """The colours of a picture, reduced and turned, and the steps that its transparency needed."""
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
    if _is_grey(pixels[::8]) and _is_grey(pixels):  # an eighth of the rows shows it for most colour pictures
        pixels = pixels[..., :1]  # makes what follows three times as fast
    return pixels.astype(np.float32), steps


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    """Whether all channels are equal."""
    return all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in range(1, pixels.shape[-1]))


def _simple_mode(image: Image.Image) -> str:
    """The simplest of the modes "L", "RGB", "RGBA", "I" (any integers) and "F" (any numbers) that loses nothing."""
    if image.mode in ("I", "F"):
        return image.mode
    if image.mode.startswith("I;16"):
        return "I"
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in ("1", "L", "LA") else "RGB"


def _reduced(image: Image.Image, mode: str) -> Image.Image:
    """The picture in another mode, reduced by a whole factor if a side is longer than `_LONGER_SIDE`."""
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
    """Values of any range, mapped to 0 to 255. Raises `ValueError` if some are not finite."""
    if not np.isfinite(values).all():
        raise ValueError("it has pixels that are not numbers")
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros_like(values)
    return ((values.astype(np.float64) - low) * (255 / (high - low))).astype(np.float32)


def _on_paper(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """A transparent picture on white paper, or on black paper if its visible parts are light; and the steps."""
    values = np.asarray(image.convert("LA"), np.float32)
    visible = values[..., 1]
    if visible.min() == 255:
        return image.convert("RGB"), ()
    light = (values[..., 0] * visible).sum() > 127.5 * visible.sum()
    paper = "black" if light else "white"
    opaque = Image.alpha_composite(Image.new("RGBA", image.size, paper), image).convert("RGB")
    return opaque, (f"placed on {paper}, because it is transparent",)
