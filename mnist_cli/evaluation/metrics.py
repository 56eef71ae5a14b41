"""The metrics of a model, from labels and probabilities."""

from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import CLASSES, Labels, Probabilities
from mnist_cli.figures import Metrics

_Z_95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


@dataclass(frozen=True)
class DigitScores:
    """How well one digit is read. The scores are 0 to 1, or None if they would divide by 0.

    `precision`: of the images read as this digit, the share that show it. `recall`: of the images that show it, the
    share read as it. `f1`: the harmonic mean of both. `support`: the number of images that show it.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class MacroScores:
    """The unweighted means over the digits that occur as labels or answers; None counts as 0.

    These are the scores of scikit-learn with `average="macro"`.
    """

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """Of the `support` images that show the digit `label`, `count` were read as `answer`."""

    label: int
    answer: int
    count: int
    support: int


@dataclass(frozen=True)
class Mistake:
    """A misread image: its index in the data set, and the probability of the wrong answer, 0 to 1."""

    index: int
    label: int
    answer: int
    confidence: float


@dataclass(frozen=True)
class Trial:
    """The number of errors and the accuracy, 0 to 1, after a change of all images by `amount` in `unit`."""

    change: str
    amount: float | None
    unit: str
    errors: int
    accuracy: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The labels of one or more images, and a model's probabilities for them."""

    labels: Labels = field(repr=False)
    probabilities: Probabilities = field(repr=False)

    @property
    def samples(self) -> int:
        return len(self.labels)

    @cached_property
    def answers(self) -> NDArray[np.intp]:
        """The likeliest digit of each image, shape (n,)."""
        answers: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return answers

    @cached_property
    def confidences(self) -> NDArray[np.float64]:
        """The probability of each answer, shape (n,), 0 to 1."""
        confidences: NDArray[np.float64] = self.probabilities.max(axis=1).astype(np.float64)
        return confidences

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each answer is correct, shape (n,)."""
        correct: NDArray[np.bool_] = self.answers == self.labels
        return correct

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """The confusion matrix, shape (10, 10): a row for each label, a column for each answer."""
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

    @cached_property
    def digit_scores(self) -> tuple[DigitScores, ...]:
        """The scores of the ten digits, in order."""
        return tuple(self._scores(digit) for digit in range(CLASSES))

    def _scores(self, digit: int) -> DigitScores:
        correct = int(self.confusion[digit, digit])
        support = int(self.confusion[digit].sum())
        predicted = int(self.confusion[:, digit].sum())
        return DigitScores(
            precision=correct / predicted if predicted else None,
            recall=correct / support if support else None,
            f1=2 * correct / (support + predicted) if support or predicted else None,
            support=support,
        )

    @property
    def macro(self) -> MacroScores:
        occurring = [scores for scores in self.digit_scores if scores.f1 is not None]
        return MacroScores(
            precision=sum(scores.precision or 0.0 for scores in occurring) / len(occurring),
            recall=sum(scores.recall or 0.0 for scores in occurring) / len(occurring),
            f1=sum(scores.f1 or 0.0 for scores in occurring) / len(occurring),
        )

    @property
    def confusions(self) -> tuple[Confusion, ...]:
        """Every confusion that occurs, the most frequent first."""
        pairs = (
            Confusion(label, answer, int(self.confusion[label, answer]), self.digit_scores[label].support)
            for label, answer in np.argwhere(self.confusion).tolist()
            if label != answer
        )
        return tuple(sorted(pairs, key=lambda pair: (-pair.count, pair.support)))

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:
        """Every misread image, the most confident answer first."""
        indices = np.flatnonzero(~self.correct)
        most_confident_first = indices[np.argsort(-self.confidences[indices], kind="stable")]
        return tuple(
            Mistake(index, int(self.labels[index]), int(self.answers[index]), float(self.confidences[index]))
            for index in most_confident_first.tolist()
        )


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of the share of `successes` in one or more `trials`.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22.
    Unlike the normal interval, it stays within 0 to 1, and is accurate near these ends.
    """
    share, z2 = successes / trials, _Z_95**2
    centre = share + z2 / (2 * trials)
    half = _Z_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    scale = 1 + z2 / trials
    # For a share of 0 or 1, one end of the interval is the share itself; rounding could miss it.
    return min((centre - half) / scale, share), max((centre + half) / scale, share)


def cross_entropy(labels: Labels, probabilities: Probabilities) -> float:
    """The mean of -log(probability of the label), in nats.

    A probability of 0 counts as the smallest normal number of its type, so that the loss stays finite.
    """
    label_probabilities = probabilities[np.arange(len(labels)), labels]
    smallest = np.finfo(probabilities.dtype).tiny
    return float(-np.log(np.maximum(label_probabilities, smallest)).mean(dtype=np.float64))
