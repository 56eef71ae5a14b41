"""Pieces of ink, and the groups of them that may be digits, in reading order.

A piece is ink that hangs together; a group is the pieces that make one digit.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_cli.pictures.ink import Mask

# A piece is a speck below this share of the longest piece's length, a group below this share of the longest group's.
_LEAST_PIECE, _LEAST_GROUP = 0.06, 0.35
# More pieces, or groups, than this are not writing.
_MOST_PIECES, _MOST_GROUPS = 400, 40
# Pieces that touch the picture's edges are not read where another one is longer than this share of the longer side.
_LEAST_INSIDE = 0.08
# A ruled line spans more than the first share of the picture in one direction and less than the second in the other.
_RULED_LENGTH, _RULED_WIDTH = 0.8, 0.08

# Pieces belong to one digit where they are nearer than the stroke is wide, or than this share of the longest piece.
_NEAR = 0.05
# Groups stand above each other like the parts of a 5 where they overlap sideways by more than the first share of the
# narrower one, with a gap below the second share of the higher one, and together are less than so many times as high
# as the higher one, or as wide.
_STACKED_OVERLAP, _STACKED_GAP, _STACKED_HEIGHT = 0.3, 0.25, 1.6
# A group stands on a line where it overlaps it in height by more than this share of the lower of the two.
_LINE_OVERLAP = 0.4

SQUARE = np.ones((3, 3), np.uint8)
"""A pixel and its eight neighbours, as cv2 takes the shape of a morphological operation."""

LabelMap = NDArray[np.int32]
"""int32, shape (height, width): the number of its piece in each pixel, -1 outside of all."""
Pieces = NDArray[np.int32]
"""int32, shape (n, 5): left, top, width, height and area, in pixels, of each piece."""


class Box(NamedTuple):
    """A rectangle in pixels; `right` and `bottom` are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def length(self) -> int:
        """The height, or half of the width where that is more, as in a dash."""
        return max(self.height, self.width // 2)


@dataclass(frozen=True, eq=False)
class Group:
    """Pieces that make one digit, by their numbers, and the box around them."""

    box: Box
    pieces: NDArray[np.intp]


def find_groups(mask: Mask) -> tuple[LabelMap, list[Group]]:
    """The number of its piece in each inked pixel, and the groups of pieces that may be digits, in reading order."""
    labels, pieces = find_pieces(mask)
    chosen = _worth_reading(pieces, mask.shape)
    if not 0 < len(chosen) <= _MOST_PIECES:
        return labels, []
    groups = sorted(_near_each_other(labels, pieces, chosen), key=lambda group: -group.box.length)
    groups = _merged(groups[:_MOST_GROUPS])
    longest = max(group.box.length for group in groups)
    return labels, _in_reading_order([group for group in groups if group.box.length >= _LEAST_GROUP * longest])


def find_pieces(mask: Mask) -> tuple[LabelMap, Pieces]:
    """The number of its piece in each inked pixel, and the pieces."""
    # OpenCV's default algorithm takes three times as long.
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    return labels - 1, stats[1:]


def are_inside(pieces: Pieces, shape: tuple[int, ...]) -> Mask:
    """Which pieces touch none of the picture's edges."""
    left, top, width, height, _ = pieces.T
    inside: Mask = (left > 0) & (top > 0) & (left + width < shape[1]) & (top + height < shape[0])
    return inside


def _worth_reading(pieces: Pieces, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """The numbers of the pieces that may belong to digits.

    Specks don't; nor, unless they are all there is, do pieces at the picture's edges, like a table's, and ruled lines.
    """
    chosen = np.arange(len(pieces))
    length = pieces[:, 2:4].max(axis=1, initial=0)
    inside = are_inside(pieces, shape)
    if (length[inside] > _LEAST_INSIDE * max(shape)).any():
        chosen = chosen[inside]
    spans = pieces[chosen, 2:4] / [shape[1], shape[0]]
    ruled = (spans.max(axis=1, initial=0) > _RULED_LENGTH) & (spans.min(axis=1, initial=1) < _RULED_WIDTH)
    if not ruled.all():
        chosen = chosen[~ruled]
    return np.asarray(chosen[length[chosen] >= _LEAST_PIECE * length[chosen].max(initial=0)])


def box_around(pieces: Pieces) -> Box:
    """The box around some pieces."""
    left, top = pieces[:, :2].min(axis=0).tolist()
    right, bottom = (pieces[:, :2] + pieces[:, 2:4]).max(axis=0).tolist()
    return Box(left, top, right, bottom)


def _near_each_other(labels: LabelMap, pieces: Pieces, chosen: NDArray[np.intp]) -> list[Group]:
    """The chosen pieces in groups without wide gaps inside: the parts of a broken stroke are one group."""
    left, top, right, bottom = box = box_around(pieces[chosen])
    if len(chosen) == 1:
        return [Group(box, chosen)]
    window = labels[top:bottom, left:right]
    is_chosen = np.append(np.isin(np.arange(len(pieces)), chosen), False)  # the last one is for the label -1
    mask = is_chosen[window]
    reach = round(max(stroke_width(mask), _NEAR * int(pieces[chosen, 2:4].max()))) | 1
    joined, _ = find_pieces(cv2.dilate(bordered(mask.astype(np.uint8), reach), np.ones((reach, reach), np.uint8)) > 0)
    joined = joined[reach:-reach, reach:-reach]
    group_of_piece = np.full(len(pieces) + 1, -1)
    group_of_piece[window[mask]] = joined[mask]
    members = [chosen[group_of_piece[chosen] == number] for number in np.unique(group_of_piece[chosen])]
    return [Group(box_around(pieces[numbers]), numbers) for numbers in members]


def _merged(groups: list[Group]) -> list[Group]:
    """The groups, those joined that stand above each other like the parts of a 5."""
    for a, b in combinations(groups, 2):
        if _are_stacked(a.box, b.box):
            joined = Group(_around(a.box, b.box), np.append(a.pieces, b.pieces))
            return _merged([joined if group is a else group for group in groups if group is not b])
    return groups


def _are_stacked(a: Box, b: Box) -> bool:
    overlap = min(a.right, b.right) - max(a.left, b.left)
    gap = max(a.top, b.top) - min(a.bottom, b.bottom)
    around, higher = _around(a, b), max(a.height, b.height)
    return (
        overlap > _STACKED_OVERLAP * min(a.width, b.width)
        and gap < _STACKED_GAP * higher
        and around.height < _STACKED_HEIGHT * max(higher, around.width)
    )


def _around(a: Box, b: Box) -> Box:
    return Box(min(a.left, b.left), min(a.top, b.top), max(a.right, b.right), max(a.bottom, b.bottom))


def _in_reading_order(groups: list[Group]) -> list[Group]:
    lines: list[list[Group]] = []
    for group in sorted(groups, key=lambda group: group.box.top):
        line = next((line for line in lines if _is_on_line(group.box, line)), None)
        if line is None:
            lines.append([group])
        else:
            line.append(group)
    return [group for line in lines for group in sorted(line, key=lambda group: group.box.left)]


def _is_on_line(box: Box, line: list[Group]) -> bool:
    top, bottom = min(group.box.top for group in line), max(group.box.bottom for group in line)
    return min(box.bottom, bottom) - max(box.top, top) > _LINE_OVERLAP * min(box.height, bottom - top)


def bordered(image: NDArray[Any], width: int) -> NDArray[Any]:
    """The image with a border of zeros, `width` pixels wide; for small ones ten times as fast as `np.pad`."""
    return np.asarray(cv2.copyMakeBorder(image, width, width, width, width, cv2.BORDER_CONSTANT))


def stroke_width(mask: Mask) -> float:
    """The median width, in pixels, over all places along the strokes."""
    distance = cv2.distanceTransform(bordered(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)
    ridge = distance[(distance > 0) & (distance == cv2.dilate(distance, SQUARE))]
    return float(2 * np.sort(ridge)[len(ridge) // 2] - 1) if len(ridge) else 0.0
