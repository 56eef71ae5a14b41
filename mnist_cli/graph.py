"""The network in TensorFlow's graph, written for training: every operation of a step is in sight here.

Weights come as a list, in the order in which Keras keeps them. The computing precision is that of the arguments.
"""

from collections.abc import Sequence
from typing import Any

from mnist_cli import backend
from mnist_cli.architecture import Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Network

_BYTE = 256


def logits(network: Network, weights: Sequence[Any], images: Any, seed: Any = None) -> Any:
    """What the network makes of images of shape (n, 28, 28, 1), before its softmax: shape (n, 10).

    `seed`, an int32 tensor of shape (2,), decides what dropout drops; without it nothing is dropped. ReLU never
    changes which of several numbers is the largest, and a bias moves all of them alike. So they come after the
    pooling of a convolution, where a quarter of the numbers is left: the same result for less.

    Raises `TypeError` for a layer that the networks trained here don't have.
    """
    tf = backend.load().tf
    values, arrays = images, iter(weights)
    for layer in network.layers:
        match layer:
            case Conv2D(strides=strides, padding=padding):
                values, bias = tf.nn.conv2d(values, next(arrays), strides, padding.upper()), next(arrays)
            case MaxPooling2D(pool_size=size, strides=strides, padding=padding):
                values = tf.nn.relu(tf.nn.max_pool2d(values, size, strides, padding.upper()) + bias)
            case Flatten():
                values = tf.reshape(values, (tf.shape(values)[0], -1))
            case Dropout(rate=rate):
                values = values if seed is None else dropped(values, rate, seed)
            case Dense():
                values = values @ next(arrays) + next(arrays)
            case _:
                raise TypeError(f"{type(layer).__name__} can't be trained")
    return values


def dropped(values: Any, rate: float, seed: Any) -> Any:
    """`values` with a share of them set to zero and the rest scaled up, so that their expected sum stays as it was.

    One random byte decides on one number, which is a quarter of the work of a random float for each; so the share is
    `rate` to the nearest 1/256.
    """
    tf = backend.load().tf
    threshold = min(round(rate * _BYTE), _BYTE - 1)
    count = tf.size(values)
    words = tf.random.stateless_uniform(((count + 3) // 4,), seed, minval=None, maxval=None, dtype=tf.uint32)
    noise = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), (-1,))[:count], tf.shape(values))
    scale = tf.cast(_BYTE / (_BYTE - threshold), values.dtype)
    return tf.where(noise >= threshold, values * scale, tf.zeros_like(values))
