"""Where the network looked: how far its answer depends on each part of an image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Probabilities
from mnist_cli.pictures.reader import Reader

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


def explain(reader: Reader, pixels: NDArray[np.uint8]) -> Explanation:
    """Look at an image, uint8, shape (28, 28), whole and with each patch of 5x5 pixels blanked. Raises `ModelError`."""
    rows, columns = pixels.shape
    blanked = np.repeat(pixels[np.newaxis], 1 + rows * columns, axis=0)
    for place, (row, column) in enumerate(np.ndindex(rows, columns), start=1):
        top, left = (max(0, centre - _PATCH // 2) for centre in (row, column))
        blanked[place, top : row + _PATCH // 2 + 1, left : column + _PATCH // 2 + 1] = 0
    whole, *others = reader.probabilities(blanked)
    digit = whole.argmax()
    falls = whole[digit] - np.array([other[digit] for other in others])
    return Explanation(pixels, whole, np.maximum(falls, 0).reshape(rows, columns))
