"""The network as TensorFlow operations, for training.

The weights are a list of tensors in Keras' order. All is computed in the precision of the arguments.
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

_BYTE_VALUES = 256


def logits(network: Network, weights: Sequence[Any], images: Any, seed: Any = None) -> Any:
    """The network's outputs before the softmax, shape (n, 10), for images of shape (n, 28, 28, 1), 0 to 1.

    `seed`, an int64 tensor of shape (2,), determines what dropout drops; without it, nothing is dropped. The network
    may consist of convolutions with ReLU, each followed by max pooling, Flatten, Dropout, and a final dense layer with
    softmax; `TypeError` is raised for any other.
    """
    values, arrays, layers = images, iter(weights), iter(network.layers)
    for layer in layers:
        match layer:
            case Conv2D(activation="relu", use_bias=True):
                kernel, bias = next(arrays), next(arrays)
                values = _convolved(values, layer, next(layers, None), kernel, bias)
            case Flatten():
                values = tf.reshape(values, (tf.shape(values)[0], -1))
            case Dropout(rate=rate):
                values = values if seed is None else dropped(values, rate, seed)
            case Dense(activation="softmax", use_bias=True):
                kernel, bias = next(arrays), next(arrays)
                values = values @ kernel + bias
            case _:
                raise TypeError(f"{layer} can't be trained here")
    return values


def _convolved(values: Any, convolution: Conv2D, pooling: Layer | None, kernel: Any, bias: Any) -> Any:
    """The outputs of a convolution and the max pooling after it, with bias and ReLU applied last.

    Both are monotonic, so they commute with the maximum; after pooling they cost a quarter.
    """
    if not isinstance(pooling, MaxPooling2D):
        raise TypeError(f"{convolution} can't be trained here: no pooling follows")
    features = tf.nn.conv2d(values, kernel, convolution.strides, convolution.padding.upper())
    pooled = tf.nn.max_pool2d(features, pooling.pool_size, pooling.strides, pooling.padding.upper())
    return tf.nn.relu(pooled + bias)


def dropped(values: Any, rate: float, seed: Any) -> Any:
    """Dropout: a random share of `values` set to 0, and the others scaled up to keep the expected sum.

    One random byte decides on each value, which costs a quarter of one random float; so the share is `rate` to the
    nearest 1/256.
    """
    threshold = min(round(rate * _BYTE_VALUES), _BYTE_VALUES - 1)
    if threshold == 0:
        return values
    count = tf.size(values)
    words = tf.random.stateless_uniform(((count + 3) // 4,), seed, minval=None, maxval=None, dtype=tf.uint32)
    noise = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), (-1,))[:count], tf.shape(values))
    scale = tf.cast(_BYTE_VALUES / (_BYTE_VALUES - threshold), values.dtype)
    return tf.where(noise >= threshold, values * scale, tf.zeros_like(values))
