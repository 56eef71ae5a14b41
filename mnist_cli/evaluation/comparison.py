"""The comparison of two models on the same images, with a significance test."""

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
    """The evaluations of a model and of the `other` model, whose file is at `path`, on the same images."""

    path: Path
    evaluation: Evaluation
    other: Evaluation

    @property
    def difference(self) -> float:
        """The accuracy minus that of the other model, -1 to 1."""
        return (self.other.errors - self.evaluation.errors) / self.evaluation.samples

    @property
    def only_right(self) -> int:
        """The number of images that only this model reads correctly."""
        return int((self.evaluation.correct & ~self.other.correct).sum())

    @property
    def only_other_right(self) -> int:
        """The number of images that only the other model reads correctly."""
        return int((self.other.correct & ~self.evaluation.correct).sum())

    @property
    def p_value(self) -> float:
        """The p-value of the difference, by McNemar's test."""
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

    The arguments count the images that only the one or only the other of two models reads correctly. If both models
    are equally good, each of these images is as likely to be among the first as among the second, so the p-value is
    twice the smaller tail of the binomial distribution with probability 1/2. McNemar (1947), "Note on the sampling
    error of the difference between correlated proportions", Psychometrika 12.
    """
    trials, fewer = only_first + only_second, min(only_first, only_second)
    # The tail's largest term is computed by its logarithm, which can't overflow, the others by their ratios to it.
    log_largest = lgamma(trials + 1) - lgamma(fewer + 1) - lgamma(trials - fewer + 1) - trials * log(2)
    tail = ratio = 1.0
    for successes in range(fewer, 0, -1):
        ratio *= successes / (trials - successes + 1)
        tail += ratio
    return min(1.0, 2 * exp(log_largest) * tail)
