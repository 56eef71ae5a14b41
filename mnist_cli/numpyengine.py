"""Answers from a network of known layers, computed in NumPy.

TensorFlow takes seconds to start, and the network a third of a millisecond to answer.
"""

import os
from collections.abc import Callable
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mnist_cli import architecture as arch
from mnist_cli.architecture import Layer, Network, Pair, Stage
from mnist_cli.arrays import Images, Probabilities, Weights, as_input, checked
from mnist_cli.modelfile import ModelFile

# Images that run through the network together: few enough for the processor's caches, enough for its matrix products.
# Each processor has one such batch in work, so that memory is bounded whatever the number of images; fewer, where the
# largest layer would need more numbers for them than the second says.
BATCH_SIZE, _NUMBERS_AT_ONCE = 32, 10_000_000

Array = NDArray[np.floating[Any]]


class NumpyEngine:
    """Runs a network of known layers, `BATCH_SIZE` images at a time."""

    def __init__(self, model: ModelFile) -> None:
        self._path = model.path
        self._layers = tuple(zip(model.network.layers, model.weights, strict=True))
        self._batch_size = _batch_size(model.network)

    def probabilities(self, images: Images) -> Probabilities:
        probabilities = np.empty((len(images), arch.CLASSES))

        def run(start: int) -> None:
            batch = slice(start, start + self._batch_size)
            with np.errstate(all="ignore"):  # what overflows is found in the result
                probabilities[batch] = self._run(as_input(images[batch]))

        _for_each(run, range(0, len(images), self._batch_size))
        return checked(probabilities, self._path)

    def _run(self, x: Array) -> Array:
        for layer, weights in self._layers:
            x = apply(layer, x, weights)
        return x


def _for_each(work: Callable[[int], None], starts: range) -> None:
    """Do the work for every start; on all processors at once, where there is more than one."""
    if len(starts) < 2:
        for start in starts:
            work(start)
        return
    from concurrent.futures import ThreadPoolExecutor  # not needed for a single picture

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, starts):
            pass


def _batch_size(network: Network) -> int:
    numbers = max(stage.numbers for stage in network.stages())
    return max(1, min(BATCH_SIZE, _NUMBERS_AT_ONCE // numbers))


def runs(stage: Stage) -> bool:
    """Whether a layer is one of those below, with options that they have."""
    layer = stage.layer
    if isinstance(layer, arch.Conv2D) and (layer.dilation_rate, layer.groups) != ((1, 1), 1):
        return False
    if isinstance(layer, arch.BatchNormalization) and layer.axis not in (-1, len(stage.input_shape)):
        return False
    return type(layer) in apply.registry and getattr(layer, "activation", "linear") in _ACTIVATIONS


# The layers. x is the activations of a batch: (n, height, width, channels) or (n, features), float32.


@singledispatch
def apply(layer: Layer, x: Array, weights: Weights) -> Array:
    """The output of a layer for the input `x`, as Keras computes it outside of training."""
    raise NotImplementedError(type(layer).__name__)


@apply.register(arch.Conv2D)
def _conv2d(layer: arch.Conv2D, x: Array, weights: Weights) -> Array:
    kernel, *bias = weights
    windows = _windows(x, layer.kernel_size, layer.strides, layer.padding, fill=0)
    columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel.size // layer.filters)
    y = columns @ kernel.reshape(-1, layer.filters)
    return _activate(layer.activation, _biased(y, bias).reshape(*windows.shape[:3], layer.filters))


@apply.register(arch.MaxPooling2D)
def _max_pooling2d(layer: arch.MaxPooling2D, x: Array, weights: Weights) -> Array:
    return _reduce_windows(np.maximum, _windows(x, layer.pool_size, layer.strides, layer.padding, fill=-np.inf))


@apply.register(arch.AveragePooling2D)
def _average_pooling2d(layer: arch.AveragePooling2D, x: Array, weights: Weights) -> Array:
    # Padding does not count: it is left out of the sum and of the number that divides it.
    total, count = (
        _reduce_windows(np.add, _windows(summands, layer.pool_size, layer.strides, layer.padding, fill=0))
        for summands in (x, np.ones_like(x[:1, ..., :1]))
    )
    return total / count


@apply.register(arch.GlobalAveragePooling2D)
def _global_average_pooling2d(layer: arch.GlobalAveragePooling2D, x: Array, weights: Weights) -> Array:
    means: Array = x.mean(axis=(1, 2), keepdims=layer.keepdims)
    return means


@apply.register(arch.BatchNormalization)
def _batch_normalization(layer: arch.BatchNormalization, x: Array, weights: Weights) -> Array:
    *learned, mean, variance = weights
    gamma = learned.pop(0) if layer.scale else np.float32(1)
    beta = learned.pop(0) if layer.center else np.float32(0)
    factor = gamma / np.sqrt(variance + np.float32(layer.epsilon))
    y: Array = x * factor + (beta - mean * factor)
    return y


@apply.register(arch.Flatten)
def _flatten(layer: arch.Flatten, x: Array, weights: Weights) -> Array:
    return x.reshape(len(x), -1)


@apply.register(arch.Dropout)
def _dropout(layer: arch.Dropout, x: Array, weights: Weights) -> Array:
    return x


@apply.register(arch.Rescaling)
def _rescaling(layer: arch.Rescaling, x: Array, weights: Weights) -> Array:
    return x * np.float32(layer.scale) + np.float32(layer.offset)


@apply.register(arch.Dense)
def _dense(layer: arch.Dense, x: Array, weights: Weights) -> Array:
    kernel, *bias = weights
    return _activate(layer.activation, _biased(x @ kernel, bias))


@apply.register(arch.Activation)
def _activation(layer: arch.Activation, x: Array, weights: Weights) -> Array:
    return _activate(layer.activation, x)


@apply.register(arch.ReLU)
def _relu_layer(layer: arch.ReLU, x: Array, weights: Weights) -> Array:
    low, slope = np.float32(layer.threshold), np.float32(layer.negative_slope)
    y: Array = np.where(x > low, x, slope * (x - low))  # at the threshold itself Keras takes the slope
    return y if layer.max_value is None else np.minimum(y, np.float32(layer.max_value))


@apply.register(arch.Softmax)
def _softmax_layer(layer: arch.Softmax, x: Array, weights: Weights) -> Array:
    return _softmax(x)


def _biased(y: Array, bias: list[Array]) -> Array:
    if bias:
        y += bias[0]
    return y


def _windows(x: Array, size: Pair, strides: Pair, padding: str, fill: float) -> Array:
    """A view of every window of a batch: (n, rows, columns, channels, height, width)."""
    if padding == "same":
        margins = (_margins(x.shape[axis + 1], size[axis], strides[axis]) for axis in (0, 1))
        x = np.pad(x, ((0, 0), *margins, (0, 0)), constant_values=fill)
    windows = sliding_window_view(x, size, axis=(1, 2))
    view: Array = windows[:, :: strides[0], :: strides[1]]
    return view


def _reduce_windows(operation: np.ufunc, windows: Array) -> Array:
    """Every window reduced to one number: one pass over the batch per place in the window, many times faster than
    a reduction over the two short last axes."""
    first, *others = (windows[..., row, column] for row, column in np.ndindex(windows.shape[4:]))
    result = first.copy()
    for place in others:
        operation(result, place, out=result)
    return result


def _margins(size: int, window: int, stride: int) -> Pair:
    """What "same" padding adds before and after an axis: the odd one goes after."""
    missing = max((-(-size // stride) - 1) * stride + window - size, 0)
    return missing // 2, missing - missing // 2


def _activate(name: str, x: Array) -> Array:
    return _ACTIVATIONS[name](x)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0, out=x)


def _softmax(x: Array) -> Array:
    """exp(x) over its sum along the last axis.

    In float64, so that a digit held impossible still has a probability above 0, as a loss needs.
    """
    powers = np.exp(x.astype(np.float64) - x.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _sigmoid(x: Array) -> Array:
    """The logistic function, in a form that can't overflow."""
    y: Array = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * x))
    return y


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": _relu,
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
}
