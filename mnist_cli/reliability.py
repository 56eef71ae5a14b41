"""Whether a model is as sure as it may be: its confidence against how often it is right."""

from dataclasses import dataclass

import numpy as np

from mnist_cli.evaluation import Evaluation

BINS = 15


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
