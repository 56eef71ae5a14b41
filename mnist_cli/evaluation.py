"""Metrics from labels and probabilities."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnist_cli.architecture import CLASSES
from mnist_cli.arrays import Labels, Probabilities
from mnist_cli.record import Metrics


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How the probabilities for some images, at least one, compare with their labels."""

    labels: Labels = field(repr=False)
    probabilities: Probabilities = field(repr=False)

    @property
    def samples(self) -> int:
        return len(self.labels)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """int64, shape (10, 10): rows the true digit, columns the digit that was read."""
        counts = np.zeros((CLASSES, CLASSES), np.int64)
        np.add.at(counts, (self.labels, self.probabilities.argmax(axis=1)), 1)
        return counts

    @cached_property
    def metrics(self) -> Metrics:
        accuracy = float(np.trace(self.confusion) / self.samples)
        return Metrics(cross_entropy(self.labels, self.probabilities), accuracy)

    @property
    def errors(self) -> int:
        return self.samples - int(np.trace(self.confusion))

    def digit_accuracy(self, digit: int) -> float | None:
        """The share of the images of `digit` that were read right; None where there are none."""
        support = self.confusion[digit].sum()
        return float(self.confusion[digit, digit] / support) if support else None


def cross_entropy(labels: Labels, probabilities: Probabilities) -> float:
    """The mean of -log(probability of the true digit), in nats.

    A probability of 0 counts as the smallest positive number of its type, so that one wrong certainty costs much but
    not everything.
    """
    of_truth = np.take_along_axis(probabilities, labels[:, np.newaxis].astype(np.intp), axis=1)
    return float(-np.log(np.maximum(of_truth, np.finfo(probabilities.dtype).tiny)).mean(dtype=np.float64))
