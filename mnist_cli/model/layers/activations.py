"""Activations, by their names in Keras and as layers. All but the softmaxes and sparsemax are elementwise."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_cli.model.layers.base import Array, Axis, Layer, Shape, Weights, axis_index, axis_indices

ActivationFunction = str | Layer
"""A name among `FUNCTIONS`, or an activation layer without weights."""


def softmax(x: Array, axis: int = -1) -> Array:
    """exp(x), divided by its sum along an axis.

    The result is float64, so that even the least likely digit has a probability above 0, as the loss needs.
    """
    powers = np.exp(x.astype(np.float64) - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def sigmoid(x: Array) -> Array:
    """The logistic function. Where exp(-x) overflows, its value is 0, which is right."""
    return 1 / (1 + np.exp(-x))


def _elu(x: Array, alpha: float = 1.0) -> Array:
    """Clevert, Unterthiner and Hochreiter 2015 (arXiv:1511.07289)."""
    return np.where(x > 0, x, np.float32(alpha) * np.expm1(np.minimum(x, 0)))


def _selu(x: Array) -> Array:
    """Klambauer et al. 2017 (arXiv:1706.02515), whose constants these are."""
    return np.float32(1.0507009873554805) * _elu(x, 1.6732632423543772)


def _gelu(x: Array) -> Array:
    """Hendrycks and Gimpel 2016 (arXiv:1606.08415), exact: x times the normal distribution function."""
    return (0.5 * x * (1 + _erf(x * np.float32(0.5**0.5)))).astype(x.dtype)


def _erf(x: Array) -> Array:
    """The error function to 1.5e-7: Abramowitz and Stegun, "Handbook of Mathematical Functions", 7.1.26."""
    magnitude = np.abs(x).astype(np.float64)
    t = 1 / (1 + 0.3275911 * magnitude)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.copysign(1 - series * np.exp(-magnitude * magnitude), x)


def _softplus(x: Array) -> Array:
    return np.logaddexp(np.float32(0), x)


def _log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _sparsemax(x: Array) -> Array:
    """Martins and Astudillo 2016 (arXiv:1602.02068), algorithm 1, along the last axis.

    The threshold is not the paper's but Keras' own, with which models were trained: it adds up all sums of the support.
    """
    ordered = -np.sort(-x, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    support = ordered - (sums - 1) / np.arange(1, x.shape[-1] + 1, dtype=x.dtype) > 0
    threshold = (np.where(support, sums, 0).sum(axis=-1, keepdims=True) - 1) / support.sum(axis=-1, keepdims=True)
    return np.maximum(x - threshold.astype(x.dtype), 0)


def _hard_sigmoid(x: Array) -> Array:
    return np.clip(x + 3, 0, 6) / 6


def _leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    return np.where(x > 0, x, np.float32(negative_slope) * x)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "celu": _elu,
    "elu": _elu,
    "exponential": np.exp,
    "gelu": _gelu,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, np.float32(0)),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "keras_2_hard_sigmoid": lambda x: np.clip(np.float32(0.2) * x + np.float32(0.5), 0, 1),
    "leaky_relu": _leaky_relu,
    "linear": lambda x: x,
    "log_sigmoid": lambda x: -_softplus(-x),
    "log_softmax": _log_softmax,
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": _selu,
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "soft_shrink": lambda x: np.where(np.abs(x) > 0.5, x - np.copysign(np.float32(0.5), x), np.float32(0)),
    "softmax": softmax,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x >= 1, x, np.where(x <= -1, np.float32(0), (x + 1) ** 2 / 4)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "sparsemax": _sparsemax,
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
}


def activate(activation: ActivationFunction, x: Array, in_place: bool = False) -> Array:
    """The activation of `x`. With `in_place`, `x` may be overwritten."""
    if isinstance(activation, Layer):
        return activation.apply((), x)
    if activation == "relu" and in_place:
        return np.maximum(x, 0, out=x)
    return FUNCTIONS[activation](x)


@dataclass(frozen=True)
class Activation(Layer):
    activation: ActivationFunction

    def apply(self, weights: Weights, x: Array) -> Array:
        return activate(self.activation, x)


@dataclass(frozen=True)
class ReLU(Layer):
    max_value: float | None = None
    negative_slope: float = 0.0
    threshold: float = 0.0

    def apply(self, weights: Weights, x: Array) -> Array:
        if (self.threshold, self.negative_slope, self.max_value) == (0, 0, None):
            return np.maximum(x, 0)
        low, slope = np.float32(self.threshold), np.float32(self.negative_slope)
        y: Array = np.where(x > low, x, slope * (x - low))  # at the threshold itself Keras takes the slope
        return y if self.max_value is None else np.minimum(y, np.float32(self.max_value))


@dataclass(frozen=True)
class LeakyReLU(Layer):
    negative_slope: float = 0.3

    def apply(self, weights: Weights, x: Array) -> Array:
        return _leaky_relu(x, self.negative_slope)


@dataclass(frozen=True)
class ELU(Layer):
    alpha: float = 1.0

    def apply(self, weights: Weights, x: Array) -> Array:
        return _elu(x, self.alpha)


@dataclass(frozen=True)
class PReLU(Layer):
    """He et al. 2015 (arXiv:1502.01852): one slope for each place, shared along the `shared_axes`."""

    shared_axes: tuple[Axis, ...] | None = None

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        shared = axis_indices(self.shared_axes or (), shape)
        return (tuple(1 if index in shared else size for index, size in enumerate(shape)),)

    def apply(self, weights: Weights, x: Array) -> Array:
        return np.where(x > 0, x, weights[0] * x)


@dataclass(frozen=True)
class Softmax(Layer):
    axis: Axis = -1

    def output_shape(self, shape: Shape) -> Shape:
        axis_index(self.axis, shape)
        return shape

    def apply(self, weights: Weights, x: Array) -> Array:
        return softmax(x, self.axis)
