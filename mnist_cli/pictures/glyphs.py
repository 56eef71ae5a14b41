"""The ink of a picture taken apart into glyphs, each of which may be one digit, in reading order."""

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

# A pixel is ink above this share of the strength of the main piece; the soft edge of a stroke begins at half of it.
_INK_LEVEL = 0.4
# What lies inside the picture counts as its main piece with at least this share of the ink of the heaviest piece.
_LEAST_MAIN = 0.02

# The width of what counts as around a glyph, as a share of its longer side, and at least in pixels.
_MARGIN, _LEAST_MARGIN = 0.08, 3
# Widths of strokes that a pen makes, as shares of a digit's longer side; thousands of real digits have 0.01 to 0.34.
_THINNEST, _THICKEST = 0.008, 0.42
# The deviation of the ink inside a stroke, as a share of its mean: up to 0.22 in real ones.
_MOST_UNEVEN = 0.3
# Evenness is judged without the edges of the strokes where more pixels than this are left.
_LEAST_CORE = 10
# How much darkness around a glyph takes from its contrast.
_BACKGROUND_WEIGHT = 2
# The plausibility of a glyph by how many of the picture's edges it comes within so many pixels of: a digit stands free
# on its page, or fills a tight crop.
_EDGE_FACTORS, _EDGE_REACH = (1, 0.4, 0.4, 0.4, 1), 1
# Glyphs below this share of the picture's height and width lose plausibility.
_FULL_SIZE = 0.2
# The plausibility of an infinitely thin glyph, and how fast it rises to 1 with the ratio of its sides.
_THIN_FACTOR, _WIDTH_FACTOR = 0.5, 3


@dataclass(frozen=True, eq=False)
class Glyph:
    """What may be one digit.

    `amount`: float32, shape (height, width), 0 to 1 ink, cropped. `plausibility`: how much it looks like handwriting:
    0 for not at all, 0.2 to 1.6 for real digits.
    """

    amount: Grey
    plausibility: float


def find_glyphs(ink: Ink) -> tuple[Glyph, ...]:
    """The glyphs in the ink, line by line and from left to right."""
    strength = _strength(ink)
    if strength == 0:
        return ()
    labels, groups = find_groups(ink.amount > max(_INK_LEVEL * strength, ink.floor))
    return tuple(_glyph(ink, strength, labels, group) for group in groups)


def _strength(ink: Ink) -> float:
    """The amount of ink in the main piece's strokes; 0 where there is no ink."""
    labels, pieces = find_pieces(ink.amount > ink.floor)
    if not len(pieces):
        return 0.0
    main = _heaviest(ink.amount, labels, pieces) if len(pieces) > 1 else 0
    left, top, right, bottom = box_around(pieces[[main]])
    window = slice(top, bottom), slice(left, right)
    return _mean_of_upper_class(ink.amount[window][labels[window] == main])


def _heaviest(amount: Grey, labels: LabelMap, pieces: Pieces) -> int:
    """The piece with the most ink; one that touches an edge of the picture only where there is little else."""
    mass = np.bincount(labels.ravel() + 1, amount.ravel(), len(pieces) + 1)[1:]
    inside = np.where(are_inside(pieces, amount.shape), mass, 0)
    return int(inside.argmax() if inside.max() > _LEAST_MAIN * mass.max() else mass.argmax())


def _mean_of_upper_class(values: Grey) -> float:
    """The mean of what lies above Otsu's threshold (IEEE Transactions on Systems, Man, and Cybernetics 9, 1979)."""
    levels = (values * (255 / values.max())).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    upper = values[levels > threshold]
    return float((upper if len(upper) else values).mean())


def _glyph(ink: Ink, strength: float, labels: LabelMap, group: Group) -> Glyph:
    left, top, right, bottom = group.box
    margin = max(_LEAST_MARGIN, round(_MARGIN * max(group.box.width, group.box.height)))
    rows, columns = slice(max(0, top - margin), bottom + margin), slice(max(0, left - margin), right + margin)
    is_member = np.zeros(int(labels.max()) + 2, bool)  # the last one is for the label -1
    is_member[group.pieces] = True
    part, amount = is_member[labels[rows, columns]], ink.amount[rows, columns]
    inner = slice(top - rows.start, bottom - rows.start), slice(left - columns.start, right - columns.start)
    # The soft edge of the strokes belongs to the glyph; anything else nearby doesn't.
    near = cv2.dilate(part.astype(np.uint8), SQUARE)[inner]
    lowest = _INK_LEVEL / 2
    inked = np.clip((amount[inner] / strength - lowest) / (1 - lowest), 0, 1) * near
    plausibility = _likeness_to_writing(amount, part, group.box, margin) * _place_factor(group.box, labels.shape)
    return Glyph(inked.astype(np.float32), float(plausibility))


def _place_factor(box: Box, shape: tuple[int, ...]) -> float:
    """How plausible a digit is in this place of a picture of that shape, and of this size and proportions: 0 to 1."""
    edges = [
        box.left <= _EDGE_REACH,
        box.top <= _EDGE_REACH,
        box.right >= shape[1] - _EDGE_REACH,
        box.bottom >= shape[0] - _EDGE_REACH,
    ].count(True)
    share = max(box.width / shape[1], box.height / shape[0])
    slenderness = min(box.height, box.width) / max(box.height, box.width)
    proportions = min(1, _THIN_FACTOR + _WIDTH_FACTOR * slenderness)
    return _EDGE_FACTORS[edges] * min(1, share / _FULL_SIZE) * proportions


def _likeness_to_writing(amount: Grey, part: Mask, box: Box, margin: int) -> float:
    """How much darker a glyph is than what is around it; 0 where it is uneven in itself or not in strokes of a pen.

    `amount` and `part`, the pixels of the glyph, have a margin, in pixels, of what counts as around its box.
    """
    stroke = stroke_width(part) / max(box.height, box.width)
    flat = part.astype(np.uint8)
    core = cv2.erode(flat, SQUARE) > 0
    inside = amount[core] if core.sum() > _LEAST_CORE else amount[part]
    if not _THINNEST <= stroke <= _THICKEST or inside.std() > _MOST_UNEVEN * inside.mean():
        return 0.0
    frame = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    around = (cv2.dilate(flat, frame) > 0) & (cv2.dilate(flat, SQUARE) == 0)
    background = amount[around].mean() if around.any() else 0
    contrast: float = max(amount[part].mean() - _BACKGROUND_WEIGHT * background, 0)
    return contrast
