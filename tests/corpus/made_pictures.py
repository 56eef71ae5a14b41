"""A maker of pictures such as people take: MNIST's digits written anew with a pen, on paper, under a lamp.

Each digit is reduced to its skeleton and drawn again as lines of a chosen width; so no picture has MNIST's own strokes.
Everything random comes from a generator that the caller seeds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Random = np.random.Generator

_SCALE = 4  # at which a digit is thinned to its skeleton
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
BLUE_PEN, PENCIL = (35, 50, 140), (80, 80, 85)


@dataclass(frozen=True)
class Made:
    """A picture and how it is to be saved."""

    image: Image.Image
    suffix: str = ".png"
    options: dict[str, Any] = field(default_factory=dict)

    def save(self, stem: Path) -> Path:
        path = stem.with_suffix(self.suffix)
        self.image.save(path, **self.options)
        return path


# Ink


def skeleton(digit: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The lines of a digit, one pixel wide, at four times its size (Zhang and Suen, CACM 27, 1984)."""
    side = digit.shape[0] * _SCALE
    ink = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC) > 100
    while True:
        before = ink.sum()
        for first in (True, False):
            ink = ink & ~_removable(ink, first)
        if ink.sum() == before:
            return ink


def _removable(ink: NDArray[np.bool_], first: bool) -> NDArray[np.bool_]:
    padded = np.pad(ink, 1)
    rows, columns = ink.shape
    # The eight neighbours of every pixel, clockwise from the one above.
    offsets = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    around = np.stack([padded[r : r + rows, c : c + columns] for r, c in offsets])
    count = around.sum(axis=0)
    risings = (~around & np.roll(around, -1, axis=0)).sum(axis=0)
    up, right, down, left = around[0], around[2], around[4], around[6]
    open_side = ~(up & right & down) & ~(right & down & left) if first else ~(up & right & left) & ~(up & down & left)
    return ink & (count >= 2) & (count <= 6) & (risings == 1) & open_side


@lru_cache(maxsize=4096)
def _segments(content: bytes) -> NDArray[np.float64]:
    """The skeleton as segments between neighbouring pixels: (n, 2, 2) points (x, y), with the longer side 1."""
    ink = skeleton(np.frombuffer(content, np.uint8).reshape(28, 28))
    points = np.argwhere(ink)
    if not len(points):
        return np.zeros((0, 2, 2))
    smooth = np.array([points[np.abs(points - point).max(axis=1) <= 3].mean(axis=0) for point in points])
    apart = np.abs(points[:, None] - points[None]).max(axis=2)
    first, second = np.nonzero(np.triu(apart == 1))
    lines = np.stack([smooth[first], smooth[second]], axis=1)[:, :, ::-1]
    low = smooth.min(axis=0)[::-1]
    return np.asarray((lines - low) / np.ptp(smooth, axis=0).max())


def pen(digit: NDArray[np.uint8], height: int, width: float, turn: float = 0.0, gaps: Random | None = None) -> Floats:
    """The digit drawn anew: float32, 0 to 1, cropped to the ink.

    `height` is the length of its longer side and `width` that of the line, in pixels; `turn` is in degrees; with `gaps`
    the line is broken in places.
    """
    lines = _segments(digit.tobytes()) * height
    angle = np.deg2rad(turn)
    lines = lines @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    margin = int(np.ceil(width)) + 2
    lines = lines - lines.reshape(-1, 2).min(axis=0) + margin
    columns, rows = (np.ceil(lines.reshape(-1, 2).max(axis=0)).astype(int) + margin).tolist()
    ink = np.zeros((rows, columns), np.uint8)
    fraction = 4  # bits of a pixel that cv2 takes coordinates in
    for start, end in np.rint(lines * 2**fraction).astype(int).tolist():
        cv2.line(ink, start, end, 255, max(1, round(width)), cv2.LINE_AA, fraction)
    if gaps is not None:
        for _ in range(3):
            centre = lines[gaps.integers(len(lines)), 0]
            cv2.circle(ink, np.rint(centre).astype(int).tolist(), max(1, round(0.7 * width)), 0, -1)
    return cropped(ink.astype(np.float32) / 255)


def cropped(ink: Floats, margin: int = 0) -> Floats:
    rows, columns = (np.flatnonzero((ink > 0.2).any(axis=axis)) for axis in (1, 0))
    inner = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.pad(inner, margin)


def placed(ink: Floats, shape: tuple[int, int], random: Random, margin: float = 0.06) -> Floats:
    """The ink anywhere in an empty frame, clear of its edges by a share of its sides."""
    frame = np.zeros(shape, np.float32)
    corner = [
        int(random.integers(int(margin * side), max(int((1 - margin) * side) - length, int(margin * side)) + 1))
        for side, length in zip(shape, ink.shape, strict=True)
    ]
    frame[corner[0] : corner[0] + ink.shape[0], corner[1] : corner[1] + ink.shape[1]] = ink
    return frame


# Paper and light


def sheet(shape: tuple[int, int], colour: tuple[int, int, int]) -> Floats:
    return np.broadcast_to(np.float32(colour), (*shape, 3)).copy()


def cloud(shape: tuple[int, int], size: float, random: Random) -> Floats:
    """Smooth noise with mean 0 and deviation 1 whose waves are about `size` pixels long."""
    small = (max(2, int(shape[1] / size) + 2), max(2, int(shape[0] / size) + 2))
    noise = random.normal(size=small[::-1]).astype(np.float32)
    return cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)


def textured(page: Floats, random: Random, strength: float = 3.0) -> Floats:
    shape = page.shape[:2]
    fibres = cloud(shape, max(3, shape[0] / 300), random) + cloud(shape, max(8, shape[0] / 60), random)
    return page + strength * fibres[..., None]


def lit(page: Floats, random: Random, weakest: float = 0.55) -> Floats:
    """Light that falls off from one side to the other, a little yellow or blue."""
    rows, columns = page.shape[:2]
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    along = np.cos(angle) * x / columns + np.sin(angle) * y / rows
    along = (along - along.min()) / np.ptp(along)
    tint = np.float32([1, random.uniform(0.93, 1), random.uniform(0.8, 1)])
    return page * (weakest + (1 - weakest) * along[..., None]) * tint


def shadowed(page: Floats, random: Random, depth: float = 0.5) -> Floats:
    """The shadow of the hand and the phone: a dark half plane with a soft edge."""
    rows, columns = page.shape[:2]
    angle, offset = random.uniform(0, 2 * np.pi), random.uniform(-0.2, 0.2)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    distance = np.cos(angle) * (x / columns - 0.5) + np.sin(angle) * (y / rows - 0.5) - offset
    share = 1 / (1 + np.exp(-distance / 0.015))
    return page * (1 - (1 - depth) * share[..., None])


def ruled(page: Floats, step: float, colour: tuple[int, int, int], squared: bool = False) -> Floats:
    thickness = max(1, round(step / 25))
    for axis in (0, 1) if squared else (0,):
        for place in np.arange(step / 2, page.shape[axis], step).astype(int):
            band = [slice(None), slice(None)]
            band[axis] = slice(place, place + thickness)
            page[tuple(band)] = colour
    return page


def inked(page: Floats, ink: Floats, colour: tuple[int, int, int]) -> Floats:
    return page * (1 - ink[..., None]) + np.float32(colour) * ink[..., None]


def seen(page: Floats, random: Random, blur: float = 0.8, noise: float = 3.0) -> Image.Image:
    """What a camera makes of it."""
    page = cv2.GaussianBlur(page, (0, 0), blur) if blur else page
    page = page + noise * random.normal(size=(*page.shape[:2], 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.rint(page), 0, 255).astype(np.uint8))


def photo(page: Floats, random: Random, quality: int = 85, **options: Any) -> Made:
    return Made(seen(page, random, blur=page.shape[0] / 1500), ".jpg", {"quality": quality, **options})


# The kinds


Maker = Callable[[NDArray[np.uint8], Random], Made]
KINDS: dict[str, Maker] = {}


def kind(make: Maker) -> Maker:
    KINDS[make.__name__] = make
    return make


def _frame(random: Random, least: int = 500, most: int = 1300) -> tuple[int, int]:
    rows = int(random.integers(least, most))
    return rows, int(rows * random.uniform(0.75, 1.33))


def _written(digit: NDArray[np.uint8], shape: tuple[int, int], random: Random, **options: Any) -> Floats:
    """The digit, a third to two thirds of the frame high, with an ordinary pen."""
    height = int(min(shape) * random.uniform(0.3, 0.65))
    width = height * options.pop("width", random.uniform(0.04, 0.09))
    return placed(pen(digit, height, max(width, 1.0), random.uniform(-8, 8), **options), shape, random)


@kind
def phone_photo(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random)
    page = textured(sheet(shape, (238, 236, 230)), random)
    return photo(lit(inked(page, _written(digit, shape, random), BLUE_PEN), random), random)


@kind
def twelve_megapixels(digit: NDArray[np.uint8], random: Random) -> Made:
    """A thin pen, and the digit somewhere on a large sheet."""
    shape = (3000, 4000)
    height = int(random.uniform(250, 1200))
    ink = pen(digit, height, max(8.0, height * 0.025), random.uniform(-8, 8))
    page = lit(textured(sheet(shape, (235, 234, 230)), random), random)
    return Made(seen(inked(page, placed(ink, shape, random), BLUE_PEN), random, 1.5), ".jpg", {"quality": 90})


@kind
def shadow(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random)
    page = inked(textured(sheet(shape, (240, 238, 232)), random), _written(digit, shape, random), PENCIL)
    return photo(shadowed(lit(page, random, 0.8), random), random)


@kind
def ruled_paper(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random)
    page = ruled(sheet(shape, (245, 245, 240)), shape[0] * random.uniform(0.08, 0.2), (170, 190, 220))
    return photo(lit(inked(page, _written(digit, shape, random), BLUE_PEN), random, 0.75), random)


@kind
def squared_paper(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random)
    step = shape[0] * random.uniform(0.05, 0.12)
    page = ruled(sheet(shape, (245, 245, 240)), step, (180, 195, 215), squared=True)
    return photo(lit(inked(page, _written(digit, shape, random), (30, 30, 35)), random, 0.75), random)


@kind
def table_edge(digit: NDArray[np.uint8], random: Random) -> Made:
    """Paper that ends before the picture does; beyond it is a dark table."""
    shape = _frame(random)
    page = inked(textured(sheet(shape, (235, 235, 230)), random), _written(digit, shape, random), BLUE_PEN)
    table = textured(sheet(shape, (70, 50, 38)), random, 6)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    distance, across = random.permutation(np.stack([rows / shape[0], columns / shape[1]]))
    if random.random() < 0.5:
        distance = 1 - distance
    beyond = distance + random.uniform(-0.05, 0.05) * across < 0.05
    page[beyond] = table[beyond]
    return photo(lit(page, random, 0.7), random)


@kind
def marker(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random)
    ink = _written(digit, shape, random, width=random.uniform(0.12, 0.2))
    return photo(lit(inked(textured(sheet(shape, (240, 240, 240)), random), ink, (25, 25, 25)), random), random)


@kind
def thin_pencil(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random, 300, 900)
    ink = _written(digit, shape, random, width=random.uniform(0.012, 0.03))
    page = lit(inked(textured(sheet(shape, (242, 240, 235)), random, 2), ink, PENCIL), random, 0.7)
    return Made(seen(page, random, 0.5), ".jpg", {"quality": 88})


@kind
def broken_strokes(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random)
    ink = _written(digit, shape, random, gaps=random)
    return photo(inked(textured(sheet(shape, (240, 240, 240)), random), ink, (40, 40, 45)), random)


@kind
def tight_blurry_crop(digit: NDArray[np.uint8], random: Random) -> Made:
    height = int(random.uniform(40, 200))
    ink = pen(digit, height, height * random.uniform(0.06, 0.12), random.uniform(-8, 8))
    page = inked(sheet(ink.shape, (215, 212, 205)), ink, (60, 60, 70))
    return Made(seen(lit(page, random, 0.8), random, height * 0.02), ".jpg", {"quality": 70})


@kind
def specks(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random, 300, 800)
    ink = _written(digit, shape, random)
    page = inked(sheet(shape, (245, 245, 245)), ink, (30, 30, 30))
    for _ in range(40):
        centre = (int(random.integers(shape[1])), int(random.integers(shape[0])))
        cv2.circle(page, centre, int(random.integers(0, max(2, shape[0] // 200))), (90, 90, 90), -1)
    return Made(seen(page, random, 0.6), ".jpg", {"quality": 25})


@kind
def any_colours(digit: NDArray[np.uint8], random: Random) -> Made:
    """Ink and paper of any two colours that can be told apart, though perhaps not by their brightness."""
    shape = _frame(random, 200, 600)
    while True:
        ink_colour, paper_colour = (tuple(random.integers(0, 256, 3).tolist()) for _ in range(2))
        if np.linalg.norm(np.subtract(ink_colour, paper_colour)) > 120:
            break
    return Made(seen(inked(sheet(shape, paper_colour), _written(digit, shape, random), ink_colour), random, 0.5, 1))


@kind
def chalk_on_slate(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random)
    ink = _written(digit, shape, random, width=random.uniform(0.05, 0.1))
    chalk = ink * np.clip(0.8 + 0.25 * cloud(shape, 4, random), 0, 1)
    return photo(lit(inked(textured(sheet(shape, (45, 60, 52)), random, 5), chalk, (225, 225, 215)), random), random)


@kind
def tablet_dark(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random, 200, 1600)
    return Made(seen(inked(sheet(shape, BLACK), _written(digit, shape, random, width=0.02), WHITE), random, 0, 0))


@kind
def tablet_light(digit: NDArray[np.uint8], random: Random) -> Made:
    shape = _frame(random, 200, 1600)
    return Made(seen(inked(sheet(shape, WHITE), _written(digit, shape, random), BLACK), random, 0, 0))


@kind
def transparent_dark(digit: NDArray[np.uint8], random: Random) -> Made:
    return _transparent(digit, random, BLACK)


@kind
def transparent_light(digit: NDArray[np.uint8], random: Random) -> Made:
    return _transparent(digit, random, WHITE)


def _transparent(digit: NDArray[np.uint8], random: Random, colour: tuple[int, int, int]) -> Made:
    shape = _frame(random, 100, 500)
    alpha = np.rint(255 * _written(digit, shape, random)).astype(np.uint8)
    return Made(Image.fromarray(np.dstack([np.full_like(alpha, level) for level in colour] + [alpha])))


@kind
def lying_by_exif(digit: NDArray[np.uint8], random: Random) -> Made:
    made = phone_photo(digit, random)
    exif = Image.Exif()
    exif[0x0112] = 6
    return Made(made.image.transpose(Image.Transpose.ROTATE_90), ".jpg", {"quality": 85, "exif": exif})


@kind
def scan_32(digit: NDArray[np.uint8], random: Random) -> Made:
    """One bit, black on white, fitted into the box without a margin."""
    return Made(Image.fromarray(255 - _scan(digit, random, 32, stretched=False)).convert("1"))


@kind
def scan_16(digit: NDArray[np.uint8], random: Random) -> Made:
    """One bit, white on black, stretched to fill the box."""
    return Made(Image.fromarray(_scan(digit, random, 16, stretched=True)).convert("1"))


def _scan(digit: NDArray[np.uint8], random: Random, side: int, stretched: bool) -> NDArray[np.uint8]:
    ink = pen(digit, 160, random.uniform(12, 22), random.uniform(-5, 5))
    if not stretched:
        missing = max(ink.shape) - np.array(ink.shape)
        ink = np.pad(ink, [(gap // 2, gap - gap // 2) for gap in missing.tolist()])
    small = cv2.resize(ink, (side, side), interpolation=cv2.INTER_AREA)
    return np.where(small > 0.45, 255, 0).astype(np.uint8)


@kind
def sixteen_bits(digit: NDArray[np.uint8], random: Random) -> Made:
    grey = _grey(digit, random).astype(np.uint16)
    return Made(Image.fromarray(grey * 200 + 2000), ".png")


@kind
def floats(digit: NDArray[np.uint8], random: Random) -> Made:
    return Made(Image.fromarray(_grey(digit, random).astype(np.float32) / 255), ".tiff")


@kind
def palette(digit: NDArray[np.uint8], random: Random) -> Made:
    return Made(Image.fromarray(_grey(digit, random)).convert("RGB").quantize(8), ".gif")


@kind
def cmyk(digit: NDArray[np.uint8], random: Random) -> Made:
    return Made(Image.fromarray(_grey(digit, random)).convert("CMYK"), ".jpg", {"quality": 80})


def _grey(digit: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    shape = _frame(random, 150, 500)
    page = inked(sheet(shape, (250, 250, 250)), _written(digit, shape, random), BLACK)
    return np.asarray(seen(page, random).convert("L"))
