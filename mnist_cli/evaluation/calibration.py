"""How sure a model is against how often it is right; and the temperature and threshold that follow from that."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log

import numpy as np

from mnist_cli.arrays import Labels, Probabilities
from mnist_cli.evaluation.metrics import Evaluation, cross_entropy
from mnist_cli.model.calibration import Calibration, tempered

BINS = 15

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


@dataclass(frozen=True)
class Bin:
    """The images whose answers have a confidence above `low` and at most `high`.

    `confidence` is the mean of theirs, `accuracy` the share that was read right; both None where `images` is 0.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Coverage:
    """What remains where answers below a threshold are held back: of `images`, so many `answered`, so many `right`."""

    threshold: float
    images: int
    answered: int
    right: int

    @property
    def share(self) -> float:
        return self.answered / self.images

    @property
    def accuracy(self) -> float | None:
        """The share of the answers that is right; None where there are none."""
        return self.right / self.answered if self.answered else None


def reliability(evaluation: Evaluation, bins: int = BINS) -> tuple[Bin, ...]:
    """The bins of equal width that a reliability diagram shows, from confidence 0 to 1."""
    edges = np.linspace(0, 1, bins + 1)
    # Only the inner edges, so that a confidence of 0, or of a little more than 1 by rounding, has its bin as well.
    places = np.searchsorted(edges[1:-1], evaluation.confidences)
    images = np.bincount(places, minlength=bins).tolist()
    confidence = np.bincount(places, evaluation.confidences, bins).tolist()
    right = np.bincount(places, evaluation.right, bins).tolist()
    return tuple(
        Bin(float(low), float(high), n, sure / n if n else None, hits / n if n else None)
        for low, high, n, sure, hits in zip(edges, edges[1:], images, confidence, right, strict=False)
    )


def calibration_error(evaluation: Evaluation) -> float:
    """The expected calibration error, 0 to 1, over 15 bins of equal width.

    The mean over the images of the gap, in their bin, between mean confidence and accuracy: Guo et al. (2017), "On
    calibration of modern neural networks", equation 3.
    """
    gaps = (
        one.images * abs(one.accuracy - one.confidence)
        for one in reliability(evaluation)
        if one.accuracy is not None and one.confidence is not None
    )
    return sum(gaps) / evaluation.samples


def coverage(evaluation: Evaluation, threshold: float) -> Coverage:
    """How many images are answered, and how well, where a confidence of at least `threshold` is asked for."""
    answered = evaluation.confidences >= threshold
    return Coverage(threshold, evaluation.samples, int(answered.sum()), int((answered & evaluation.right).sum()))


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
