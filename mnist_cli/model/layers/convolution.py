"""Convolutions, as products of matrices: windows laid open into rows, times the kernel."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mnist_cli.model.layers.activations import ActivationFunction, activate
from mnist_cli.model.layers.base import Array, Count, Layer, Pair, Shape, ShapeError, Sizes, Weights
from mnist_cli.model.layers.windows import Windowed, as_images, grid, padded, pair, places, reach

# Windows of at most so many numbers are laid open whole. Of larger ones only the rows are, each of which serves all
# windows that share it, and the products of the rows are added up.
_WHOLE_WINDOW = 64


@dataclass(frozen=True, kw_only=True)
class _Convolution(Windowed):
    kernel_size: Sizes
    strides: Sizes = (1,)
    dilation_rate: Sizes = (1,)
    activation: ActivationFunction = "linear"
    use_bias: bool = True

    sizes = ("kernel_size", "strides", "dilation_rate")

    def _grid(self, shape: Shape) -> Shape:
        return grid(shape, self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def _images(self, x: Array) -> Array:
        """The input as padded images."""
        return as_images(padded(x, reach(self.kernel_size, self.dilation_rate), self.strides, self.padding))

    def _kernel(self, kernel: Array) -> Array:
        """A kernel for images."""
        return kernel.reshape(*pair(kernel.shape[:-2]), *kernel.shape[-2:])

    @property
    def _steps(self) -> tuple[Pair, Pair]:
        """Strides and dilation for images."""
        return pair(self.strides), pair(self.dilation_rate)

    def _finished(self, y: Array, bias: Weights) -> Array:
        """The output, from images without bias and activation."""
        if bias:
            y += bias[0]
        return activate(self.activation, y if self.rank == 3 else y[:, 0])


@dataclass(frozen=True, kw_only=True)
class Conv2D(_Convolution):
    filters: Count
    groups: Count = 1

    rank = 3

    def output_shape(self, *shapes: Shape) -> Shape:
        channels = shapes[0][-1]
        if channels % self.groups or self.filters % self.groups:
            raise ShapeError(f"{channels} channels and {self.filters} filters do not make {self.groups} groups")
        return (*self._grid(shapes[0]), self.filters)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel = (*self.kernel_size, shape[-1] // self.groups, self.filters)
        return (kernel, (self.filters,)) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * prod(self.kernel_size) * shape[-1] // self.groups

    def working_numbers(self, shape: Shape) -> int:
        return prod(self._grid(shape)) * prod(self.kernel_size) * shape[-1]

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        kernel, *bias = weights
        images = np.split(self._images(inputs[0]), self.groups, axis=-1)
        kernels = np.split(self._kernel(kernel), self.groups, axis=-1)
        parts = [_correlated(x, k, *self._steps) for x, k in zip(images, kernels, strict=True)]
        return self._finished(parts[0] if self.groups == 1 else np.concatenate(parts, axis=-1), tuple(bias))


class Conv1D(Conv2D):
    rank = 2


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(_Convolution):
    """Each channel convolved by itself, with `depth_multiplier` filters."""

    depth_multiplier: Count = 1

    rank = 3

    def output_shape(self, *shapes: Shape) -> Shape:
        return (*self._grid(shapes[0]), shapes[0][-1] * self.depth_multiplier)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel = (*self.kernel_size, shape[-1], self.depth_multiplier)
        return (kernel, (shape[-1] * self.depth_multiplier,)) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return prod(self._grid(shape)) * shape[-1] * self.depth_multiplier * prod(self.kernel_size)

    def working_numbers(self, shape: Shape) -> int:
        return prod(self._grid(shape)) * shape[-1] * self.depth_multiplier

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        kernel, *bias = weights
        return self._finished(self._by_channel(inputs[0], kernel), tuple(bias))

    def _by_channel(self, x: Array, kernel: Array) -> Array:
        """Images in which the filters of a channel follow one another."""
        kernel = self._kernel(kernel)
        rows, columns, channels, multiplier = kernel.shape
        views = places(self._images(x), (rows, columns), *self._steps)
        y = np.zeros((*views[0].shape[:3], channels * multiplier), np.float32)
        for view, factors in zip(views, kernel.reshape(-1, channels * multiplier), strict=True):
            y += (view if multiplier == 1 else np.repeat(view, multiplier, axis=-1)) * factors
        return y


class DepthwiseConv1D(DepthwiseConv2D):
    rank = 2


@dataclass(frozen=True, kw_only=True)
class SeparableConv2D(DepthwiseConv2D):
    """A depthwise convolution, and then one of 1x1 (Chollet 2017, arXiv:1610.02357)."""

    filters: Count

    def output_shape(self, *shapes: Shape) -> Shape:
        return (*self._grid(shapes[0]), self.filters)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        between = shape[-1] * self.depth_multiplier
        pointwise = (*(1 for _ in self.kernel_size), between, self.filters)
        kernels = ((*self.kernel_size, shape[-1], self.depth_multiplier), pointwise)
        return (*kernels, (self.filters,)) if self.use_bias else kernels

    def multiply_adds(self, shape: Shape) -> int:
        between = shape[-1] * self.depth_multiplier
        return super().multiply_adds(shape) + prod(self._grid(shape)) * between * self.filters

    def apply(self, weights: Weights, *inputs: Array) -> Array:
        depthwise, pointwise, *bias = weights
        y = self._by_channel(inputs[0], depthwise)
        return self._finished(_correlated(y, self._kernel(pointwise), (1, 1), (1, 1)), tuple(bias))


class SeparableConv1D(SeparableConv2D):
    rank = 2


def _correlated(x: Array, kernel: Array, strides: Pair, dilation: Pair) -> Array:
    """The sums of all windows of a batch of images times a kernel of shape (rows, columns, channels, filters)."""
    rows, columns, channels, filters = kernel.shape
    if rows == 1 or kernel.size // filters <= _WHOLE_WINDOW:
        whole = _laid_open(x, (rows, columns), strides, dilation)
        return (whole.reshape(-1, kernel.size // filters) @ kernel.reshape(-1, filters)).reshape(*whole.shape[:3], -1)
    opened = _laid_open(x, (1, columns), (1, strides[1]), (1, dilation[1]))
    n, _, width, size = opened.shape
    height = (x.shape[1] - dilation[0] * (rows - 1) - 1) // strides[0] + 1
    y, product = np.empty((2, n, height * width, filters), np.float32)
    for row in range(rows):
        first = row * dilation[0]
        part = opened[:, first : first + (height - 1) * strides[0] + 1 : strides[0]].reshape(n, height * width, size)
        np.matmul(part, kernel[row].reshape(size, filters), out=product if row else y)
        if row:
            y += product
    return np.reshape(y, (n, height, width, filters))


def _laid_open(x: Array, window: Pair, strides: Pair, dilation: Pair) -> Array:
    """The numbers of every window in a row: shape (n, rows, columns, numbers)."""
    if window == (1, 1):
        return x[:, :: strides[0], :: strides[1]]
    view = sliding_window_view(x, reach(window, dilation), axis=(1, 2))
    view = view[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]
    return view.transpose(0, 1, 2, 4, 5, 3).reshape(*view.shape[:3], -1)


LAYERS: tuple[type[Layer], ...] = (
    *(Conv1D, Conv2D, DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D),
)
