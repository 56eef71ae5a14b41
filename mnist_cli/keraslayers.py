"""Layers that Keras runs and the engine does not, as data: what they give, what they keep and what they cost.

As in `architecture`, the fields bear the names of Keras' arguments, and shapes leave out the batch axis.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from mnist_cli.architecture import (
    Axis,
    GlobalPooling2D,
    Layer,
    Pair,
    Shape,
    ShapeError,
    axis_index,
    shape_text,
    window_grid,
)

Margins = tuple[Pair, Pair]
Numbers = tuple[int, ...]

ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh"),
    *("leaky_relu", "log_sigmoid", "log_softmax", "mish", "relu6", "selu", "silu", "soft_shrink", "softplus"),
    *("softsign", "sparse_plus", "squareplus", "swish", "tanh_shrink"),
)
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")

# Layers that keep the shape and learn nothing.


@dataclass(frozen=True)
class ELU(Layer):
    alpha: float = 1.0


@dataclass(frozen=True)
class LeakyReLU(Layer):
    negative_slope: float = 0.3


class Identity(Layer):
    pass


class UnitNormalization(Layer):
    pass


@dataclass(frozen=True)
class ActivityRegularization(Layer):
    l1: float = 0.0
    l2: float = 0.0


@dataclass(frozen=True)
class _Noise(Layer):
    """Does nothing after training."""

    rate: float


class AlphaDropout(_Noise):
    pass


class GaussianDropout(_Noise):
    pass


class SpatialDropout2D(_Noise):
    rank = 3


@dataclass(frozen=True)
class GaussianNoise(Layer):
    stddev: float


class _RandomChange(Layer):
    """Changes images at random in training, and does nothing afterwards."""

    rank = 3


class RandomContrast(_RandomChange):
    pass


class RandomFlip(_RandomChange):
    pass


class RandomRotation(_RandomChange):
    pass


class RandomTranslation(_RandomChange):
    pass


class RandomZoom(_RandomChange):
    pass


# Layers that keep the shape and learn.


@dataclass(frozen=True)
class LayerNormalization(Layer):
    """Ba, Kiros and Hinton 2016 (arXiv:1607.06450)."""

    axis: Numbers = (-1,)
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    rms_scaling: bool = False

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        sizes = tuple(shape[axis_index(axis, shape)] for axis in self.axis)
        return (sizes,) * (1 if self.rms_scaling else self.scale + self.center)


@dataclass(frozen=True)
class RMSNormalization(Layer):
    """Zhang and Sennrich 2019 (arXiv:1910.07467), over the last axis."""

    epsilon: float = 1e-6

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (shape[-1:],)


@dataclass(frozen=True)
class GroupNormalization(Layer):
    """Wu and He 2018 (arXiv:1803.08494), over the last axis."""

    groups: int = 32
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        if shape[-1] % self.groups:
            raise ShapeError(f"{shape[-1]} channels do not make {self.groups} groups")
        return shape

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (shape[-1:],) * (self.scale + self.center)


@dataclass(frozen=True)
class PReLU(Layer):
    """He et al. 2015 (arXiv:1502.01852): a slope for each place that is not along one of the `shared_axes`."""

    shared_axes: Numbers | None = None

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        shared = {axis_index(axis, shape) for axis in self.shared_axes or ()}
        return (tuple(1 if index in shared else size for index, size in enumerate(shape)),)


# Convolutions and pooling.


@dataclass(frozen=True)
class DepthwiseConv2D(Layer):
    """Each channel convolved by itself, with `depth_multiplier` filters."""

    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: str = "valid"
    depth_multiplier: int = 1
    dilation_rate: Pair = (1, 1)
    activation: str = "linear"
    use_bias: bool = True

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (*self._grid(shape), shape[-1] * self.depth_multiplier)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel = (*self.kernel_size, shape[-1], self.depth_multiplier)
        return (kernel, (shape[-1] * self.depth_multiplier,)) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return self.window_numbers(shape) * self.depth_multiplier

    def window_numbers(self, shape: Shape) -> int:
        return prod(self._grid(shape)) * prod(self.kernel_size) * shape[-1]

    def _grid(self, shape: Shape) -> Pair:
        return window_grid(shape, self.kernel_size, self.strides, self.padding, self.dilation_rate)


@dataclass(frozen=True)
class SeparableConv2D(DepthwiseConv2D):
    """A depthwise convolution, and then one of 1x1 (Chollet 2017, arXiv:1610.02357)."""

    filters: int = 1

    def output_shape(self, shape: Shape) -> Shape:
        return (*self._grid(shape), self.filters)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        between = shape[-1] * self.depth_multiplier
        kernels = ((*self.kernel_size, shape[-1], self.depth_multiplier), (1, 1, between, self.filters))
        return (*kernels, (self.filters,)) if self.use_bias else kernels

    def multiply_adds(self, shape: Shape) -> int:
        between = shape[-1] * self.depth_multiplier
        return super().multiply_adds(shape) + prod(self._grid(shape)) * between * self.filters


@dataclass(frozen=True)
class Conv2DTranspose(Layer):
    """The transpose of a convolution: every number of the input is spread over a window of the output."""

    filters: int
    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: str = "valid"
    activation: str = "linear"
    use_bias: bool = True

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        beyond = (max(k - s, 0) if self.padding == "valid" else 0 for k, s in self._axes())
        return (*(n * s + more for n, s, more in zip(shape, self.strides, beyond, strict=False)), self.filters)

    def _axes(self) -> tuple[Pair, ...]:
        return tuple(zip(self.kernel_size, self.strides, strict=True))

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel = (*self.kernel_size, self.filters, shape[-1])
        return (kernel, (self.filters,)) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return prod(shape) * prod(self.kernel_size) * self.filters

    def window_numbers(self, shape: Shape) -> int:
        return prod(shape[:2]) * prod(self.kernel_size) * self.filters


class GlobalMaxPooling2D(GlobalPooling2D):
    pass


# Layers that give another shape to what they get.


@dataclass(frozen=True)
class ZeroPadding2D(Layer):
    padding: Margins

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] + sum(self.padding[0]), shape[1] + sum(self.padding[1]), shape[2])


@dataclass(frozen=True)
class Cropping2D(Layer):
    cropping: Margins

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        left = (shape[0] - sum(self.cropping[0]), shape[1] - sum(self.cropping[1]), shape[2])
        if min(left) < 1:
            raise ShapeError(f"nothing is left of {shape_text(shape)} cropped so far")
        return left


@dataclass(frozen=True)
class UpSampling2D(Layer):
    size: Pair
    interpolation: str = "nearest"

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] * self.size[0], shape[1] * self.size[1], shape[2])


@dataclass(frozen=True)
class Reshape(Layer):
    target_shape: Numbers

    def output_shape(self, shape: Shape) -> Shape:
        known = prod(size for size in self.target_shape if size != -1)
        open_axes = self.target_shape.count(-1)
        rest = prod(shape) // known if known > 0 else 0
        target = tuple(rest if size == -1 else size for size in self.target_shape)
        if min(target, default=0) < 1 or open_axes > 1 or prod(target) != prod(shape):
            raise ShapeError(f"{shape_text(shape)} can't be given the shape {shape_text(self.target_shape)}")
        return target


@dataclass(frozen=True)
class Permute(Layer):
    dims: Numbers

    def output_shape(self, shape: Shape) -> Shape:
        if sorted(self.dims) != list(range(1, len(shape) + 1)):
            raise ShapeError(f"{shape_text(shape)} has no axes in the order {self.dims}")
        return tuple(shape[axis - 1] for axis in self.dims)


# Recurrent layers, over the first axis.


@dataclass(frozen=True)
class SimpleRNN(Layer):
    units: int
    activation: str = "tanh"
    use_bias: bool = True
    return_sequences: bool = False
    go_backwards: bool = False

    rank = 2
    weights_at = "cell/vars"
    gates: ClassVar[int] = 1

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], self.units) if self.return_sequences else (self.units,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        width = self.gates * self.units
        kernels = ((shape[1], width), (self.units, width))
        return (*kernels, self._bias_shape()) if self.use_bias else kernels

    def _bias_shape(self) -> Shape:
        return (self.gates * self.units,)

    def multiply_adds(self, shape: Shape) -> int:
        return shape[0] * (shape[1] + self.units) * self.gates * self.units

    def window_numbers(self, shape: Shape) -> int:
        return shape[0] * self.gates * self.units


@dataclass(frozen=True)
class LSTM(SimpleRNN):
    """Hochreiter and Schmidhuber 1997, "Long short-term memory"."""

    recurrent_activation: str = "sigmoid"

    gates = 4


@dataclass(frozen=True)
class GRU(LSTM):
    """Cho et al. 2014 (arXiv:1406.1078)."""

    reset_after: bool = True

    gates = 3

    def _bias_shape(self) -> Shape:
        width = self.gates * self.units
        return (2, width) if self.reset_after else (width,)


# Layers that make one output of several inputs.


class _Merge(Layer):
    """Works number by number; an axis of size 1 goes with any other."""

    merges = True

    def output_shape(self, shape: Shape, *others: Shape) -> Shape:
        sizes = [set(axis) - {1} or {1} for axis in zip(shape, *others, strict=False)]
        if {len(other) for other in others} != {len(shape)} or any(len(size) > 1 for size in sizes):
            shapes = " and ".join(map(shape_text, (shape, *others)))
            raise ShapeError(f"the layer {self.name} can't take {shapes} together")
        return tuple(size.pop() for size in sizes)


class Add(_Merge):
    pass


class Average(_Merge):
    pass


class Maximum(_Merge):
    pass


class Minimum(_Merge):
    pass


class Multiply(_Merge):
    pass


class Subtract(_Merge):
    def output_shape(self, shape: Shape, *others: Shape) -> Shape:
        if len(others) != 1:
            raise ShapeError(f"the layer {self.name} takes two inputs")
        return super().output_shape(shape, *others)


@dataclass(frozen=True)
class Concatenate(Layer):
    axis: Axis = Axis(-1)

    merges = True

    def output_shape(self, shape: Shape, *others: Shape) -> Shape:
        index = axis_index(self.axis, shape)
        before, after = shape[:index], shape[index + 1 :]
        if any(len(other) != len(shape) or other[:index] != before or other[index + 1 :] != after for other in others):
            raise ShapeError(f"the layer {self.name} can't take inputs of such shapes together")
        return (*before, sum(each[index] for each in (shape, *others)), *after)


LAYERS: tuple[type[Layer], ...] = (
    *(ActivityRegularization, Add, AlphaDropout, Average, Concatenate, Conv2DTranspose, Cropping2D, DepthwiseConv2D),
    *(ELU, GRU, GaussianDropout, GaussianNoise, GlobalMaxPooling2D, GroupNormalization, Identity, LSTM),
    *(LayerNormalization, LeakyReLU, Maximum, Minimum, Multiply, PReLU, Permute, RMSNormalization, RandomContrast),
    *(RandomFlip, RandomRotation, RandomTranslation, RandomZoom, Reshape, SeparableConv2D, SimpleRNN),
    *(SpatialDropout2D, Subtract, UnitNormalization, UpSampling2D, ZeroPadding2D),
)
