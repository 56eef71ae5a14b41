"""Figures from labels and probabilities."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.architecture import CLASSES
from mnist_cli.record import Figures

Labels = NDArray[np.uint8]
Probabilities = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Evaluation:
    """How the answers for `samples` labelled images compare with their labels.

    `confusion`: int64, shape (10, 10), rows the true digit, columns the digit that was read.
    """

    figures: Figures
    samples: int
    confusion: NDArray[np.int64]

    @property
    def errors(self) -> int:
        return self.samples - int(np.trace(self.confusion))

    def digit_accuracy(self, digit: int) -> float | None:
        """The share of the images of `digit` that were read right; None where there are none."""
        support = self.confusion[digit].sum()
        return float(self.confusion[digit, digit] / support) if support else None


def evaluate(labels: Labels, probabilities: Probabilities) -> Evaluation:
    """Judge probabilities of the shape (n, 10) by labels of the shape (n,), n > 0."""
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (labels, probabilities.argmax(axis=1)), 1)
    accuracy = float(np.trace(confusion) / len(labels))
    return Evaluation(Figures(cross_entropy(labels, probabilities), accuracy), len(labels), confusion)


def cross_entropy(labels: Labels, probabilities: Probabilities) -> float:
    """The mean of -log(probability of the true digit), in nats.

    A probability of 0 counts as the smallest positive number of its type, so that one wrong certainty costs much but
    not everything.
    """
    of_truth = np.take_along_axis(probabilities, labels[:, np.newaxis].astype(np.intp), axis=1)
    return float(-np.log(np.maximum(of_truth, np.finfo(probabilities.dtype).tiny)).mean(dtype=np.float64))
