"""Metrics from labels and probabilities."""

from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import CLASSES, Labels, Probabilities
from mnist_cli.figures import Metrics

_Z_95 = 1.959963984540054  # the quantile of the normal distribution that leaves 2.5 % above it


@dataclass(frozen=True)
class DigitScores:
    """How well one digit is read; shares of 1, None where there is nothing to take a share of.

    `precision`: of the images read as the digit, those that show it. `recall`: of the images that show it, those
    read as it. `f1`: the harmonic mean of both, 2 right / (support + read). `support`: the images that show it.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class MacroScores:
    """The unweighted means over the digits that occur, shown or read; what a digit has none of counts as 0.

    This is what scikit-learn's `average="macro"` gives.
    """

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """A digit read as another: `count` of the `support` images that show `label` were read as `answer`."""

    label: int
    answer: int
    count: int
    support: int


@dataclass(frozen=True)
class Mistake:
    """An image that was misread: its place in the data set from 0, and the probability (0 to 1) of the wrong answer."""

    index: int
    label: int
    answer: int
    confidence: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How the probabilities for some images, at least one, compare with their labels."""

    labels: Labels = field(repr=False)
    probabilities: Probabilities = field(repr=False)

    @property
    def samples(self) -> int:
        return len(self.labels)

    @cached_property
    def answers(self) -> NDArray[np.intp]:
        """The digit that was read in each image, shape (n,)."""
        answers: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return answers

    @cached_property
    def confidences(self) -> NDArray[np.float64]:
        """The probability of each answer, shape (n,), 0 to 1."""
        confidences: NDArray[np.float64] = self.probabilities.max(axis=1).astype(np.float64)
        return confidences

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether each image was read right, shape (n,)."""
        right: NDArray[np.bool_] = self.answers == self.labels
        return right

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """int64, shape (10, 10): rows the true digit, columns the digit that was read."""
        counts = np.zeros((CLASSES, CLASSES), np.int64)
        np.add.at(counts, (self.labels, self.answers), 1)
        return counts

    @cached_property
    def metrics(self) -> Metrics:
        accuracy = float(np.trace(self.confusion) / self.samples)
        return Metrics(cross_entropy(self.labels, self.probabilities), accuracy)

    @property
    def errors(self) -> int:
        return self.samples - int(np.trace(self.confusion))

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """The 95 % Wilson score interval of the accuracy."""
        return wilson_interval(self.samples - self.errors, self.samples)

    def digit_accuracy(self, digit: int) -> float | None:
        """The share of the images of `digit` that were read right; None where there are none."""
        return self.digit_scores[digit].recall

    @cached_property
    def digit_scores(self) -> tuple[DigitScores, ...]:
        """The scores of the ten digits, in order."""
        right = self.confusion.diagonal().tolist()
        support, read = self.confusion.sum(axis=1).tolist(), self.confusion.sum(axis=0).tolist()
        return tuple(
            DigitScores(_share(hits, seen), _share(hits, shown), _share(2 * hits, shown + seen), shown)
            for hits, shown, seen in zip(right, support, read, strict=True)
        )

    @property
    def macro(self) -> MacroScores:
        met = [scores for scores in self.digit_scores if scores.f1 is not None]

        def mean(name: str) -> float:
            return sum(getattr(scores, name) or 0.0 for scores in met) / len(met)

        return MacroScores(mean("precision"), mean("recall"), mean("f1"))

    @property
    def confusions(self) -> tuple[Confusion, ...]:
        """Every pair of digits of which one was read as the other, the most frequent first."""
        pairs = (
            Confusion(label, answer, int(self.confusion[label, answer]), self.digit_scores[label].support)
            for label, answer in np.argwhere(self.confusion).tolist()
            if label != answer
        )
        return tuple(sorted(pairs, key=lambda pair: (-pair.count, pair.support)))

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:
        """Every image that was misread, the worst first: that with the highest confidence in the wrong answer."""
        indices = np.flatnonzero(~self.right)
        worst_first = indices[np.argsort(-self.confidences[indices], kind="stable")]
        return tuple(
            Mistake(index, int(self.labels[index]), int(self.answers[index]), float(self.confidences[index]))
            for index in worst_first.tolist()
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share, from 0 to 1, of `successes` in `trials`, at least one.

    The score interval of Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    J. Am. Stat. Assoc. 22: unlike the usual normal interval, it keeps within 0 and 1 and holds near them.
    """
    share, z2 = successes / trials, _Z_95**2
    centre = share + z2 / (2 * trials)
    half = _Z_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    scale = 1 + z2 / trials
    # At 0 and at 1 the interval ends there, which rounding would miss by a hair.
    return min((centre - half) / scale, share), max((centre + half) / scale, share)


def cross_entropy(labels: Labels, probabilities: Probabilities) -> float:
    """The mean of -log(probability of the true digit), in nats.

    A probability of 0 counts as the smallest positive number of its type, so that one wrong certainty costs much but
    not everything.
    """
    of_truth = np.take_along_axis(probabilities, labels[:, np.newaxis].astype(np.intp), axis=1)
    return float(-np.log(np.maximum(of_truth, np.finfo(probabilities.dtype).tiny)).mean(dtype=np.float64))
