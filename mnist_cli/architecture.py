"""The network as data: its layers, the shapes that flow through them, their parameters and their work.

One description serves everything: training builds the Keras model from it, `summary` prints it, the engine runs it,
and model files are read back into it. The fields of a layer bear the names of the arguments of the Keras layer of the
same name. Shapes leave out the batch axis and have the channels last: (height, width, channels) or (features,).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

Shape = tuple[int, ...]
Pair = tuple[int, int]

IMAGE_SHAPE: Shape = (28, 28, 1)
CLASSES = 10

ACTIVATIONS = ("linear", "relu", "softmax", "sigmoid", "tanh")
PADDINGS = ("valid", "same")


def shape_text(shape: Shape) -> str:
    """A shape for people: `26x26x32`."""
    return "x".join(map(str, shape))


class ShapeError(ValueError):
    """A layer that can't take what the layer before it gives."""


@dataclass(frozen=True)
class Layer:
    """One layer. By itself it keeps the shape, learns nothing and multiplies nothing."""

    name: str
    trainable: bool = field(default=True, kw_only=True)

    rank: ClassVar[int | None] = None
    """The number of axes that the input must have (None: any)."""
    frozen_weights: ClassVar[int] = 0
    """How many of the layer's arrays, the last ones, no gradient ever changes."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Shapes of the arrays that the layer keeps for an input of `shape`, in the order that Keras stores them."""
        return ()

    def multiply_adds(self, shape: Shape) -> int:
        """Multiplications followed by an addition for one image; biases, pooling and activations are not counted."""
        return 0

    def window_numbers(self, shape: Shape) -> int:
        """How many numbers the windows that the layer looks at hold together, for one image."""
        return 0


@dataclass(frozen=True)
class Rescaling(Layer):
    scale: float
    offset: float = 0.0


def _steps(size: int, window: int, stride: int, padding: str) -> int:
    """How many windows fit along one axis; "same" pads until every stride has its window."""
    if padding == "same":
        return -(-size // stride)
    if size < window:
        raise ShapeError(f"a window of {window} does not fit into {size}")
    return (size - window) // stride + 1


def _window_grid(shape: Shape, window: Pair, strides: Pair, padding: str) -> Pair:
    height, width = (_steps(*axis, padding) for axis in zip(shape[:2], window, strides, strict=True))
    return height, width


@dataclass(frozen=True)
class Conv2D(Layer):
    filters: int
    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: str = "valid"
    activation: str = "linear"
    use_bias: bool = True

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (*_window_grid(shape, self.kernel_size, self.strides, self.padding), self.filters)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel = (*self.kernel_size, shape[-1], self.filters)
        return (kernel, (self.filters,)) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return self.window_numbers(shape) * self.filters

    def window_numbers(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)[:2]) * prod(self.kernel_size) * shape[-1]


@dataclass(frozen=True)
class _Pooling2D(Layer):
    pool_size: Pair
    strides: Pair
    padding: str = "valid"

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (*_window_grid(shape, self.pool_size, self.strides, self.padding), shape[-1])

    def window_numbers(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * prod(self.pool_size)


class MaxPooling2D(_Pooling2D):
    pass


class AveragePooling2D(_Pooling2D):
    pass


@dataclass(frozen=True)
class GlobalAveragePooling2D(Layer):
    keepdims: bool = False

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (1, 1, shape[-1]) if self.keepdims else shape[-1:]


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Ioffe and Szegedy 2015 (arXiv:1502.03167), over the last axis."""

    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    frozen_weights = 2  # the moving mean and the moving variance

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (shape[-1:],) * (self.scale + self.center + self.frozen_weights)

    def multiply_adds(self, shape: Shape) -> int:
        return prod(shape)


class Flatten(Layer):
    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


@dataclass(frozen=True)
class Dropout(Layer):
    """Srivastava et al. 2014 (JMLR 15): zeroes a share `rate` of its input in training, does nothing afterwards."""

    rate: float


@dataclass(frozen=True)
class Dense(Layer):
    units: int
    activation: str = "linear"
    use_bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel = (shape[-1], self.units)
        return (kernel, (self.units,)) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return prod(shape) * self.units


@dataclass(frozen=True)
class Activation(Layer):
    activation: str


@dataclass(frozen=True)
class ReLU(Layer):
    max_value: float | None = None
    negative_slope: float = 0.0
    threshold: float = 0.0


class Softmax(Layer):
    pass


@dataclass(frozen=True)
class Stage:
    """A layer in its place: what comes in, what goes out, what it costs."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape

    @property
    def weight_shapes(self) -> tuple[Shape, ...]:
        return self.layer.weight_shapes(self.input_shape)

    @property
    def parameters(self) -> int:
        return sum(prod(shape) for shape in self.weight_shapes)

    @property
    def trainable(self) -> int:
        """Parameters that training changes."""
        if not self.layer.trainable:
            return 0
        shapes = self.weight_shapes
        return sum(prod(shape) for shape in shapes[: len(shapes) - self.layer.frozen_weights])

    @property
    def numbers(self) -> int:
        """The most numbers that the layer has to hold for one image."""
        return max(prod(self.input_shape), prod(self.output_shape), self.layer.window_numbers(self.input_shape))

    @property
    def multiply_adds(self) -> int:
        return self.layer.multiply_adds(self.input_shape)


@dataclass(frozen=True)
class Network:
    """Layers in a straight line, from one input to one output."""

    layers: tuple[Layer, ...]
    input_shape: Shape = IMAGE_SHAPE
    name: str = "cnn"

    def stages(self) -> Iterator[Stage]:
        """Every layer with the shapes around it. Raises `ShapeError` where one does not follow from the last."""
        shape = self.input_shape
        for layer in self.layers:
            if layer.rank is not None and len(shape) != layer.rank:
                raise ShapeError(f"the layer {layer.name} takes {layer.rank} axes, not {len(shape)}")
            stage = Stage(layer, shape, layer.output_shape(shape))
            yield stage
            shape = stage.output_shape

    @property
    def output_shape(self) -> Shape:
        shape = self.input_shape
        for stage in self.stages():
            shape = stage.output_shape
        return shape

    @property
    def ends_in_softmax(self) -> bool:
        """Whether the last layer gives probabilities that sum to 1."""
        last = self.layers[-1] if self.layers else None
        return isinstance(last, Softmax) or getattr(last, "activation", None) == "softmax"

    @property
    def parameters(self) -> int:
        return sum(stage.parameters for stage in self.stages())

    @property
    def trainable(self) -> int:
        return sum(stage.trainable for stage in self.stages())


def classic_cnn(dropout: float) -> Network:
    """The classic two-convolution network for MNIST: 34,826 parameters."""
    return Network(
        (
            Conv2D("conv2d", filters=32, kernel_size=(3, 3), activation="relu"),
            MaxPooling2D("max_pooling2d", pool_size=(2, 2), strides=(2, 2)),
            Conv2D("conv2d_1", filters=64, kernel_size=(3, 3), activation="relu"),
            MaxPooling2D("max_pooling2d_1", pool_size=(2, 2), strides=(2, 2)),
            Flatten("flatten"),
            Dropout("dropout", rate=dropout),
            Dense("dense", units=CLASSES, activation="softmax"),
        )
    )
