"""Convolutions as matrix products: windows unfolded into rows, times the kernel."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mnist_cli.model.layers.activations import ActivationFunction, activate
from mnist_cli.model.layers.base import (
    CALL_COST,
    NUMBER_COST,
    Array,
    Cost,
    Count,
    Pair,
    Shape,
    Sizes,
    Weights,
    with_bias,
)
from mnist_cli.model.layers.windows import Windowed, pair, places, reach

# Windows with up to this many values are unfolded whole. For larger windows each row is unfolded once and serves all
# windows that contain it, and the products of the rows are added up.
_WHOLE_WINDOW = 300


@dataclass(frozen=True, kw_only=True)
class _Convolution(Windowed):
    kernel_size: Sizes
    strides: Sizes = (1,)
    dilation_rate: Sizes = (1,)
    activation: ActivationFunction = "linear"
    use_bias: bool = True

    rank = 3
    size_fields = ("kernel_size", "strides", "dilation_rate")

    @property
    def dilation(self) -> Sizes:
        return self.dilation_rate

    @property
    def _strides_and_dilation(self) -> tuple[Pair, Pair]:
        """Both as (rows, columns)."""
        return pair(self.strides), pair(self.dilation_rate)

    def _kernel(self, kernel: Array) -> Array:
        """A kernel of shape (rows, columns, ...), with one row for sequences."""
        return kernel.reshape(*pair(kernel.shape[:-2]), *kernel.shape[-2:])

    def _biased_and_activated(self, y: Array, bias: Weights) -> Array:
        """The output of the layer, from products of shape (n, rows, columns, filters)."""
        if bias:
            y += bias[0]
        return activate(self.activation, y if self.rank == 3 else y[:, 0], in_place=True)


@dataclass(frozen=True, kw_only=True)
class Conv2D(_Convolution):
    filters: Count

    fixed_options = {"groups": 1}

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.grid(shape), self.filters)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return with_bias(self.use_bias, (*self.kernel_size, shape[-1], self.filters))

    def cost(self, shape: Shape) -> Cost:
        """Memory holds the padded input, its unfolded windows or rows of windows, and the product of a row."""
        multiply_adds = prod(self.output_shape(shape)) * prod(self.kernel_size) * shape[-1]
        height, width = pair(self.grid(shape))
        rows, columns = pair(self.kernel_size)
        if rows * columns * shape[-1] > _WHOLE_WINDOW:
            span = reach((rows,), pair(self.dilation_rate)[:1])[0]
            height, rows = height * pair(self.strides)[0] + span, 1
        unfolded = height * width * rows * columns * shape[-1]
        numbers = self.padded_size(shape) + unfolded + height * width * self.filters
        return Cost(multiply_adds, numbers, overhead=self.kernel_size[0] * CALL_COST)

    def apply(self, weights: Weights, x: Array) -> Array:
        y = _correlated(self.padded(x), self._kernel(weights[0]), *self._strides_and_dilation)
        return self._biased_and_activated(y, weights[1:])


class Conv1D(Conv2D):
    rank = 2


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(_Convolution):
    """Convolves each channel separately, with `depth_multiplier` filters."""

    depth_multiplier: Count = 1

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.grid(shape), shape[-1] * self.depth_multiplier)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel = (*self.kernel_size, shape[-1], self.depth_multiplier)
        return (kernel, (prod(kernel[-2:]),)) if self.use_bias else (kernel,)

    def cost(self, shape: Shape) -> Cost:
        taps, outputs = prod(self.kernel_size), self._depthwise_size(shape)
        held_numbers = self.padded_size(shape) + 2 * outputs
        return Cost(taps * outputs, held_numbers, overhead=taps * (CALL_COST + NUMBER_COST * outputs))

    def _depthwise_size(self, shape: Shape) -> int:
        """The size of the depthwise convolution's output."""
        return prod(self.grid(shape)) * shape[-1] * self.depth_multiplier

    def apply(self, weights: Weights, x: Array) -> Array:
        return self._biased_and_activated(self._depthwise(x, weights[0]), weights[1:])

    def _depthwise(self, x: Array, kernel: Array) -> Array:
        """The depthwise convolution: shape (n, rows, columns, channels * depth_multiplier), channel by channel."""
        rows, columns, channels, multiplier = kernel.shape
        views = places(self.padded(x), (rows, columns), *self._strides_and_dilation)
        y = np.zeros((*views[0].shape[:3], channels * multiplier), np.float32)
        for view, factors in zip(views, kernel.reshape(-1, channels * multiplier), strict=True):
            y += (view if multiplier == 1 else np.repeat(view, multiplier, axis=-1)) * factors
        return y


@dataclass(frozen=True, kw_only=True)
class SeparableConv2D(DepthwiseConv2D):
    """A depthwise convolution, followed by a convolution of 1x1 (Chollet 2017, arXiv:1610.02357)."""

    filters: Count

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.grid(shape), self.filters)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        between = shape[-1] * self.depth_multiplier
        depthwise = (*self.kernel_size, shape[-1], self.depth_multiplier)
        return with_bias(self.use_bias, depthwise, (1, 1, between, self.filters))

    def cost(self, shape: Shape) -> Cost:
        depthwise = super().cost(shape)
        return depthwise._replace(multiply_adds=depthwise.multiply_adds + self._depthwise_size(shape) * self.filters)

    def apply(self, weights: Weights, x: Array) -> Array:
        y = _correlated(self._depthwise(x, weights[0]), weights[1], (1, 1), (1, 1))
        return self._biased_and_activated(y, weights[2:])


def _correlated(x: Array, kernel: Array, strides: Pair, dilation: Pair) -> Array:
    """The products of all windows and a kernel: shape (n, rows, columns, filters).

    `x`: padded images, shape (n, rows, columns, channels). `kernel`: shape (rows, columns, channels, filters).
    """
    rows, columns, channels, filters = kernel.shape
    if rows == 1 or kernel.size // filters <= _WHOLE_WINDOW:
        whole = _unfolded(x, (rows, columns), strides, dilation)
        return (whole.reshape(-1, kernel.size // filters) @ kernel.reshape(-1, filters)).reshape(*whole.shape[:3], -1)
    unfolded = _unfolded(x, (1, columns), (1, strides[1]), (1, dilation[1]))
    n, _, width, size = unfolded.shape
    height = (x.shape[1] - dilation[0] * (rows - 1) - 1) // strides[0] + 1
    y, product = np.empty((2, n, height * width, filters), np.float32)
    for row in range(rows):
        first = row * dilation[0]
        part = unfolded[:, first : first + (height - 1) * strides[0] + 1 : strides[0]].reshape(n, height * width, size)
        np.matmul(part, kernel[row].reshape(size, filters), out=product if row else y)
        if row:
            y += product
    return np.reshape(y, (n, height, width, filters))


def _unfolded(x: Array, window: Pair, strides: Pair, dilation: Pair) -> Array:
    """The values of each window as a row: shape (n, rows, columns, values)."""
    if window == (1, 1):
        return x[:, :: strides[0], :: strides[1]]
    n, height, _, channels = x.shape
    if channels == 1 or dilation[1] > 1:
        stacked = np.stack(places(x, window, strides, dilation), axis=3)
        return stacked.reshape(*stacked.shape[:3], -1)
    # A row of a window is contiguous in memory and is copied in one piece, which is much faster.
    size = (reach(window, dilation)[0], window[1] * channels)
    pieces = sliding_window_view(x.reshape(n, height, -1), size, axis=(1, 2))
    pieces = pieces[:, :: strides[0], :: strides[1] * channels, :: dilation[0]]
    return pieces.reshape(*pieces.shape[:3], -1)
