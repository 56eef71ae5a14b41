"""Images with their labels."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import CLASSES, Images, Labels

# Of each digit, this share is set aside where there is no test part, but at least one image if there are two.
_TEST_SHARE = 0.1
# Labels that change less often than this from one image to the next, as a share of the images, are grouped.
_GROUPED = 0.25

Indices = NDArray[np.intp]
"""intp, shape (n,): positions of images, counted from 0."""


@dataclass(frozen=True)
class Digits:
    """Images with their labels."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice | Indices) -> "Digits":
        return Digits(self.images[part], self.labels[part])


@dataclass(frozen=True)
class Part:
    """A part of a data set.

    `indices`: the position of each image in the file, or among the `paths` of the pictures; None: that in `digits`.
    """

    digits: Digits
    indices: Indices | None = field(default=None, repr=False)
    paths: tuple[Path, ...] = field(default=(), repr=False)

    def index(self, position: int) -> int:
        """The position in the file of the image at a position in `digits`."""
        return position if self.indices is None else int(self.indices[position])

    def path(self, position: int) -> Path | None:
        """The picture at a position in `digits`; None if the images are not pictures of their own."""
        return self.paths[self.index(position)] if self.paths else None


def divided(labels: Labels) -> tuple[Indices, Indices]:
    """The images to train on, and those to test on: the last tenth of each digit."""
    is_test = np.zeros(len(labels), bool)
    for digit in range(CLASSES):
        own = np.flatnonzero(labels == digit)
        if len(own) > 1:
            is_test[own[-max(round(_TEST_SHARE * len(own)), 1) :]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def are_grouped(labels: Labels) -> bool:
    """Whether images are grouped by digit, so that the last ones would not show all digits."""
    return len(labels) > 1 and int((labels[1:] != labels[:-1]).sum()) < _GROUPED * len(labels)


def mixed(labels: Labels) -> Indices:
    """An order in which the images of every digit are evenly spread, and otherwise in the same order."""
    places = np.empty(len(labels))
    for digit in range(CLASSES):
        own = np.flatnonzero(labels == digit)
        places[own] = (np.arange(len(own)) + 0.5) / max(len(own), 1)
    return np.argsort(places, kind="stable")
