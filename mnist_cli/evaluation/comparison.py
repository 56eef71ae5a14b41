"""Two models on the same images: which is better, and whether that is more than chance."""

from dataclasses import dataclass
from functools import cached_property
from math import exp, lgamma, log
from pathlib import Path

import numpy as np

from mnist_cli.evaluation.metrics import Evaluation


@dataclass(frozen=True)
class Disagreement:
    """An image on which two models give different answers: its index in the data set, its label, and both answers."""

    index: int
    label: int
    answer: int
    other_answer: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """An evaluation beside that of the `other` model, from the file at `path`, on the same images."""

    path: Path
    evaluation: Evaluation
    other: Evaluation

    @property
    def difference(self) -> float:
        """The accuracy minus that of the other model, -1 to 1."""
        return (self.other.errors - self.evaluation.errors) / self.evaluation.samples

    @property
    def only_right(self) -> int:
        """How many images only this model reads right."""
        return int((self.evaluation.right & ~self.other.right).sum())

    @property
    def only_other_right(self) -> int:
        """How many images only the other model reads right."""
        return int((self.other.right & ~self.evaluation.right).sum())

    @property
    def p_value(self) -> float:
        return mcnemar(self.only_right, self.only_other_right)

    @cached_property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Every image on which the answers differ, in the order of the data set."""
        labels, answers, other_answers = self.evaluation.labels, self.evaluation.answers, self.other.answers
        return tuple(
            Disagreement(index, int(labels[index]), int(answers[index]), int(other_answers[index]))
            for index in np.flatnonzero(answers != other_answers).tolist()
        )


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of the exact McNemar test; 1 where both counts are 0.

    The arguments count the images that only one of two models reads right. If the models are equally good, such an
    image is as likely to be read right by one as by the other, so the p-value is twice the smaller tail of the
    binomial distribution with probability 1/2. McNemar (1947), "Note on the sampling error of the difference between
    correlated proportions", Psychometrika 12.
    """
    trials, fewer = only_first + only_second, min(only_first, only_second)
    # The tail's largest term comes from its logarithm, which can't overflow; the others are multiples of it.
    largest = lgamma(trials + 1) - lgamma(fewer + 1) - lgamma(trials - fewer + 1) - trials * log(2)
    tail = term = 1.0
    for successes in range(fewer, 0, -1):
        term *= successes / (trials - successes + 1)
        tail += term
    return min(1.0, 2 * exp(largest) * tail)
