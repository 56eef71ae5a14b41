"""Detecting images that lie, shine or stand otherwise than MNIST's: turned, mirrored, inverted or shifted.

The model that comes with mnistcli reads a sample of the images as they are; if it reads that badly, it reads the sample
put right in every way, and one that is clearly better is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import SIDE, Images
from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.values import Classes
from mnist_cli.model.engine import Engine, open_engine
from mnist_cli.model.file import read_model

_SAMPLE, _FIRST_SAMPLE = 256, 64
# The share of a sample that is read right: from this on, the images are as MNIST's; a change must reach the second; at
# less than the third, after all, they may not be digits, or have other labels.
_GOOD, _PUT_RIGHT, _DOUBTFUL = 0.98, 0.7, 0.5
# In standard errors (McNemar's): by how much a change must be better than none.
_CLEARLY_BETTER = 4.0
# How many of the changes that are best on the first sample are tried on the whole.
_FINALISTS = 3
# In pixels: by how much the centre of a set may differ from MNIST's, which is at this position.
_TOLERANCE, _CENTRE = 1.0, 14

_TURNS = {
    (False, False, False): "",
    (True, False, False): "transposed",
    (False, True, False): "upside down",
    (False, False, True): "mirrored",
    (False, True, True): "rotated by 180 degrees",
    (True, True, False): "rotated by 90 degrees",
    (True, False, True): "rotated by 270 degrees",
    (True, True, True): "transposed and rotated by 180 degrees",
}
"""What is wrong with images that are put right by transposing them, by turning the rows round, and the columns."""


@dataclass(frozen=True)
class Change:
    """What puts images right: inverting them, rolling them by `shift` (down, right), and then turning them."""

    inverted: bool = False
    shift: tuple[int, int] = (0, 0)
    turn: tuple[bool, bool, bool] = (False, False, False)

    def __str__(self) -> str:
        """What is wrong with the images, in words; empty if nothing is."""
        down, right = self.shift
        words = ["inverted"] if self.inverted else []
        if any(self.shift):
            words.append(
                f"shifted by {abs(right)} pixels {'left' if right > 0 else 'right'} and {abs(down)} "
                f"{'up' if down > 0 else 'down'}"
            )
        return ", ".join([*words, *filter(None, [_TURNS[self.turn]])])

    def applied(self, images: Images) -> Images:
        """The images, put right: uint8, shape (n, 28, 28)."""
        if self.inverted:
            images = 255 - images
        if any(self.shift):
            images = np.roll(images, self.shift, axis=(1, 2))
        transposed, rows, columns = self.turn
        if transposed:
            images = images.transpose(0, 2, 1)
        return np.ascontiguousarray(images[:, :: -1 if rows else 1, :: -1 if columns else 1])


@dataclass(frozen=True)
class Finding:
    """The change that puts images right, and how many of a sample the model then reads as they are labelled."""

    change: Change
    right: int
    sample: int

    @property
    def is_doubtful(self) -> bool:
        """Whether the images may not be digits, or have other labels."""
        return self.right < _DOUBTFUL * self.sample


def examine(images: Images, labels: Classes) -> Finding:
    """Find what puts one or more images right: uint8, shapes (n, 28, 28) and (n,)."""
    chosen = np.linspace(0, len(images) - 1, min(_SAMPLE, len(images))).round().astype(np.intp)
    images, labels = images[chosen], labels[chosen]
    answers = _Answers(images, labels)
    plain = Change()
    if answers.right(plain, len(images)).mean() >= _GOOD:
        return answers.finding(plain)
    changes = [
        Change(inverted, shift, turn)
        for inverted in (False, True)
        for shift in _shifts(255 - images if inverted else images)
        for turn in _TURNS
    ]
    few = min(_FIRST_SAMPLE, len(images))
    finalists = sorted(changes, key=lambda change: -answers.right(change, few).sum())[:_FINALISTS]
    best = max(finalists, key=lambda change: answers.right(change, len(images)).sum())
    return answers.finding(best if answers.is_clearly_better(best, plain) else plain)


def _shifts(images: Images) -> Sequence[tuple[int, int]]:
    """No shift, and the shift to MNIST's centre if the images stand clearly elsewhere, with what was rolled round."""
    mean = images.mean(axis=0)
    shift = (_to_centre(mean.sum(axis=1)), _to_centre(mean.sum(axis=0)))
    return [(0, 0), shift] if any(shift) else [(0, 0)]


def _to_centre(profile: NDArray[np.float64]) -> int:
    """By how many pixels to roll a profile of brightness to have its centre of mass, on a circle, in the middle."""
    angles = 2j * np.pi * np.arange(SIDE) / SIDE
    centre = np.angle((profile * np.exp(angles)).sum()) * SIDE / (2 * np.pi)
    offset = (_CENTRE - centre + SIDE / 2) % SIDE - SIDE / 2
    return round(offset) if abs(offset) > _TOLERANCE else 0


class _Answers:
    """Which images of a sample the model reads as they are labelled, with each change, computed once."""

    def __init__(self, images: Images, labels: Classes) -> None:
        self._images, self._labels = images, labels
        self._engine = shipped_engine()
        self._right = cache(self._read)

    def right(self, change: Change, count: int) -> NDArray[np.bool_]:
        """Whether each of `count` images, evenly chosen, is read right: shape (count,)."""
        return self._right(change, count)

    def _read(self, change: Change, count: int) -> NDArray[np.bool_]:
        chosen = np.linspace(0, len(self._images) - 1, count).round().astype(np.intp)
        answers = self._engine.probabilities(change.applied(self._images[chosen])).argmax(axis=1)
        right: NDArray[np.bool_] = answers == self._labels[chosen]
        return right

    def is_clearly_better(self, change: Change, other: Change) -> bool:
        """Whether a change reads well, and clearly better than another one."""
        count = len(self._images)
        right, other_right = self.right(change, count), self.right(other, count)
        gained, lost = (right & ~other_right).sum(), (other_right & ~right).sum()
        return bool(right.mean() >= _PUT_RIGHT and gained - lost >= _CLEARLY_BETTER * np.sqrt(gained + lost) > 0)

    def finding(self, change: Change) -> Finding:
        right = self.right(change, len(self._images))
        return Finding(change, int(right.sum()), len(right))


@cache
def shipped_engine() -> Engine:
    """The engine for the model that comes with mnistcli."""
    return open_engine(read_model(MODEL_PATH))
