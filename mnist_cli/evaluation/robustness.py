"""Robustness: the accuracy on changed images.

The changed images go to the network directly, without the preparation that `predict` gives to pictures.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mnist_cli.arrays import Images
from mnist_cli.datasets.digits import Digits
from mnist_cli.evaluation.metrics import Evaluation, Trial
from mnist_cli.model.engine import Engine

SEED = 0
"""The seed of every change, so that changes of one kind differ only in their amount, and a new one affects no other."""

_MID_GREY = np.float32(127.5)


@dataclass(frozen=True)
class Change:
    """A function that changes images by an `amount` in `unit`; the amount is None if it can't vary."""

    name: str
    amount: float | None
    unit: str
    apply: Callable[[Images, Generator], Images]


def robustness(engine: Engine, digits: Digits) -> Iterator[Trial]:
    """Yield the trial of each of the `CHANGES`, in order. Raises `ModelError`."""
    for change in CHANGES:
        images = change.apply(digits.images, np.random.default_rng(SEED))
        evaluation = Evaluation(digits.labels, engine.probabilities(images))
        yield Trial(change.name, change.amount, change.unit, evaluation.errors, evaluation.metrics.accuracy)


# Each of these functions returns a changed copy of images, uint8, shape (n, 28, 28). Pixels from outside are 0.


def shifted(images: Images, rng: Generator, pixels: int) -> Images:
    """Each image moved by `pixels` in one of eight random directions; diagonally, by as much along both axes."""
    directions = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]
    chosen = rng.integers(len(directions), size=len(images))
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels)))
    result = np.empty_like(images)
    for index, (down, right) in enumerate(directions):
        top, left = pixels * (1 - down), pixels * (1 - right)
        result[chosen == index] = padded[chosen == index, top : top + height, left : left + width]
    return result


def rotated(images: Images, rng: Generator, degrees: float) -> Images:
    """Each image rotated about its centre, clockwise or anticlockwise at random."""
    height, width = images.shape[1:]
    centre = ((width - 1) / 2, (height - 1) / 2)
    rotations = [cv2.getRotationMatrix2D(centre, angle, 1) for angle in (-degrees, degrees)]
    chosen = rng.integers(2, size=len(images)).tolist()
    return _stack(
        cv2.warpAffine(image, rotations[index], (width, height)) for image, index in zip(images, chosen, strict=True)
    )


def noisy(images: Images, rng: Generator, deviation: float) -> Images:
    """Normal noise added to every pixel; `deviation` is its standard deviation in per cent of full ink."""
    noise = rng.standard_normal(images.shape, np.float32) * np.float32(2.55 * deviation)
    return _as_pixels(images + noise)


def thinner(images: Images, rng: Generator, pixels: int) -> Images:
    """Strokes thinner by `pixels`: erosion by a square of side pixels + 1."""
    return _stack(cv2.erode(image, _square(pixels + 1)) for image in images)


def thicker(images: Images, rng: Generator, pixels: int) -> Images:
    """Strokes thicker by `pixels`: dilation by a square of side pixels + 1."""
    return _stack(cv2.dilate(image, _square(pixels + 1)) for image in images)


def blurred(images: Images, rng: Generator, deviation: float) -> Images:
    """A Gaussian blur; `deviation` is its standard deviation in pixels."""
    return _stack(cv2.GaussianBlur(image, (0, 0), deviation, borderType=cv2.BORDER_CONSTANT) for image in images)


def inverted(images: Images, rng: Generator) -> Images:
    """Dark ink on a light background."""
    return 255 - images


def faded(images: Images, rng: Generator, contrast: float) -> Images:
    """Contrast reduced to `contrast` per cent: all pixels move towards mid-grey, also those of the background."""
    return _as_pixels((images - _MID_GREY) * np.float32(contrast / 100) + _MID_GREY)


def _square(side: int) -> NDArray[np.uint8]:
    return np.ones((side, side), np.uint8)


def _stack(images: Iterable[cv2.typing.MatLike]) -> Images:
    return np.stack(list(images)).astype(np.uint8, copy=False)


def _as_pixels(values: NDArray[np.float32]) -> Images:
    pixels: Images = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels


CHANGES = (
    *(Change("shift", pixels, "px", partial(shifted, pixels=pixels)) for pixels in (1, 2, 3, 4)),
    *(Change("rotation", degrees, "degrees", partial(rotated, degrees=degrees)) for degrees in (10, 20, 30)),
    *(Change("noise", share, "%", partial(noisy, deviation=share)) for share in (10, 20, 30)),
    Change("thinner strokes", 1, "px", partial(thinner, pixels=1)),
    *(Change("thicker strokes", pixels, "px", partial(thicker, pixels=pixels)) for pixels in (1, 2)),
    *(Change("blur", pixels, "px", partial(blurred, deviation=pixels)) for pixels in (0.5, 1, 1.5)),
    *(Change("contrast", share, "%", partial(faded, contrast=share)) for share in (75, 50, 25)),
    Change("inversion", None, "", inverted),
)
