"""A picture file, made into what the network was trained on, and a plain account of what was done to it.

MNIST's digits are light on black, fitted into 20x20 pixels with their proportions kept, and placed in 28x28 so that
the centre of mass of the ink lies in the middle (LeCun et al. 1998, "Gradient-based learning applied to document
recognition").
"""

import io
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mnist_cli.errors import PictureError, first_line
from mnist_cli.files import read_file
from mnist_cli.quiet import without_native_lines

FILE_LIMIT = 2**28
PIXEL_LIMIT = 100_000_000
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

SIDE = 28
BOX = 20
# Where the centre of mass of MNIST's images lies, (13.5, 14.5], and how long their longer side is, 19 or 20; with
# some room.
_CENTRES = (13.25, 14.75)
_LENGTHS = (18, 21)
# Under this share of the full range a difference of brightness is paper, not ink.
_LEAST_CONTRAST = 0.1
# Ink starts at this share of the way from the paper to the darkest ink.
_INK_LEVEL = 0.25

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Prepared:
    """A picture as the network takes it.

    `pixels`: uint8, shape (28, 28), 0 background to 255 ink; None where the picture shows no ink.
    `steps`: what was done, in order, each a few words.
    """

    pixels: NDArray[np.uint8] | None
    steps: tuple[str, ...]


def prepare(path: Path) -> Prepared:
    """Read a picture file and make it like MNIST. Raises `PictureError`."""
    content = read_file(path, FILE_LIMIT, PictureError)
    try:
        return _prepared(content)
    except _NoPicture as reason:
        hint = f"Pictures may be {', '.join(FORMATS)}, of at most {PIXEL_LIMIT // 1_000_000} megapixels."
        raise PictureError(f"{path}: {reason}", hint) from reason
    except Exception as reason:  # a damaged file makes Pillow raise almost anything
        raise PictureError(f"{path}: damaged picture: {first_line(reason)}") from reason


class _NoPicture(Exception):
    """A file that is not taken for a picture."""


def _prepared(content: bytes) -> Prepared:
    steps: list[str] = []
    grey = _decode(content, steps)
    if _is_mnist_like(grey):
        return Prepared(np.rint(grey).astype(np.uint8), (*steps, "is like MNIST already, left as it is"))
    ink = _ink(grey, steps)
    if ink is None:
        return Prepared(None, (*steps, "no ink found"))
    return Prepared(_centred(_fitted(_cropped(ink, steps), steps), steps), tuple(steps))


def _decode(content: bytes, steps: list[str]) -> Grey:
    """The brightness of the picture: float32, shape (height, width), 0 to 255."""
    with warnings.catch_warnings(), _without_libtiff_lines(content):
        warnings.simplefilter("ignore")  # of oddities that Pillow can live with
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError as reason:
            raise _NoPicture("not a picture in a format that is read") from reason
        with opened as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise _NoPicture(f"{image.width}x{image.height} pixels are too many")
            return _brightness(_upright(image, steps), steps)


def _without_libtiff_lines(content: bytes) -> AbstractContextManager[None]:
    """libtiff writes of oddities to stderr itself; no other decoder does."""
    is_tiff = content[:2] in (b"II", b"MM")
    return without_native_lines(lambda line: True) if is_tiff else nullcontext()


def _upright(image: Image.Image, steps: list[str]) -> Image.Image:
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    if turn is None:
        return image
    steps.append("turned upright by EXIF")
    return image.transpose(turn)


def _brightness(image: Image.Image, steps: list[str]) -> Grey:
    if image.mode.startswith("I;16"):
        return np.asarray(image, np.float32) / np.float32(257)
    if image.mode in ("I", "F"):
        return _stretched(np.asarray(image, np.float32))
    if image.has_transparency_data:
        image = _on_paper(image.convert("RGBA"), steps)
    return np.asarray(image.convert("L"), np.float32)


def _stretched(values: Grey) -> Grey:
    """Values of no fixed range with the one they have mapped to 0 to 255."""
    if not np.isfinite(values).all():
        raise ValueError("it has pixels that are no numbers")
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros_like(values)
    return ((values.astype(np.float64) - low) * (255 / (high - low))).astype(np.float32)


def _on_paper(image: Image.Image, steps: list[str]) -> Image.Image:
    """A picture with transparency on white paper, or on black where what is visible is light."""
    values = np.asarray(image.convert("LA"), np.float32)
    visible = values[..., 1]
    if visible.min() == 255:
        return image
    light = (values[..., 0] * visible).sum() > 127.5 * visible.sum()
    paper = "black" if light else "white"
    steps.append(f"laid on {paper}, for it is transparent")
    return Image.alpha_composite(Image.new("RGBA", image.size, paper), image)


def _is_mnist_like(grey: Grey) -> bool:
    """Whether this could be an image of MNIST: right in size, light on black, fitted and centred."""
    if grey.shape != (SIDE, SIDE) or _middle(_border(grey)) > 0:
        return False
    rows, columns = _extent(grey > 0)
    if not _LENGTHS[0] <= max(rows.stop - rows.start, columns.stop - columns.start) <= _LENGTHS[1]:
        return False
    return all(_CENTRES[0] <= centre <= _CENTRES[1] for centre in _centre_of_mass(grey))


def _border(grey: Grey) -> NDArray[Any]:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _middle(values: NDArray[Any]) -> float:
    """The median; NumPy's own loads its masked arrays first, which takes longer than all the rest here."""
    return float(np.sort(values)[len(values) // 2])


def _extent(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns from the first to the last that hold something."""
    bounds = []
    for axis in (1, 0):
        held = np.flatnonzero(mask.any(axis=axis))
        bounds.append(slice(int(held[0]), int(held[-1]) + 1) if len(held) else slice(0, 0))
    return bounds[0], bounds[1]


def _centre_of_mass(ink: Grey) -> tuple[float, float]:
    """(row, column) of the centre, in pixels counted from 0."""
    total = ink.sum()
    row = (ink.sum(axis=1) * np.arange(ink.shape[0])).sum() / total
    column = (ink.sum(axis=0) * np.arange(ink.shape[1])).sum() / total
    return float(row), float(column)


def _ink(grey: Grey, steps: list[str]) -> Grey | None:
    """How much ink there is in each pixel, 0 to 1; None where the picture is as good as blank."""
    paper = _middle(_border(grey))
    dark_on_light = paper > (grey.min() + grey.max()) / 2
    if dark_on_light:
        grey, paper = 255 - grey, 255 - paper
    contrast = grey.max() - paper
    if contrast < _LEAST_CONTRAST * 255:
        return None
    if dark_on_light:
        steps.append("dark ink on light paper, inverted")
    ink: Grey = np.clip((grey - paper) / contrast, 0, 1)
    ink[ink < _INK_LEVEL] = 0
    return ink


def _cropped(ink: Grey, steps: list[str]) -> Grey:
    cropped = ink[_extent(ink > 0)]
    if cropped.shape != ink.shape:
        steps.append(f"cropped to {cropped.shape[1]}x{cropped.shape[0]}")
    return cropped


def _fitted(ink: Grey, steps: list[str]) -> Grey:
    """The ink resized so that its longer side is 20 pixels; smoothed on the way where it shrinks."""
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    resized = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    steps.append(f"{'shrunk' if scale < 1 else 'enlarged'} to {width}x{height}" if scale != 1 else "size kept")
    fitted: Grey = np.asarray(resized)
    fitted = fitted / fitted.max()
    return fitted


def _centred(ink: Grey, steps: list[str]) -> NDArray[np.uint8]:
    """The ink in a 28x28 image, its centre of mass in the middle as far as its edges allow."""
    corner = [
        min(max(round(SIDE / 2 - centre), 0), SIDE - side)
        for centre, side in zip(_centre_of_mass(ink), ink.shape, strict=True)
    ]
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    canvas[corner[0] : corner[0] + ink.shape[0], corner[1] : corner[1] + ink.shape[1]] = np.rint(ink * 255)
    steps.append("centred by mass")
    return canvas
