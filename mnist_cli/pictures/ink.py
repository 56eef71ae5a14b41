"""Separating the ink in a picture from the paper, in any colours and any light."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float32]
"""A picture: float32, shape (height, width, channels), 0 to 255; 1 channel or 3."""
Grey = NDArray[np.float32]
"""float32, shape (height, width): grey levels or amounts of ink."""
Mask = NDArray[np.bool_]
"""bool, shape (height, width)."""

# The colour of the paper is found on a copy whose longer side has at most this many pixels.
_COPY_SIDE = 160
# Pictures smaller than this are scans or icons: they have no light that falls unevenly.
_TINY = 48
# Pixels whose colour differs from the paper's by less than this, of 255 levels, may be paper.
_TOLERANCE = 14.0
# Ink covers at most the first share of the picture, in strokes of at most the second share of its longer side in width.
# If the ink touches all four edges, it may be more.
_MOST_INK, _MOST_INK_IN_FULL_FRAME = (0.5, 0.22), (0.65, 0.27)
# The scale of the weights in each round of the fit, in levels of 255: pixels that are further from the fitted paper
# count little.
_FIT_SCALES = (64, 48, 36, 27, 20, 15, 12, 10, 10)
# In light that changes at edges, the paper's colour is the median over a window of this share of the longer side. Near
# the edge of a shadow, it may be any of the medians in a square with this side, in pixels of the copy.
_WINDOW = 0.4
_PENUMBRA = 9
# Differences are divided by the brightness plus this, so that small differences in the dark don't become large.
_DARK = 32.0
# The colour of the ink is found among the pixels that differ by at least this share of the largest difference.
_STRONG = 0.35
# Ink differs from the paper by more than this many standard deviations of the paper's grain, and by more than this
# amount.
_GRAIN = 5.0
_LEAST_CONTRAST = 0.06
# The lower quartile of |x| for the standard normal distribution. It is robust: less than half of a picture is ink.
_LOWER_QUARTILE = 0.3186
# Statistics are computed from about this many pixels, which are as good as all of them.
_SAMPLE = 4096


@dataclass(frozen=True, eq=False)
class Ink:
    """The amount of ink in each pixel.

    `amount`: float32, shape (height, width), 0 or more: the distance of the pixel from the paper's colour, in the
    direction of the ink's, divided by the brightness of the lighter of the two or, on even paper, of the lightest
    pixel. `floor`: amounts up to this may be the grain of the paper.
    """

    amount: Grey
    floor: float
    light_on_dark: bool
    on_even_paper: bool


def find_inks(colours: Colours) -> Iterator[Ink]:
    """The possible separations of ink and paper in a picture, from which the caller chooses the one that shows digits.

    On even paper there is usually one. Otherwise there are two more for each polarity: one for light that falls off
    smoothly, and one for light that changes at edges, such as those of a shadow or a table.
    """
    copy = at_most(colours, _COPY_SIDE)
    commonest = _commonest_colour(copy)
    if max(copy.shape) < _TINY or _leaves_strokes(copy, commonest):
        is_paper = _largest_channel(copy - commonest) < _TOLERANCE
        ink = _ink_on(copy[is_paper].mean(axis=0).reshape(1, 1, -1), colours)
        yield ink
        if ink.floor < 2 * _LEAST_CONTRAST or max(copy.shape) < _TINY:
            return
    surface = _surface(copy, commonest)
    medians = _local_medians(copy)
    for light_on_dark, envelope in ((False, cv2.erode), (True, cv2.dilate)):
        yield _ink_on(surface, colours, light_on_dark)
        window = np.ones((_PENUMBRA, _PENUMBRA), np.uint8)
        yield _ink_on(envelope(medians, window).reshape(copy.shape), colours, light_on_dark)


def at_most(colours: Colours, side: int) -> Colours:
    """The picture, reduced if its longer side has more than `side` pixels."""
    height, width, channels = colours.shape
    scale = side / max(height, width)
    if scale >= 1:
        return colours
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA)).reshape(size[1], size[0], channels)


def _commonest_colour(copy: Colours) -> Colours:
    """The mean of the pixels in the commonest bin of colours, with 16 levels per channel: shape (channels,).

    A bin's share of the picture's edge, which is mostly paper, counts as much as its share of the whole picture.
    """
    levels = (copy / 16).astype(np.uint16)
    bins = sum((levels[..., channel] << (4 * channel) for channel in range(1, copy.shape[-1])), levels[..., 0])
    edge = np.concatenate([bins[0], bins[-1], bins[:, 0], bins[:, -1]])
    in_all, on_edge = (np.bincount(part.ravel(), minlength=16 ** copy.shape[-1]) / part.size for part in (bins, edge))
    colour: Colours = copy[bins == (in_all + on_edge).argmax()].mean(axis=0)
    return colour


def _leaves_strokes(copy: Colours, paper: Colours) -> bool:
    """Whether the pixels that differ from paper of this colour are only strokes of a pen."""
    differs = _largest_channel(copy - paper) >= _TOLERANCE
    fills_frame = all(edge.any() for edge in (differs[0], differs[-1], differs[:, 0], differs[:, -1]))
    most_ink, widest_stroke = _MOST_INK_IN_FULL_FRAME if fills_frame else _MOST_INK
    if differs.mean() > most_ink:
        return False
    side = max(3, int(widest_stroke * max(differs.shape)))
    square = np.ones((side, side), np.uint8)  # many times as fast as a disc
    return not cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_OPEN, square).any()


def _surface(copy: Colours, start: Colours) -> Colours:
    """A quadratic surface through most pixels, fitted by iteratively reweighted least squares from one colour."""
    rows, columns, channels = copy.shape
    y, x = (2 * axis / max(rows, columns) - 1 for axis in np.mgrid[0:rows, 0:columns])
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = copy.reshape(-1, channels).astype(np.float64)
    fitted = np.broadcast_to(start.astype(np.float64), values.shape)
    for scale in _FIT_SCALES:
        weights = 1 / (1 + (np.abs(values - fitted).max(axis=1) / scale) ** 4)
        weighted = terms * weights[:, np.newaxis]
        fitted = terms @ np.linalg.lstsq(weighted.T @ terms, weighted.T @ values, rcond=None)[0]
    return np.asarray(fitted, np.float32).reshape(copy.shape)


def _local_medians(copy: Colours) -> Colours:
    """The median of each channel over a window around each pixel."""
    window = int(_WINDOW * max(copy.shape)) | 1
    levels = np.clip(np.rint(copy), 0, 255).astype(np.uint8)
    return np.asarray(cv2.medianBlur(levels, window), np.float32).reshape(copy.shape)


def _ink_on(paper: Colours, colours: Colours, light_on_dark: bool | None = None) -> Ink:
    """The ink in a picture on a given paper.

    `paper`: one colour, shape (1, 1, channels), or the colour of the paper at each pixel of a reduced copy.
    `light_on_dark`: the polarity; None: that of the strongest ink.
    """
    is_even = paper.shape[:2] == (1, 1)
    if not is_even:
        paper = cv2.resize(paper, colours.shape[1::-1], interpolation=cv2.INTER_LINEAR).reshape(colours.shape)
    difference = colours - paper
    if is_even:
        difference /= max(brightness(paper).max(), brightness(colours).max()) + np.float32(_DARK)
    else:
        difference /= np.maximum(brightness(paper), brightness(colours))[..., np.newaxis] + np.float32(_DARK)
    direction = _direction(difference)
    if light_on_dark is not None and (direction.sum() > 0) != light_on_dark:
        direction = -direction
    amount = difference @ direction if len(direction) > 1 else difference[..., 0] * direction
    grain = _quantile(np.abs(amount), 0.25) / _LOWER_QUARTILE
    return Ink(np.maximum(amount, 0), max(_GRAIN * grain, _LEAST_CONTRAST), bool(direction.sum() > 0), is_even)


def _direction(difference: Colours) -> Colours:
    """The unit vector of colour in which a picture differs most from its paper: shape (channels,)."""
    if difference.shape[-1] == 1:
        values = difference.ravel()
        return np.full(1, 1 if np.dot(values * values, values) >= 0 else -1, np.float32)
    size = _largest_channel(difference)
    strong = difference[size > _STRONG * size.max()]
    strong = strong[:: max(1, len(strong) // _SAMPLE)]
    if not len(strong):
        return np.zeros(difference.shape[-1], np.float32)
    direction = np.linalg.eigh(strong.T @ strong)[1][:, -1].astype(np.float32)
    return direction if ((strong @ direction) ** 3).sum() > 0 else -direction


# NumPy's own mean and max over an axis as short as that of the channels are many times slower than these.


def brightness(colours: Colours) -> Grey:
    """The mean of the channels: float32, shape (height, width), 0 to 255."""
    total: Grey = reduce(np.add, np.moveaxis(colours, -1, 0))
    return total / np.float32(colours.shape[-1])


def _largest_channel(difference: Colours) -> Grey:
    """The largest absolute value of the channels."""
    largest: Grey = reduce(np.maximum, np.moveaxis(np.abs(difference), -1, 0))
    return largest


def _quantile(values: Grey, share: float) -> float:
    """A quantile of a sample of the values, without interpolation."""
    flat = values.ravel()
    flat = flat[:: max(1, len(flat) // _SAMPLE)]
    return float(np.sort(flat)[int(share * (len(flat) - 1))])  # for so few values, sorting is faster than partitioning
