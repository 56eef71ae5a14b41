"""The calibration of a model's probabilities: temperature and threshold."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Probabilities


@dataclass(frozen=True)
class Calibration:
    """A correction of a model's probabilities. Raises `ValueError` if the numbers are out of range.

    `temperature`, above 0, divides the logits: Guo et al. (2017), "On calibration of modern neural networks", ICML.
    Above 1 it makes a model less confident, below 1 more; the likeliest digit stays the same. `threshold`, 0 to 1, is
    the confidence, after the temperature, below which an answer should not be trusted.
    """

    temperature: float
    threshold: float

    def __post_init__(self) -> None:
        if not (0 < self.temperature < inf and 0 <= self.threshold <= 1):
            raise ValueError("not a calibration")


UNCALIBRATED = Calibration(temperature=1.0, threshold=0.5)
"""For a model without a record: unchanged probabilities, and a threshold that asks for more than an even chance."""


def tempered(probabilities: Probabilities, temperature: float) -> NDArray[np.float64]:
    """The softmax of the logits divided by the temperature, from the probabilities: float64, shape (n, 10).

    These are p^(1/temperature), scaled to the sum 1. A probability of 0 counts as the smallest positive number of its
    type, as in `cross_entropy`. The ranking of the digits stays the same. At temperature 1 nothing changes.
    """
    if temperature == 1:
        return probabilities.astype(np.float64)
    logits = np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny).astype(np.float64))
    with np.errstate(over="ignore"):  # at a temperature near 0, where the power is 0 anyway
        powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
