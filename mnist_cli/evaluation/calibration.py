"""Whether a model's confidence matches its accuracy, and the temperature and threshold that make it match."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Labels, Probabilities
from mnist_cli.evaluation.metrics import Evaluation, cross_entropy
from mnist_cli.model.calibration import Calibration, tempered

BINS = 15

REJECTED_SHARE = 0.005
"""The share of the calibration images whose confidence is below the threshold."""

# A very good model would get a threshold of 0.9999, and reject digits that look a little unlike its training images
# though it reads them right. With the right temperature, an answer of confidence 0.9 is right nine times in ten.
_HIGHEST_THRESHOLD = 0.9
# A weak model would get one near 0.1, a mere guess. Below 0.3, the other nine digits together are more than twice as
# likely.
_LOWEST_THRESHOLD = 0.3

_LOWEST_TEMPERATURE, _HIGHEST_TEMPERATURE = 0.2, 5.0
_PRECISION = 1e-4
_GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Bin:
    """The images with a confidence above `low` and at most `high`.

    `confidence` is their mean confidence, `accuracy` the share that was read right; both are None without images.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


def reliability(evaluation: Evaluation) -> tuple[Bin, ...]:
    """The 15 bins of a reliability diagram, of equal width, from confidence 0 to 1."""
    edges = np.linspace(0, 1, BINS + 1).tolist()
    # Without the outer edges, a confidence of 0, or rounded to a little more than 1, falls into a bin as well.
    indices = np.searchsorted(edges[1:-1], evaluation.confidences)
    return tuple(_bin(evaluation, indices == index, edges[index], edges[index + 1]) for index in range(BINS))


def _bin(evaluation: Evaluation, is_inside: NDArray[np.bool_], low: float, high: float) -> Bin:
    images = int(is_inside.sum())
    if not images:
        return Bin(low, high, 0, None, None)
    confidence, accuracy = evaluation.confidences[is_inside].mean(), evaluation.right[is_inside].mean()
    return Bin(low, high, images, float(confidence), float(accuracy))


def calibration_error(evaluation: Evaluation) -> float:
    """The expected calibration error, 0 to 1, over 15 bins of equal width.

    The gap between mean confidence and accuracy in each bin, averaged over the images: Guo et al. (2017), "On
    calibration of modern neural networks", equation 3.
    """
    error = 0.0
    for part in reliability(evaluation):
        if part.accuracy is not None and part.confidence is not None:
            error += part.images / evaluation.samples * abs(part.accuracy - part.confidence)
    return error


@dataclass(frozen=True)
class Coverage:
    """What a threshold leaves: how many of the `images` are `answered`, and how many of these `right`."""

    threshold: float
    images: int
    answered: int
    right: int

    @property
    def share(self) -> float:
        return self.answered / self.images

    @property
    def accuracy(self) -> float | None:
        """The share of the answers that are right; None without answers."""
        return self.right / self.answered if self.answered else None


def coverage(evaluation: Evaluation, threshold: float) -> Coverage:
    """The coverage of a model that answers only with a confidence of at least `threshold`."""
    answered = evaluation.confidences >= threshold
    return Coverage(threshold, evaluation.samples, int(answered.sum()), int((answered & evaluation.right).sum()))


def calibrate(labels: Labels, probabilities: Probabilities) -> Calibration:
    """The calibration of a model, from the labels of one or more images and its probabilities for them.

    The model must not have been trained on these images: on those it is overconfident.
    """
    probabilities = probabilities.astype(np.float64)

    def loss(temperature: float) -> float:
        return cross_entropy(labels, tempered(probabilities, temperature))

    log_temperature = _minimum(lambda value: loss(exp(value)), log(_LOWEST_TEMPERATURE), log(_HIGHEST_TEMPERATURE))
    # 1 where no temperature lowers the loss, as where every answer is right and certain.
    temperature = min(1.0, round(exp(log_temperature), 4), key=loss)
    confidences = np.sort(tempered(probabilities, temperature).max(axis=1))
    threshold = float(confidences[int(REJECTED_SHARE * len(confidences))])
    return Calibration(temperature, min(max(threshold, _LOWEST_THRESHOLD), _HIGHEST_THRESHOLD))


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that falls and then rises is lowest, to `_PRECISION`: golden-section search.

    The cross-entropy is such a function of the temperature, as it is convex in the reciprocal.
    """
    while high - low > _PRECISION:
        step = _GOLDEN_RATIO * (high - low)
        if function(high - step) <= function(low + step):
            high = low + step
        else:
            low = high - step
    return (low + high) / 2
