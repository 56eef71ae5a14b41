"""How sure a model may be, learned from images that it was not trained on: its temperature and its threshold."""

from collections.abc import Callable
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Labels, Probabilities
from mnist_cli.evaluation import cross_entropy
from mnist_cli.record import Calibration as Calibration  # it stands there because records load without NumPy

UNCALIBRATED = Calibration(temperature=1.0, threshold=0.5)
"""For a model of which nothing is known: its probabilities as they are, and an answer that is likelier than not."""

TURNED_AWAY = 0.005
"""The share of the images calibrated on whose confidence is below the threshold."""

# A very good model would get a threshold of 0.9999, and turn away digits drawn a little otherwise than those it knows,
# though it reads them right. Where the temperature is right, an answer of 0.9 is right nine times in ten.
_HIGHEST_THRESHOLD = 0.9
# A weak model would get one near 0.1, a mere guess. Below 0.3 the other nine digits are together more than twice as
# likely.
_LOWEST_THRESHOLD = 0.3

_TEMPERATURES = (0.2, 5.0)
_PRECISION = 1e-4
_GOLDEN_RATIO = (5**0.5 - 1) / 2


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


def calibrate(labels: Labels, probabilities: Probabilities) -> Calibration:
    """The calibration of a model that has these probabilities for some images, at least one, with these labels.

    The images must be others than those that it was trained on, of which it is too sure.
    """
    probabilities = probabilities.astype(np.float64)

    def loss(temperature: float) -> float:
        return cross_entropy(labels, tempered(probabilities, temperature))

    low, high = map(log, _TEMPERATURES)
    found = round(exp(_lowest(lambda power: loss(exp(power)), low, high)), 4)
    temperature = min(1.0, found, key=loss)  # 1 where nothing is to be gained, as where all is right and certain
    confidences = np.sort(tempered(probabilities, temperature).max(axis=1))
    least = float(confidences[int(TURNED_AWAY * len(confidences))])
    return Calibration(temperature, min(max(least, _LOWEST_THRESHOLD), _HIGHEST_THRESHOLD))


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that falls and then rises is lowest, to `_PRECISION`: golden-section search.

    The cross-entropy is such a function of the temperature, since it is convex in its reciprocal.
    """
    left, right = high - _GOLDEN_RATIO * (high - low), low + _GOLDEN_RATIO * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > _PRECISION:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN_RATIO * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN_RATIO * (high - low)
            at_right = function(right)
    return (low + high) / 2
