"""Training images distorted at random, as other hands would have written them; computed in TensorFlow's graph.

Each image is turned, sheared, scaled and shifted as a whole, bent like a sheet of rubber (elastic distortion: Simard,
Steinkraus and Platt, ICDAR 2003), and its strokes are made thicker or thinner.
"""

from dataclasses import dataclass
from functools import cache
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.training.backend import tf

SIZE = 28
_CENTRE = (SIZE - 1) / 2


@dataclass(frozen=True)
class Distortion:
    """How far an image may be distorted at most, in either direction, at the amount 1."""

    rotation: float = 10 * pi / 180
    """Radians."""
    shear: float = 0.15
    """By how many pixels a row may be moved against the next."""
    scale: float = 0.1
    """The logarithm of the factor by which width and height, each by itself, may grow or shrink."""
    shift: float = 1.5
    """Pixels, along each axis."""
    bend: float = 0.6
    """The standard deviation, in pixels, of how far the points of a coarse grid are pulled along each axis."""
    stroke: float = 0.2
    """The share of the way to the same image with strokes one pixel thicker, or thinner, on every side."""


_MOST = Distortion()
_GRID = 6


def distorted(images: Any, amount: float, seed: Any) -> Any:
    """float32 images of shape (n, 28, 28), 0 to 1, each distorted in its own way.

    `amount`, 0 to 1, scales every distortion; `seed`, an int tensor of shape (2,), decides all of them.
    """
    count = tf.shape(images)[0]
    affine_seed, bend_seed, stroke_seed = tf.unstack(tf.random.split(seed, 3))
    x, y = _affine(count, amount, affine_seed)
    pull_x, pull_y = tf.unstack(_bend(count, amount, bend_seed))
    return _sampled(_with_other_strokes(images, amount, stroke_seed), x + pull_x, y + pull_y)


def _affine(count: Any, amount: float, seed: Any) -> tuple[Any, Any]:
    """The place in the original of every pixel of every image: x and y, each (n, 28, 28)."""
    draws = tf.random.stateless_uniform((6, count, 1, 1), seed, -amount, amount)
    angle, shear = draws[0] * _MOST.rotation, draws[1] * _MOST.shear
    width, height = tf.exp(draws[2] * _MOST.scale), tf.exp(draws[3] * _MOST.scale)
    along_x, along_y = draws[4] * _MOST.shift, draws[5] * _MOST.shift
    axis = tf.range(SIZE, dtype=tf.float32) - _CENTRE
    row, column = axis[:, tf.newaxis], axis[tf.newaxis, :]
    u, v = (column + shear * row) * width, row * height
    x = tf.cos(angle) * u - tf.sin(angle) * v + along_x + _CENTRE
    y = tf.sin(angle) * u + tf.cos(angle) * v + along_y + _CENTRE
    return x, y


def _bend(count: Any, amount: float, seed: Any) -> Any:
    """A smooth random displacement for every pixel, in pixels: (2, n, 28, 28), along x and along y."""
    pulls = tf.random.stateless_normal((2, count, _GRID, _GRID), seed, stddev=_MOST.bend * amount)
    between = tf.constant(_cubic(_GRID, SIZE), tf.float32)
    return between @ pulls @ tf.transpose(between)


@cache
def _cubic(points: int, size: int) -> NDArray[np.float64]:
    """A matrix (size, points) that interpolates so many points over an axis, by cubic convolution.

    Keys 1981 (IEEE Transactions on Acoustics, Speech, and Signal Processing 29) with a = -1/2; beyond the ends there
    is nothing, and the weights of what is there sum to 1.
    """
    places = (np.arange(size) + 0.5) * points / size - 0.5
    distance = np.abs(places[:, np.newaxis] - np.arange(points))
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _with_other_strokes(images: Any, amount: float, seed: Any) -> Any:
    draw = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1), seed, -amount, amount) * _MOST.stroke
    image = images[..., tf.newaxis]
    thicker = tf.nn.max_pool2d(image, 3, 1, "SAME")[..., 0]
    thinner = -tf.nn.max_pool2d(-image, 3, 1, "SAME")[..., 0]
    return images + tf.nn.relu(draw) * (thicker - images) + tf.nn.relu(-draw) * (thinner - images)


def _sampled(images: Any, x: Any, y: Any) -> Any:
    """The images sampled at the points (x, y) by bilinear interpolation; empty outside."""
    count, row = tf.shape(images)[0], SIZE + 2
    # A frame of empty pixels takes what lies outside.
    x, y = (tf.clip_by_value(axis + 1, 0.0, row - 1.001) for axis in (x, y))
    left, top = tf.floor(x), tf.floor(y)
    right_share, bottom_share = x - left, y - top
    pixels = tf.reshape(tf.pad(images, [[0, 0], [1, 1], [1, 1]]), (count, row * row))
    corner = tf.reshape(tf.cast(top, tf.int32) * row + tf.cast(left, tf.int32), (count, SIZE * SIZE))

    def neighbour(offset: int) -> Any:
        return tf.reshape(tf.gather(pixels, corner + offset, batch_dims=1), (count, SIZE, SIZE))

    upper = neighbour(0) + right_share * (neighbour(1) - neighbour(0))
    lower = neighbour(row) + right_share * (neighbour(row + 1) - neighbour(row))
    return upper + bottom_share * (lower - upper)
