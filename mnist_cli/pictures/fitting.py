"""Making a digit that was cut out of a picture like those of MNIST.

These are light on black, fitted into 20x20 pixels with their proportions kept, and placed in 28x28 so that the centre
of mass of the ink lies in the middle (LeCun et al. 1998, "Gradient-based learning applied to document recognition").
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import SIDE
from mnist_cli.pictures.ink import Grey
from mnist_cli.pictures.pieces import bordered, stroke_width

_BOX = 20
# MNIST's images have their centre of mass in (13.5, 14.5] and a longer side of 19 or 20 pixels; with some tolerance.
_CENTRES = (13.25, 14.75)
_LENGTHS = (18, 21)
# Strokes are thickened and thinned on a copy enlarged by this factor.
_FINE = 4
# Widths of strokes, in pixels of the box: which are thickened and thinned, and to which width. Half of MNIST's strokes
# are 1.7 to 2.1 wide.
_THICKENED_BELOW, _THICKENED_TO = 1.5, 2.0
_THINNED_ABOVE, _THINNED_TO = 4.0, 3.4
# Strokes are thinned only if at least this share of their area remains.
_LEAST_LEFT = 0.3
# The width of a scan that was stretched to a square is multiplied by this, the usual ratio of a digit's sides.
_NARROWED = 0.7
# Amounts of ink, 0 to 1, above which a pixel belongs to a stroke, and to the cropped digit.
_STROKE, _EDGE = 0.5, 0.25


def is_mnist_like(grey: Grey) -> bool:
    """Whether a picture, 0 to 255, could be an image of MNIST: 28x28, light on black, fitted and centred."""
    if grey.shape != (SIDE, SIDE):
        return False
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    median = np.sort(border)[len(border) // 2]
    if median > 0 or not grey.any():
        return False
    lengths = [int(np.ptp(np.flatnonzero(grey.any(axis=axis)))) + 1 for axis in (0, 1)]
    in_the_middle = all(_CENTRES[0] <= centre <= _CENTRES[1] for centre in _centre_of_mass(grey))
    return _LENGTHS[0] <= max(lengths) <= _LENGTHS[1] and in_the_middle


def fitted(ink: Grey, stretched: bool = False) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Make one digit like MNIST's: uint8, shape (28, 28); and the steps, in a few words each.

    `ink`: float32, any shape, 0 to 1. `stretched`: it was stretched to a square, whatever its proportions were.
    """
    steps = ("narrowed, because it fills a square",) if stretched else ()
    fine = _scaled(bordered(ink, 1), _BOX * _FINE, _NARROWED if stretched else 1.0)
    fine, thickness = _with_usual_strokes(bordered(fine, 2 * _FINE))
    small = _scaled(_cropped(fine), _BOX)
    scale = "enlarged" if max(ink.shape) < _BOX else "shrunk"
    size = f"{scale} to {small.shape[1]}x{small.shape[0]}"
    return _centred(small), (*steps, *thickness, size, "centred by mass")


def _scaled(ink: Grey, longer_side: int, narrowing: float = 1.0) -> Grey:
    """The ink resized to this longer side, in pixels, and scaled so that its maximum is 1."""
    height, width = ink.shape[0], ink.shape[1] * narrowing
    scale = longer_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = np.clip(cv2.resize(ink, size, interpolation=method), 0, 1)
    return np.asarray(resized / max(float(resized.max()), 1e-6), np.float32)


def _with_usual_strokes(fine: Grey) -> tuple[Grey, tuple[str, ...]]:
    """The ink with strokes of a width that is usual in MNIST; and the steps."""
    width = stroke_width(fine > _STROKE) / _FINE
    if width < _THICKENED_BELOW:
        change = round((_THICKENED_TO - width) * _FINE)
        return cv2.dilate(fine, _disc(change + 1)), ("strokes thickened",)
    if width <= _THINNED_ABOVE:
        return fine, ()
    change = round((_THINNED_TO - width) * _FINE)
    thinner = cv2.erode(fine, _disc(1 - change))
    if (thinner > _STROKE).sum() < _LEAST_LEFT * (fine > _STROKE).sum():
        return fine, ()
    return thinner, ("strokes thinned",)


def _disc(diameter: int) -> NDArray[np.uint8]:
    """A disc as the structuring element of a morphological operation."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter)), np.uint8)


def _cropped(ink: Grey) -> Grey:
    """The ink without empty rows and columns at its edges."""
    rows, columns = (np.flatnonzero((ink > _EDGE).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _centred(ink: Grey) -> NDArray[np.uint8]:
    """The ink in a 28x28 image, its centre of mass in the middle as far as its edges allow."""
    corner = [
        min(max(round(SIDE / 2 - centre), 0), SIDE - side)
        for centre, side in zip(_centre_of_mass(ink), ink.shape, strict=True)
    ]
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    canvas[corner[0] : corner[0] + ink.shape[0], corner[1] : corner[1] + ink.shape[1]] = np.rint(ink * 255)
    return canvas


def _centre_of_mass(ink: Grey) -> tuple[float, float]:
    """The centre of mass, (row, column), in pixels counted from 0."""
    total = ink.sum()
    row = (ink.sum(axis=1) * np.arange(ink.shape[0])).sum() / total
    column = (ink.sum(axis=0) * np.arange(ink.shape[1])).sum() / total
    return float(row), float(column)
