"""How well a model's confidence matches its accuracy, and the temperature and threshold that improve the match."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Labels, Probabilities
from mnist_cli.evaluation.metrics import Evaluation, cross_entropy
from mnist_cli.model.calibration import Calibration, tempered

BINS = 15
"""The number of bins of a reliability diagram."""

REJECTED_SHARE = 0.005
"""The share of the calibration images whose confidence is below the threshold."""

# Without an upper limit, a very good model would get a threshold of 0.9999, and reject digits that it reads correctly
# but that look a little unlike its training images. Of the answers with a confidence of 0.9, nine in ten are correct.
_MAX_THRESHOLD = 0.9
# Without a lower limit, a weak model would get a threshold near 0.1, a mere guess.
_MIN_THRESHOLD = 0.3

_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.2, 5.0
_PRECISION = 1e-4
"""The precision of the logarithm of the temperature."""


@dataclass(frozen=True)
class Bin:
    """The images with a confidence above `low` and at most `high`.

    `confidence` is their mean confidence, `accuracy` the share read correctly, both 0 to 1; None without images.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


def reliability(evaluation: Evaluation) -> tuple[Bin, ...]:
    """The 15 bins of a reliability diagram, of equal width, from confidence 0 to 1."""
    edges = np.linspace(0, 1, BINS + 1).tolist()
    # Without the outer edges, a confidence of 0, or of a little more than 1 by rounding, falls into a bin too.
    indices = np.searchsorted(edges[1:-1], evaluation.confidences)
    return tuple(_bin(evaluation, indices == index, edges[index], edges[index + 1]) for index in range(BINS))


def _bin(evaluation: Evaluation, is_inside: NDArray[np.bool_], low: float, high: float) -> Bin:
    images = int(is_inside.sum())
    if not images:
        return Bin(low, high, 0, None, None)
    confidence, accuracy = evaluation.confidences[is_inside].mean(), evaluation.correct[is_inside].mean()
    return Bin(low, high, images, float(confidence), float(accuracy))


def calibration_error(evaluation: Evaluation) -> float:
    """The expected calibration error, 0 to 1, over 15 bins of equal width.

    The gap between mean confidence and accuracy in each bin, averaged over the images: Guo et al. (2017), "On
    calibration of modern neural networks", equation 3.
    """
    error = 0.0
    for bin in reliability(evaluation):
        if bin.accuracy is not None and bin.confidence is not None:
            error += bin.images / evaluation.samples * abs(bin.accuracy - bin.confidence)
    return error


@dataclass(frozen=True)
class Coverage:
    """The number of `images`, how many are answered at a `threshold`, and how many of the answers are correct."""

    threshold: float
    images: int
    answered: int
    correct: int

    @property
    def share(self) -> float:
        """The share of the images that are answered, 0 to 1."""
        return self.answered / self.images

    @property
    def accuracy(self) -> float | None:
        """The share of the answers that are correct, 0 to 1; None without answers."""
        return self.correct / self.answered if self.answered else None


def coverage(evaluation: Evaluation, threshold: float) -> Coverage:
    """The coverage of a model that answers only if its confidence is at least `threshold`."""
    answered = evaluation.confidences >= threshold
    return Coverage(threshold, evaluation.samples, int(answered.sum()), int((answered & evaluation.correct).sum()))


def calibrate(labels: Labels, probabilities: Probabilities) -> Calibration:
    """The temperature with the lowest cross-entropy, and a threshold that rejects a `REJECTED_SHARE` of the images.

    `labels` and the model's `probabilities` are of one or more images on which it was not trained: on its training
    images, a model is overconfident.
    """
    probabilities = probabilities.astype(np.float64)

    def loss(temperature: float) -> float:
        return cross_entropy(labels, tempered(probabilities, temperature))

    # The temperature stays 1 if no other lowers the loss, as when every answer is correct and certain.
    temperature = min(1.0, round(_best_temperature(loss), 4), key=loss)
    confidences = np.sort(tempered(probabilities, temperature).max(axis=1))
    threshold = float(confidences[int(REJECTED_SHARE * len(confidences))])
    return Calibration(temperature, min(max(threshold, _MIN_THRESHOLD), _MAX_THRESHOLD))


def _best_temperature(loss: Callable[[float], float]) -> float:
    """The temperature with the lowest loss, by ternary search over its logarithm.

    The cross-entropy is convex in the reciprocal of the temperature, so it has no other minimum.
    """
    low, high = log(_MIN_TEMPERATURE), log(_MAX_TEMPERATURE)
    while high - low > _PRECISION:
        third = (high - low) / 3
        if loss(exp(low + third)) <= loss(exp(high - third)):
            high -= third
        else:
            low += third
    return exp((low + high) / 2)
