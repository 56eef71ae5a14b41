"""Random distortion of training images, as TensorFlow operations.

Each image is rotated, sheared, scaled and shifted, bent like a sheet of rubber (elastic distortion: Simard, Steinkraus
and Platt, ICDAR 2003), and its strokes are made thicker or thinner.
"""

from dataclasses import dataclass
from functools import cache
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import SIDE
from mnist_cli.training.backend import tf

_CENTRE = (SIDE - 1) / 2


@dataclass(frozen=True)
class Distortion:
    """The greatest distortions, in either direction, at the amount 1."""

    rotation: float = 10 * pi / 180
    """Radians."""
    shear: float = 0.15
    """The shift of each row against the next, in pixels."""
    scale: float = 0.1
    """The logarithm of the factor for the width, and of that for the height, which is independent."""
    shift: float = 1.5
    """Pixels, along each axis."""
    bend: float = 0.6
    """The standard deviation, in pixels, of the displacement along each axis of the points of a coarse grid."""
    stroke: float = 0.2
    """How far an image is moved towards the same with strokes one pixel thicker, or thinner, on every side: 0 to 1."""


_MOST = Distortion()
_GRID = 6
"""The points of the coarse grid along each axis."""


def distorted(images: Any, amount: float, seed: Any) -> Any:
    """The images, float32, shape (n, 28, 28), 0 to 1, each with a random distortion of its own.

    `amount`, 0 to 1, scales all distortions; `seed`, an int64 tensor of shape (2,), determines them.
    """
    count = tf.shape(images)[0]
    affine_seed, bend_seed, stroke_seed = tf.unstack(tf.random.split(seed, 3))
    x, y = _affine(count, amount, affine_seed)
    pull_x, pull_y = tf.unstack(_bend(count, amount, bend_seed))
    return _sampled(_with_other_strokes(images, amount, stroke_seed), x + pull_x, y + pull_y)


def _affine(count: Any, amount: float, seed: Any) -> tuple[Any, Any]:
    """The position in the original image from which each pixel comes: x and y, each of shape (n, 28, 28)."""
    draws = tf.random.stateless_uniform((6, count, 1, 1), seed, -amount, amount)
    angle, shear = draws[0] * _MOST.rotation, draws[1] * _MOST.shear
    width, height = tf.exp(draws[2] * _MOST.scale), tf.exp(draws[3] * _MOST.scale)
    shift_x, shift_y = draws[4] * _MOST.shift, draws[5] * _MOST.shift
    axis = tf.range(SIDE, dtype=tf.float32) - _CENTRE
    row, column = axis[:, tf.newaxis], axis[tf.newaxis, :]
    u, v = (column + shear * row) * width, row * height
    x = tf.cos(angle) * u - tf.sin(angle) * v + shift_x + _CENTRE
    y = tf.sin(angle) * u + tf.cos(angle) * v + shift_y + _CENTRE
    return x, y


def _bend(count: Any, amount: float, seed: Any) -> Any:
    """A smooth random displacement along x and y for each pixel, in pixels: shape (2, n, 28, 28)."""
    coarse = tf.random.stateless_normal((2, count, _GRID, _GRID), seed, stddev=_MOST.bend * amount)
    interpolation = tf.constant(_cubic(_GRID, SIDE), tf.float32)
    return interpolation @ coarse @ tf.transpose(interpolation)


@cache
def _cubic(points: int, size: int) -> NDArray[np.float64]:
    """The matrix, shape (size, points), that interpolates `points` values to `size` pixels by cubic convolution.

    Keys (1981), IEEE Transactions on Acoustics, Speech, and Signal Processing 29, with a = -1/2. Near the ends, where
    neighbours are missing, the weights of the others are scaled to sum to 1.
    """
    positions = (np.arange(size) + 0.5) * points / size - 0.5
    distance = np.abs(positions[:, np.newaxis] - np.arange(points))
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _with_other_strokes(images: Any, amount: float, seed: Any) -> Any:
    """The images with thicker or thinner strokes: each is mixed with its own dilation or erosion by one pixel."""
    draw = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1), seed, -amount, amount) * _MOST.stroke
    image = images[..., tf.newaxis]
    thicker = tf.nn.max_pool2d(image, 3, 1, "SAME")[..., 0]
    thinner = -tf.nn.max_pool2d(-image, 3, 1, "SAME")[..., 0]
    return images + tf.nn.relu(draw) * (thicker - images) + tf.nn.relu(-draw) * (thinner - images)


def _sampled(images: Any, x: Any, y: Any) -> Any:
    """The images sampled at the positions (x, y) by bilinear interpolation; 0 outside."""
    count, row = tf.shape(images)[0], SIDE + 2
    # Positions outside are moved into a frame of pixels that are 0.
    x, y = (tf.clip_by_value(axis + 1, 0.0, row - 1.001) for axis in (x, y))
    left, top = tf.floor(x), tf.floor(y)
    right_share, bottom_share = x - left, y - top
    pixels = tf.reshape(tf.pad(images, [[0, 0], [1, 1], [1, 1]]), (count, row * row))
    upper_left = tf.reshape(tf.cast(top, tf.int32) * row + tf.cast(left, tf.int32), (count, SIDE * SIDE))

    def neighbour(offset: int) -> Any:
        return tf.reshape(tf.gather(pixels, upper_left + offset, batch_dims=1), (count, SIDE, SIDE))

    upper = neighbour(0) + right_share * (neighbour(1) - neighbour(0))
    lower = neighbour(row) + right_share * (neighbour(row + 1) - neighbour(row))
    return upper + bottom_share * (lower - upper)
