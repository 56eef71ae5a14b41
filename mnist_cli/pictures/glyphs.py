"""The ink of a picture taken apart into the digits that it may be, in reading order.

A piece is ink that hangs together; a glyph is the pieces that make one digit.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_cli.pictures.ink import Grey, Ink, Mask

# Ink is what has more than this share of the strength of the main piece.
_INK_LEVEL = 0.4
# Shares of the longest piece, below which a piece is a speck, and of the longest glyph, below which a glyph is one.
_LEAST_PIECE, _LEAST_GLYPH = 0.06, 0.35
# Pieces are parts of one digit where they are nearer than the stroke is wide, or than this share of the longest piece.
_NEAR = 0.05
# More pieces, or glyphs, than these are no writing.
_MOST_PIECES, _MOST_GLYPHS = 400, 40
# Widths of strokes as shares of a digit's longer side, outside which there is no pen; the least and greatest in
# thousands of real digits are 0.01 and 0.34.
_STROKES = (0.008, 0.42)
# The deviation of the ink inside a stroke, as a share of its mean: up to 0.22 in real ones.
_MOST_UNEVEN = 0.3

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are the first outside."""
Pieces = NDArray[np.int32]
"""int32, shape (n, 5): left, top, width, height and area in pixels of each piece."""


@dataclass(frozen=True, eq=False)
class Glyph:
    """What may be one digit.

    `amount`: float32, shape (height, width), 0 to 1 ink, cropped. `plausibility`: how much it is like ink that
    somebody wrote; 0: not at all; real digits have 0.2 to 1.6.
    """

    amount: Grey
    plausibility: float


def find_glyphs(ink: Ink) -> tuple[Glyph, ...]:
    """The glyphs in the ink, line by line and from left to right."""
    strength = _strength(ink)
    if strength == 0:
        return ()
    labels, pieces = _pieces(ink.amount > max(_INK_LEVEL * strength, ink.floor))
    chosen = _worth_reading(pieces, ink.amount.shape)
    if not 0 < len(chosen) <= _MOST_PIECES:
        return ()
    groups = _merged([(_box(pieces[group]), group) for group in _near_each_other(labels, pieces, chosen)])
    longest = max(_length(box) for box, _ in groups)
    groups = [(box, group) for box, group in groups if _length(box) >= _LEAST_GLYPH * longest]
    return tuple(_glyph(ink, strength, labels, box, group) for box, group in _in_reading_order(groups))


def _pieces(mask: Mask) -> tuple[NDArray[np.int32], Pieces]:
    """The number of its piece in each pixel, -1 outside of all, and the pieces."""
    # The algorithm that OpenCV takes by itself needs three times as long.
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    return labels - 1, stats[1:]


def _strength(ink: Ink) -> float:
    """The amount of ink in the main piece's strokes; 0 where there is no ink."""
    labels, pieces = _pieces(ink.amount > ink.floor)
    if not len(pieces):
        return 0.0
    main = _heaviest(ink.amount, labels, pieces) if len(pieces) > 1 else 0
    left, top, right, bottom = _box(pieces[[main]])
    window = slice(top, bottom), slice(left, right)
    return _mean_of_upper_class(ink.amount[window][labels[window] == main])


def _heaviest(amount: Grey, labels: NDArray[np.int32], pieces: Pieces) -> int:
    """The piece with the most ink; one that touches an edge of the picture only where there is little else."""
    mass = np.bincount(labels.ravel() + 1, amount.ravel(), len(pieces) + 1)[1:]
    inside = np.where(_touching(pieces, amount.shape) > 0, 0, mass)
    return int(inside.argmax() if inside.max() > 0.02 * mass.max() else mass.argmax())


def _mean_of_upper_class(values: Grey) -> float:
    """The mean of what lies above Otsu's threshold (IEEE Transactions on Systems, Man, and Cybernetics 9, 1979)."""
    levels = (values * (255 / values.max())).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    upper = values[levels > threshold]
    return float((upper if len(upper) else values).mean())


def _touching(pieces: Pieces, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """How many of the picture's four edges each piece touches."""
    left, top, width, height, _ = pieces.T
    sides = (left == 0, top == 0, left + width == shape[1], top + height == shape[0])
    return np.asarray(np.sum(sides, axis=0))


def _worth_reading(pieces: Pieces, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Which pieces may belong to digits: no specks, no edge of the table, no ruled lines where there is more."""
    chosen = np.arange(len(pieces))
    length = pieces[:, 2:4].max(axis=1, initial=0)
    inside = _touching(pieces, shape) == 0
    if (length[inside] > 0.08 * max(shape)).any():
        chosen = chosen[inside]
    spans = pieces[chosen, 2:4] / [shape[1], shape[0]]
    lines = (spans.max(axis=1, initial=0) > 0.8) & (spans.min(axis=1, initial=1) < 0.08)
    if not lines.all():
        chosen = chosen[~lines]
    return np.asarray(chosen[length[chosen] >= _LEAST_PIECE * length[chosen].max(initial=0)])


def _box(pieces: Pieces) -> Box:
    """The box around some pieces."""
    left, top = pieces[:, :2].min(axis=0).tolist()
    right, bottom = (pieces[:, :2] + pieces[:, 2:4]).max(axis=0).tolist()
    return left, top, right, bottom


def _length(box: Box) -> int:
    """How long a glyph is; lying ones, like dashes, count half."""
    return max(box[3] - box[1], (box[2] - box[0]) // 2)


def _near_each_other(labels: NDArray[np.int32], pieces: Pieces, chosen: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The pieces in groups without wide gaps inside: what is left of a broken stroke is one group."""
    if len(chosen) == 1:
        return [chosen]
    left, top, right, bottom = _box(pieces[chosen])
    is_chosen = np.append(np.isin(np.arange(len(pieces)), chosen), False)  # the last one is for the label -1
    mask = is_chosen[labels[top:bottom, left:right]]
    reach = round(max(stroke_width(mask), _NEAR * int(pieces[chosen, 2:4].max()))) | 1
    joined, _ = _pieces(cv2.dilate(bordered(mask.astype(np.uint8), reach), np.ones((reach, reach), np.uint8)) > 0)
    joined = joined[reach:-reach, reach:-reach]
    group_of_piece = np.full(len(pieces) + 1, -1)
    group_of_piece[labels[top:bottom, left:right][mask]] = joined[mask]
    return [chosen[group_of_piece[chosen] == group] for group in np.unique(group_of_piece[chosen])]


Group = tuple[Box, NDArray[np.intp]]


def _merged(groups: list[Group]) -> list[Group]:
    """The groups with those made one that stand above each other like the parts of a 5."""
    groups = sorted(groups, key=lambda group: -_length(group[0]))[:_MOST_GLYPHS]
    first = 0
    while first < len(groups):
        other = next((i for i in range(len(groups)) if i != first and _stacked(groups[first][0], groups[i][0])), None)
        if other is None:
            first += 1
            continue
        (one, its), (another, others) = groups[first], groups[other]
        corner = min(one[0], another[0]), min(one[1], another[1])
        groups[first] = (*corner, max(one[2], another[2]), max(one[3], another[3])), np.append(its, others)
        del groups[other]
        first = 0
    return groups


def _stacked(one: Box, other: Box) -> bool:
    overlap = min(one[2], other[2]) - max(one[0], other[0])
    gap = max(one[1], other[1]) - min(one[3], other[3])
    narrower = min(one[2] - one[0], other[2] - other[0])
    higher = max(one[3] - one[1], other[3] - other[1])
    wide = max(one[2], other[2]) - min(one[0], other[0])
    high = max(one[3], other[3]) - min(one[1], other[1])
    return overlap > 0.3 * narrower and gap < 0.25 * higher and high < 1.6 * max(higher, wide)


def _in_reading_order(groups: list[Group]) -> list[Group]:
    lines: list[list[Group]] = []
    for group in sorted(groups, key=lambda group: group[0][1]):
        line = next((line for line in lines if _beside(line, group[0])), None)
        if line is None:
            lines.append([group])
        else:
            line.append(group)
    return [group for line in lines for group in sorted(line, key=lambda group: group[0][0])]


def _beside(line: list[Group], box: Box) -> bool:
    """Whether a box stands on a line of others."""
    top, bottom = min(other[1] for other, _ in line), max(other[3] for other, _ in line)
    return min(box[3], bottom) - max(box[1], top) > 0.4 * min(box[3] - box[1], bottom - top)


def _glyph(ink: Ink, strength: float, labels: NDArray[np.int32], box: Box, group: NDArray[np.intp]) -> Glyph:
    left, top, right, bottom = box
    margin = max(3, round(0.08 * max(right - left, bottom - top)))
    rows, columns = (slice(max(0, low - margin), high + margin) for low, high in ((top, bottom), (left, right)))
    is_member = np.zeros(int(labels.max()) + 2, bool)
    is_member[group] = True
    part, amount = is_member[labels[rows, columns]], ink.amount[rows, columns]
    sides = sum(map(int, (left <= 1, top <= 1, right >= labels.shape[1] - 1, bottom >= labels.shape[0] - 1)))
    share = max((right - left) / labels.shape[1], (bottom - top) / labels.shape[0])
    inner = slice(top - rows.start, bottom - rows.start), slice(left - columns.start, right - columns.start)
    # The soft edge of the strokes belongs to them, not so what else stands near.
    near = cv2.dilate(part.astype(np.uint8), np.ones((3, 3), np.uint8))[inner]
    lowest = _INK_LEVEL / 2
    inked = np.clip((amount[inner] / strength - lowest) / (1 - lowest), 0, 1) * near
    return Glyph(inked.astype(np.float32), _plausibility(amount, part, margin, sides, share))


def _plausibility(amount: Grey, part: Mask, margin: int, sides: int, share: float) -> float:
    """How much a glyph is like writing: darker than what is around it, even in itself, in strokes of a pen.

    `margin` is the width, in pixels, of what counts as around it; `sides`, how many edges of the picture it touches:
    none for a digit on its page, all four in a tight crop; `share`, how much of the picture's height or width it takes.
    """
    height, width = (int(np.ptp(np.flatnonzero(part.any(axis=axis)))) + 1 for axis in (1, 0))
    stroke = stroke_width(part) / max(height, width)
    flat = part.astype(np.uint8)
    core = cv2.erode(flat, np.ones((3, 3), np.uint8)) > 0
    inside = amount[core] if core.sum() > 10 else amount[part]
    if not _STROKES[0] <= stroke <= _STROKES[1] or inside.std() > _MOST_UNEVEN * inside.mean():
        return 0.0
    frame = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    around = (cv2.dilate(flat, frame) > 0) & (cv2.dilate(flat, np.ones((3, 3), np.uint8)) == 0)
    background = amount[around].mean() if around.any() else 0
    contrast = max(amount[part].mean() - 2 * background, 0)
    slenderness = min(height, width) / max(height, width)
    factors = (1, 0.4, 0.4, 0.4, 1)[sides] * min(1, share / 0.2) * min(1, 0.5 + 3 * slenderness)
    return float(contrast * factors)


def bordered(image: NDArray[Any], width: int) -> NDArray[Any]:
    """The image with so many pixels of 0 around it; for small ones ten times as fast as `np.pad`."""
    return np.asarray(cv2.copyMakeBorder(image, width, width, width, width, cv2.BORDER_CONSTANT))


def stroke_width(mask: Mask) -> float:
    """The width, in pixels, of the middle one of all places along the strokes."""
    distance = cv2.distanceTransform(bordered(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)
    ridge = distance[(distance > 0) & (distance == cv2.dilate(distance, np.ones((3, 3), np.uint8)))]
    return float(2 * np.sort(ridge)[len(ridge) // 2] - 1) if len(ridge) else 0.0
