"""Splitting the ink of a picture into glyphs, each of which may be a digit, in reading order."""

from dataclasses import dataclass

import cv2
import numpy as np

from mnist_cli.pictures.ink import Grey, Ink, Mask
from mnist_cli.pictures.pieces import (
    SQUARE,
    Box,
    Group,
    LabelMap,
    Pieces,
    are_inside,
    box_around,
    find_groups,
    find_pieces,
    stroke_width,
)

# A pixel is ink above this share of the strength of the main piece. The soft edge of a stroke begins at half of that.
_INK_LEVEL = 0.4
# A piece that touches no edge can be the main piece if it has more than this share of the ink of the heaviest piece.
_LEAST_MAIN = 0.02

# The width of the surroundings of a glyph: as a share of its longer side, and the minimum in pixels.
_MARGIN, _LEAST_MARGIN = 0.08, 3
# Plausible widths of strokes, as shares of a digit's longer side. In thousands of real digits they are 0.01 to 0.34.
_THINNEST, _THICKEST = 0.008, 0.42
# The highest plausible standard deviation of the ink inside strokes, as a share of its mean. Real digits reach 0.22.
_MOST_UNEVEN = 0.3
# Evenness is judged without the edges of the strokes if more pixels than this remain.
_LEAST_CORE = 10
# The weight with which ink around a glyph is subtracted from its contrast.
_BACKGROUND_WEIGHT = 2
# The plausibility of a glyph by the number of the picture's edges that it comes within a few pixels of: a digit touches
# none, or all four in a tight crop.
_EDGE_FACTORS, _EDGE_REACH = (1, 0.4, 0.4, 0.4, 1), 1
# Glyphs that are smaller than this share of the picture in both directions lose plausibility.
_FULL_SIZE = 0.2
# The plausibility of an infinitely slender glyph, and the slope with which it rises to 1 with the ratio of the sides.
_SLENDER_FACTOR, _RATIO_SLOPE = 0.5, 3


@dataclass(frozen=True, eq=False)
class Glyph:
    """Ink that may be one digit.

    `amount`: float32, shape (height, width), 0 paper to 1 ink, cropped. `plausibility`: how much it looks like
    handwriting: 0 for not at all, 0.2 to 1.6 for real digits.
    """

    amount: Grey
    plausibility: float


def find_glyphs(ink: Ink) -> tuple[Glyph, ...]:
    """The glyphs in the ink, in reading order."""
    strength = _strength(ink)
    if strength == 0:
        return ()
    labels, groups = find_groups(ink.amount > max(_INK_LEVEL * strength, ink.floor))
    return tuple(_glyph(ink, strength, labels, group) for group in groups)


def _strength(ink: Ink) -> float:
    """The mean amount of ink in the strokes of the main piece; 0 if there is no ink."""
    labels, pieces = find_pieces(ink.amount > ink.floor)
    if not len(pieces):
        return 0.0
    main = _heaviest(ink.amount, labels, pieces) if len(pieces) > 1 else 0
    left, top, right, bottom = box_around(pieces[[main]])
    window = slice(top, bottom), slice(left, right)
    return _mean_of_upper_class(ink.amount[window][labels[window] == main])


def _heaviest(amount: Grey, labels: LabelMap, pieces: Pieces) -> int:
    """The index of the piece with the most ink; one at an edge of the picture only if the others have little."""
    mass = np.bincount(labels.ravel() + 1, amount.ravel(), len(pieces) + 1)[1:]
    inside = np.where(are_inside(pieces, amount.shape), mass, 0)
    return int(inside.argmax() if inside.max() > _LEAST_MAIN * mass.max() else mass.argmax())


def _mean_of_upper_class(values: Grey) -> float:
    """The mean of the values above Otsu's threshold (IEEE Transactions on Systems, Man, and Cybernetics 9, 1979)."""
    levels = (values * (255 / values.max())).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    upper = values[levels > threshold]
    return float((upper if len(upper) else values).mean())


def _glyph(ink: Ink, strength: float, labels: LabelMap, group: Group) -> Glyph:
    """The glyph of a group of pieces. `strength`: the amount that counts as 1."""
    box = group.box
    margin = max(_LEAST_MARGIN, round(_MARGIN * max(box.width, box.height)))
    top, left = max(0, box.top - margin), max(0, box.left - margin)
    window = slice(top, box.bottom + margin), slice(left, box.right + margin)
    is_member = np.zeros(int(labels.max()) + 2, bool)  # the last one is for the label -1
    is_member[group.pieces] = True
    mask, amount = is_member[labels[window]], ink.amount[window]
    plausibility = _likeness_to_writing(amount, mask, box, margin) * _place_factor(box, labels.shape)
    # The soft edge of the strokes belongs to the glyph; anything else nearby doesn't.
    near = cv2.dilate(mask.astype(np.uint8), SQUARE)
    lowest = _INK_LEVEL / 2
    scaled = np.clip((amount / strength - lowest) / (1 - lowest), 0, 1) * near
    cropped = scaled[box.top - top : box.bottom - top, box.left - left : box.right - left]
    return Glyph(cropped.astype(np.float32), float(plausibility))


def _place_factor(box: Box, shape: tuple[int, ...]) -> float:
    """The plausibility of a digit by its place and size in a picture of this shape, and its proportions: 0 to 1."""
    edges = [
        box.left <= _EDGE_REACH,
        box.top <= _EDGE_REACH,
        box.right >= shape[1] - _EDGE_REACH,
        box.bottom >= shape[0] - _EDGE_REACH,
    ].count(True)
    share = max(box.width / shape[1], box.height / shape[0])
    ratio = min(box.height, box.width) / max(box.height, box.width)
    proportions = min(1, _SLENDER_FACTOR + _RATIO_SLOPE * ratio)
    return _EDGE_FACTORS[edges] * min(1, share / _FULL_SIZE) * proportions


def _likeness_to_writing(amount: Grey, mask: Mask, box: Box, margin: int) -> float:
    """The contrast of a glyph with its surroundings; 0 if its ink is uneven or its strokes are not those of a pen.

    `amount` and `mask`, the pixels of the glyph, show the box and the margin around it, in pixels.
    """
    stroke = stroke_width(mask) / max(box.height, box.width)
    mask_bytes = mask.astype(np.uint8)
    core = cv2.erode(mask_bytes, SQUARE) > 0
    inside = amount[core] if core.sum() > _LEAST_CORE else amount[mask]
    if not _THINNEST <= stroke <= _THICKEST or inside.std() > _MOST_UNEVEN * inside.mean():
        return 0.0
    frame = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    around = (cv2.dilate(mask_bytes, frame) > 0) & (cv2.dilate(mask_bytes, SQUARE) == 0)
    background = amount[around].mean() if around.any() else 0
    contrast: float = max(amount[mask].mean() - _BACKGROUND_WEIGHT * background, 0)
    return contrast
