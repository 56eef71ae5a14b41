"""Where the network looked: how far its answer depends on each part of an image."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Images, Probabilities

_PATCH = 5


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the network made of one image.

    `pixels`: uint8, shape (28, 28), as the network saw it. `probabilities`: float64, shape (10,). `importance`:
    float64, shape (28, 28): how far the probability of the likeliest digit falls when the patch around a pixel is
    blanked (occlusion: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014); 0 where
    it rises.
    """

    pixels: NDArray[np.uint8]
    probabilities: Probabilities
    importance: NDArray[np.float64]


def explain(probabilities: Callable[[Images], Probabilities], pixels: NDArray[np.uint8]) -> Explanation:
    """Ask a model for its probabilities of an image, uint8, shape (28, 28), whole and with each 5x5 patch blanked."""
    rows, columns = pixels.shape
    images = np.repeat(pixels[np.newaxis], 1 + rows * columns, axis=0)
    reach = _PATCH // 2
    for image, (row, column) in zip(images[1:], np.ndindex(rows, columns), strict=True):
        image[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = 0
    whole, *blanked = probabilities(images)
    digit = whole.argmax()
    falls = whole[digit] - np.array([other[digit] for other in blanked])
    return Explanation(pixels, whole, np.maximum(falls, 0).reshape(rows, columns))
