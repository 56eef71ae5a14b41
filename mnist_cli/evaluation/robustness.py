"""How a model bears images that are not quite like those it was trained on.

The images are changed as they are, without the preparation that pictures get before a prediction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Images
from mnist_cli.datasets.dataset import Digits
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.model.engine import Engine

# Every change draws its chances from this seed alone: one that is stronger draws the same ones, and none depends on
# which others there are.
SEED = 0

Chance = np.random.Generator


@dataclass(frozen=True)
class Change:
    """A way to change images; `amount` says how much in `unit`, and is None where there is no more and no less."""

    name: str
    amount: float | None
    unit: str
    apply: Callable[[Images, Chance], Images]


@dataclass(frozen=True)
class Trial:
    """How many of the images were misread, and the share (0 to 1) read right, after a change."""

    change: str
    amount: float | None
    unit: str
    errors: int
    accuracy: float


def robustness(engine: Engine, digits: Digits) -> Iterator[Trial]:
    """The trials of all `CHANGES`, in order, each as soon as it is done. Raises `ModelError`."""
    for change in CHANGES:
        images = change.apply(digits.images, np.random.default_rng(SEED))
        evaluation = Evaluation(digits.labels, engine.probabilities(images))
        yield Trial(change.name, change.amount, change.unit, evaluation.errors, evaluation.metrics.accuracy)


# The changes: images in, uint8, shape (n, 28, 28); as many of the same kind out. What comes in from outside is 0.


def shifted(images: Images, chance: Chance, pixels: int) -> Images:
    """Each image moved in one of the eight directions, by `pixels` along each axis that it moves on."""
    directions = np.array([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]) * pixels
    chosen = chance.integers(len(directions), size=len(images))
    result = np.zeros_like(images)
    for number, (down, right) in enumerate(directions.tolist()):
        into = np.flatnonzero(chosen == number)[:, np.newaxis, np.newaxis]
        rows, columns = (np.arange(max(step, 0), size + min(step, 0)) for step, size in _axes(images, down, right))
        rows = rows[:, np.newaxis]
        result[into, rows, columns] = images[into, rows - down, columns - right]
    return result


def _axes(images: Images, down: int, right: int) -> Iterator[tuple[int, int]]:
    return zip((down, right), images.shape[1:], strict=True)


def rotated(images: Images, chance: Chance, degrees: float) -> Images:
    """Each image turned about its centre, to the left or to the right."""
    import cv2

    height, width = images.shape[1:]
    centre = ((width - 1) / 2, (height - 1) / 2)
    turns = [cv2.getRotationMatrix2D(centre, sign * degrees, 1) for sign in (-1, 1)]
    chosen = chance.integers(2, size=len(images)).tolist()
    return _each(images, lambda image, index: cv2.warpAffine(image, turns[chosen[index]], (width, height)))


def noisy(images: Images, chance: Chance, deviation: float) -> Images:
    """Normal noise added to every pixel; its standard deviation is in per cent of full ink."""
    noise = chance.standard_normal(images.shape, np.float32) * np.float32(2.55 * deviation)
    return _as_pixels(images + noise)


def thinner(images: Images, chance: Chance, pixels: int) -> Images:
    """Strokes that lose `pixels` of their width: each pixel is the least of a square of (pixels + 1) pixels a side."""
    import cv2

    square = np.ones((pixels + 1, pixels + 1), np.uint8)
    return _each(images, lambda image, index: cv2.erode(image, square))


def thicker(images: Images, chance: Chance, pixels: int) -> Images:
    """Strokes that grow by `pixels` in width."""
    import cv2

    square = np.ones((pixels + 1, pixels + 1), np.uint8)
    return _each(images, lambda image, index: cv2.dilate(image, square))


def blurred(images: Images, chance: Chance, deviation: float) -> Images:
    """Every pixel spread over its neighbours by a normal distribution with a deviation in pixels."""
    import cv2

    return _each(
        images,
        lambda image, index: cv2.GaussianBlur(image, (0, 0), deviation, borderType=cv2.BORDER_CONSTANT),
    )


def inverted(images: Images, chance: Chance) -> Images:
    """Dark ink on a light ground."""
    return 255 - images


def flattened(images: Images, chance: Chance, contrast: float) -> Images:
    """Every pixel's distance from the grey in the middle, 127.5, reduced to so many per cent: the ground turns grey."""
    return _as_pixels((images - np.float32(127.5)) * np.float32(contrast / 100) + np.float32(127.5))


def _each(images: Images, change: Callable[[Images, int], NDArray[np.uint8]]) -> Images:
    result = np.empty_like(images)
    for index, image in enumerate(images):
        result[index] = change(image, index)
    return result


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
    *(Change("contrast", share, "%", partial(flattened, contrast=share)) for share in (75, 50, 25)),
    Change("inversion", None, "", inverted),
)
