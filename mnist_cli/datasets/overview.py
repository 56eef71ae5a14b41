"""What is in a data set: its images per digit, duplicates, and the labels that the model on board doubts."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import CLASSES, Images
from mnist_cli.datasets.dataset import MNIST_SHA256, Dataset
from mnist_cli.datasets.digits import Part
from mnist_cli.datasets.orientation import shipped_engine
from mnist_cli.datasets.stored import TRAIN

_EXAMPLES = 3  # of each digit


@dataclass(frozen=True)
class Suspect:
    """An image that the model reads otherwise than it is labelled. `index`: its position in the file, from 0.

    `confidence`: the probability of the label, 0 to 1. `path`: the picture, if it is one of its own.
    """

    part: str
    index: int
    label: int
    answer: int
    confidence: float
    path: Path | None
    pixels: NDArray[np.uint8] = field(repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class PartOverview:
    """A part of a data set: its images per digit, their range of pixels, and how many repeat another one in it.

    `means`: the mean image of each digit, uint8, shape (10, 28, 28), black if there is none. `examples`: of each digit,
    up to three images, evenly chosen: uint8, shape (n, 28, 28).
    """

    name: str
    counts: tuple[int, ...]
    lowest: int
    highest: int
    duplicates: int
    means: Images
    examples: tuple[Images, ...]


@dataclass(frozen=True, eq=False)
class Overview:
    """A data set laid open. `duplicates`: the number of images that are in more than one part.

    `suspects`: the most doubtful first. `is_known`: the model has learned from some of the images, so that it doubts
    fewer of their labels.
    """

    name: str
    parts: tuple[PartOverview, ...]
    duplicates: int
    suspects: tuple[Suspect, ...]
    is_known: bool


def survey(dataset: Dataset) -> Overview:
    """Lay a data set open. Raises `DataError`."""
    parts = {name: dataset.part(name) for name in dataset.part_names}
    suspects = [suspect for name, part in parts.items() for suspect in find_suspects(name, part)]
    distinct = [set(map(bytes, part.digits.images)) for part in parts.values()]
    return Overview(
        dataset.name,
        tuple(_part_overview(name, part) for name, part in parts.items()),
        len(set.intersection(*distinct)) if len(distinct) > 1 else 0,
        tuple(sorted(suspects, key=lambda suspect: suspect.confidence)),
        dataset.sha256 == MNIST_SHA256 and TRAIN in parts,
    )


def _part_overview(name: str, part: Part) -> PartOverview:
    images, labels = part.digits.images, part.digits.labels
    repeated = Counter(map(bytes, images))
    means = np.zeros((CLASSES, *images.shape[1:]), np.uint8)
    for digit in set(labels.tolist()):
        means[digit] = np.rint(images[labels == digit].mean(axis=0))
    own = [np.flatnonzero(labels == digit) for digit in range(CLASSES)]
    examples = tuple(images[indices[:: -(-len(indices) // _EXAMPLES) or 1]] for indices in own)
    counts = tuple(np.bincount(labels, minlength=CLASSES).tolist())
    return PartOverview(
        name, counts, int(images.min()), int(images.max()), len(images) - len(repeated), means, examples
    )


def find_suspects(name: str, part: Part) -> tuple[Suspect, ...]:
    """The images of a part that the model on board reads otherwise than they are labelled.

    They are ordered by the model's probability of the label, the lowest first, which ranks wrong labels best: the
    self-confidence of Northcutt et al. 2021, "Confident learning", J. Artif. Intell. Res. 70.
    """
    images, labels = part.digits.images, part.digits.labels
    probabilities = shipped_engine().probabilities(images)
    own, answers = probabilities[np.arange(len(labels)), labels], probabilities.argmax(axis=1)
    doubted = np.flatnonzero(answers != labels)
    return tuple(
        Suspect(
            name,
            part.index(position),
            int(labels[position]),
            int(answers[position]),
            float(own[position]),
            part.path(position),
            images[position],
        )
        for position in doubted[np.argsort(own[doubted], kind="stable")].tolist()
    )
