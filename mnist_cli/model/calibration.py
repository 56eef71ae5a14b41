"""How a model's probabilities are to be taken: its temperature and its threshold."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Probabilities


@dataclass(frozen=True)
class Calibration:
    """How a model's probabilities are to be taken. Raises `ValueError` where the numbers make no sense.

    `temperature`, above 0, divides the logits: Guo et al. (2017), "On calibration of modern neural networks", ICML.
    Above 1 it makes a model less sure, below 1 surer; which digit is the likeliest stays as it is. `threshold`, 0 to
    1, is the confidence, after the temperature, below which an answer is not to be trusted.
    """

    temperature: float
    threshold: float

    def __post_init__(self) -> None:
        if not (0 < self.temperature < inf and 0 <= self.threshold <= 1):
            raise ValueError("no calibration")


UNCALIBRATED = Calibration(temperature=1.0, threshold=0.5)
"""For a model of which nothing is known: its probabilities as they are, and an answer that is likelier than not."""


def tempered(probabilities: Probabilities, temperature: float) -> NDArray[np.float64]:
    """The probabilities that the logits divided by the temperature have: float64, shape (n, 10).

    As probabilities are powers of e, these are p^(1/temperature), with the sum 1. A probability of 0 counts as the
    smallest positive number of its type, as in `cross_entropy`. The order of the digits stays as it is, and at
    temperature 1 so does everything.
    """
    if temperature == 1:
        return probabilities.astype(np.float64)
    logits = np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny).astype(np.float64))
    with np.errstate(over="ignore"):  # at a temperature near 0, where the power is 0 all the same
        powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
