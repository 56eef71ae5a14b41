"""The network in TensorFlow's graph, written for training: every operation of a step is in sight here.

Weights come as a list, in the order in which Keras keeps them. The computing precision is that of the arguments.
"""

from collections.abc import Sequence
from typing import Any

from mnist_cli.model.layers.base import Layer
from mnist_cli.model.layers.convolution import Conv2D
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.pooling import MaxPooling2D
from mnist_cli.model.layers.shaping import Dropout, Flatten
from mnist_cli.model.network import Network
from mnist_cli.training.backend import tf

_BYTE = 256


def logits(network: Network, weights: Sequence[Any], images: Any, seed: Any = None) -> Any:
    """What the network makes of images of shape (n, 28, 28, 1), before its softmax: shape (n, 10).

    `seed`, an int64 tensor of shape (2,), decides what dropout drops; without it nothing is dropped. Raises
    `TypeError` for a network of another kind than those that are trained here: convolutions with ReLU, each with its
    pooling, and a dense layer with softmax.
    """
    values, arrays, layers = images, iter(weights), iter(network.layers)
    for layer in layers:
        match layer:
            case Conv2D(activation="relu", use_bias=True):
                values = _convolved(values, layer, next(layers, None), next(arrays), next(arrays))
            case Flatten():
                values = tf.reshape(values, (tf.shape(values)[0], -1))
            case Dropout(rate=rate):
                values = values if seed is None else dropped(values, rate, seed)
            case Dense(activation="softmax", use_bias=True):
                values = values @ next(arrays) + next(arrays)
            case _:
                raise TypeError(f"{layer} can't be trained here")
    return values


def _convolved(values: Any, convolution: Conv2D, pooling: Layer | None, kernel: Any, bias: Any) -> Any:
    """A convolution and its pooling, with bias and ReLU after both.

    The largest of several numbers stays the largest when all are moved alike, and ReLU of the largest is the largest
    of the ReLUs: where a quarter of the numbers is left, the same result costs less.
    """
    if not isinstance(pooling, MaxPooling2D):
        raise TypeError(f"{convolution} can't be trained here: no pooling follows")
    features = tf.nn.conv2d(values, kernel, convolution.strides, convolution.padding.upper())
    pooled = tf.nn.max_pool2d(features, pooling.pool_size, pooling.strides, pooling.padding.upper())
    return tf.nn.relu(pooled + bias)


def dropped(values: Any, rate: float, seed: Any) -> Any:
    """`values` with a share of them set to zero and the rest scaled up, so that their expected sum stays as it was.

    One random byte decides on one number, which is a quarter of the work of a random float for each; so the share is
    `rate` to the nearest 1/256.
    """
    threshold = min(round(rate * _BYTE), _BYTE - 1)
    if threshold == 0:
        return values
    count = tf.size(values)
    words = tf.random.stateless_uniform(((count + 3) // 4,), seed, minval=None, maxval=None, dtype=tf.uint32)
    noise = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), (-1,))[:count], tf.shape(values))
    scale = tf.cast(_BYTE / (_BYTE - threshold), values.dtype)
    return tf.where(noise >= threshold, values * scale, tf.zeros_like(values))
