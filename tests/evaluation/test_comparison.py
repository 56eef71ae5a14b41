"""Two models on the same images, the test between them against SciPy's."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from mnist_cli.evaluation.comparison import Comparison, Disagreement, mcnemar
from mnist_cli.evaluation.metrics import Evaluation


def compared(labels: list[int], answers: list[int], others: list[int]) -> Comparison:
    truth = np.array(labels, np.uint8)
    return Comparison(Path("other.keras"), *(Evaluation(truth, np.eye(10)[digits]) for digits in (answers, others)))


@pytest.mark.parametrize(
    ("one", "two"), [(0, 1), (1, 0), (5, 5), (0, 20), (12, 30), (100, 60), (4000, 4100), (3, 2000), (0, 3000)]
)
def test_the_p_value_is_that_of_the_binomial_test(one: int, two: int):
    assert mcnemar(one, two) == pytest.approx(binomtest(one, one + two).pvalue, rel=1e-8, abs=1e-300)
    assert mcnemar(one, two) == mcnemar(two, one)


def test_models_that_are_right_on_the_same_images_are_no_different():
    assert mcnemar(0, 0) == 1


def test_a_million_differing_images_are_no_trouble():
    assert mcnemar(500_000, 500_000) == 1
    assert 0 < mcnemar(499_000, 501_000) < 0.05
    assert mcnemar(0, 1_000_000) == 0


def test_what_both_models_make_of_the_images():
    # right both, only the first, only the other, both wrong alike, both wrong and differing
    comparison = compared([1, 2, 3, 4, 5], [1, 2, 0, 0, 0], [1, 9, 3, 0, 9])

    assert (comparison.only_right, comparison.only_other_right) == (1, 1)
    assert comparison.difference == 0
    assert comparison.disagreements == (
        Disagreement(1, 2, 2, 9),
        Disagreement(2, 3, 0, 3),
        Disagreement(4, 5, 0, 9),
    )


def test_the_difference_is_positive_where_this_model_is_better():
    comparison = compared([1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0])

    assert comparison.difference == 0.5
    assert comparison.p_value == mcnemar(2, 0) == 0.5


def test_a_model_compared_with_itself_differs_nowhere():
    comparison = compared([1, 2], [1, 0], [1, 0])

    assert (comparison.difference, comparison.p_value, comparison.disagreements) == (0, 1, ())
