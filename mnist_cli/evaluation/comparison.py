"""Two models on the same images: which is better, and whether that is more than chance."""

from dataclasses import dataclass
from functools import cached_property
from math import exp, lgamma, log
from pathlib import Path

import numpy as np

from mnist_cli.evaluation.metrics import Evaluation


@dataclass(frozen=True)
class Disagreement:
    """An image on which two models differ: its place in the data set from 0, its label, and both answers."""

    index: int
    label: int
    answer: int
    other_answer: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """An evaluation beside that of another model, the one at `path`, on the same images."""

    path: Path
    evaluation: Evaluation
    other: Evaluation

    @property
    def difference(self) -> float:
        """How much higher the accuracy is than the other's, -1 to 1."""
        return (self.other.errors - self.evaluation.errors) / self.evaluation.samples

    @property
    def only_right(self) -> int:
        """The images that only this model reads right."""
        return int((self.evaluation.right & ~self.other.right).sum())

    @property
    def only_other_right(self) -> int:
        return int((self.other.right & ~self.evaluation.right).sum())

    @property
    def p_value(self) -> float:
        return mcnemar(self.only_right, self.only_other_right)

    @cached_property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Every image on which the answers differ, in order."""
        indices = np.flatnonzero(self.evaluation.answers != self.other.answers)
        columns = (self.evaluation.labels, self.evaluation.answers, self.other.answers)
        rows = zip(indices.tolist(), *(column[indices].tolist() for column in columns), strict=True)
        return tuple(Disagreement(*row) for row in rows)


def mcnemar(only_first: int, only_second: int) -> float:
    """The p-value, two-sided, of the exact McNemar test.

    Of the images that only one of two models reads right, each has them equally likely where the models are equally
    good: the p-value is that of the binomial distribution with share 1/2, twice its smaller tail. McNemar (1947),
    "Note on the sampling error of the difference between correlated proportions", Psychometrika 12. Without any such
    image it is 1.
    """
    trials, fewer = only_first + only_second, min(only_first, only_second)
    # The tail's largest term by its logarithm, which can't overflow; the others as multiples of it.
    largest = lgamma(trials + 1) - lgamma(fewer + 1) - lgamma(trials - fewer + 1) - trials * log(2)
    tail = term = 1.0
    for successes in range(fewer, 0, -1):
        term *= successes / (trials - successes + 1)
        tail += term
    return min(1.0, 2 * exp(largest) * tail)
