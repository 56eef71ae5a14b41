"""Where the network looked: how much its answer depends on each part of an image."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Images, Probabilities

_PATCH = 5  # pixels


@dataclass(frozen=True, eq=False)
class Explanation:
    """The network's answer to one image, and how much it depends on each pixel.

    `pixels`: uint8, shape (28, 28), as the network saw it. `probabilities`: float64, shape (10,). `importance`:
    float64, shape (28, 28): how much the probability of the likeliest digit falls when the patch around a pixel is
    blanked (occlusion: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014); 0 if
    it rises.
    """

    pixels: NDArray[np.uint8]
    probabilities: Probabilities
    importance: NDArray[np.float64]


def explain(probabilities: Callable[[Images], Probabilities], pixels: NDArray[np.uint8]) -> Explanation:
    """Explain the answer to one image, uint8, shape (28, 28).

    `probabilities`: the model, which is asked about the image as it is and about a copy with each 5x5 patch blanked.
    """
    rows, columns = pixels.shape
    images = np.repeat(pixels[np.newaxis], 1 + rows * columns, axis=0)
    reach = _PATCH // 2
    for image, (row, column) in zip(images[1:], np.ndindex(rows, columns), strict=True):
        image[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = 0
    whole, *blanked = probabilities(images)
    digit = whole.argmax()
    falls = whole[digit] - np.array([each[digit] for each in blanked])
    return Explanation(pixels, whole, np.maximum(falls, 0).reshape(rows, columns))
