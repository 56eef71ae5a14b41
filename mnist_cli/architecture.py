"""The network as data: its layers, the shapes that flow through them, their parameters and their work.

One description serves everything: training builds the Keras model from it, `summary` prints it, the engine runs it,
and model files are read back into it. The fields of a layer bear the names of the arguments of the Keras layer of the
same name. Shapes leave out the batch axis and have the channels last: (height, width, channels) or (features,).

The layers here are those that the engine runs in NumPy; `keraslayers` has others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar, NewType

Shape = tuple[int, ...]
Pair = tuple[int, int]
Axis = NewType("Axis", int)
"""As Keras counts them: from 0, which is the batch axis, or backwards from -1, the last."""

IMAGE_SHAPE: Shape = (28, 28, 1)
CLASSES = 10

ACTIVATIONS = ("linear", "relu", "softmax", "sigmoid", "tanh")
PADDINGS = ("valid", "same")


def shape_text(shape: Shape) -> str:
    """A shape for people: `26x26x32`."""
    return "x".join(map(str, shape))


class ShapeError(ValueError):
    """A layer that can't take what the layer before it gives."""


def axis_index(axis: int, shape: Shape) -> int:
    """The place of an axis in a shape, which leaves out the batch axis."""
    index = axis + len(shape) if axis < 0 else axis - 1
    if not 0 <= index < len(shape):
        raise ShapeError(f"{shape_text(shape)} has no axis {axis}")
    return index


@dataclass(frozen=True)
class Layer:
    """One layer. By itself it keeps the shape, learns nothing and multiplies nothing."""

    name: str
    trainable: bool = field(default=True, kw_only=True)

    rank: ClassVar[int | None] = None
    """The number of axes that the input must have (None: any)."""
    merges: ClassVar[bool] = False
    """Whether it takes two inputs or more, and otherwise one."""
    frozen_weights: ClassVar[int] = 0
    """How many of the layer's arrays, the last ones, no gradient ever changes."""
    weights_at: ClassVar[str] = "vars"
    """Where Keras keeps the layer's arrays, below the place of the layer itself."""

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


def window_grid(shape: Shape, window: Pair, strides: Pair, padding: str, dilation_rate: Pair = (1, 1)) -> Pair:
    """How many windows fit into the height and the width of a shape."""
    reach = (rate * (size - 1) + 1 for size, rate in zip(window, dilation_rate, strict=True))
    height, width = (_steps(*axis, padding) for axis in zip(shape[:2], reach, strides, strict=True))
    return height, width


@dataclass(frozen=True)
class Conv2D(Layer):
    filters: int
    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: str = "valid"
    dilation_rate: Pair = (1, 1)
    groups: int = 1
    activation: str = "linear"
    use_bias: bool = True

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        if shape[-1] % self.groups or self.filters % self.groups:
            raise ShapeError(f"{shape[-1]} channels and {self.filters} filters do not make {self.groups} groups")
        grid = window_grid(shape, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return (*grid, self.filters)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        kernel = (*self.kernel_size, shape[-1] // self.groups, self.filters)
        return (kernel, (self.filters,)) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return self.window_numbers(shape) * self.filters // self.groups

    def window_numbers(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)[:2]) * prod(self.kernel_size) * shape[-1]


@dataclass(frozen=True)
class _Pooling2D(Layer):
    pool_size: Pair
    strides: Pair
    padding: str = "valid"

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (*window_grid(shape, self.pool_size, self.strides, self.padding), shape[-1])

    def window_numbers(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * prod(self.pool_size)


class MaxPooling2D(_Pooling2D):
    pass


class AveragePooling2D(_Pooling2D):
    pass


@dataclass(frozen=True)
class GlobalPooling2D(Layer):
    keepdims: bool = False

    rank = 3

    def output_shape(self, shape: Shape) -> Shape:
        return (1, 1, shape[-1]) if self.keepdims else shape[-1:]


class GlobalAveragePooling2D(GlobalPooling2D):
    pass


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Ioffe and Szegedy 2015 (arXiv:1502.03167)."""

    axis: Axis = Axis(-1)
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    frozen_weights = 2  # the moving mean and the moving variance

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        size = shape[axis_index(self.axis, shape)]
        return ((size,),) * (self.scale + self.center + self.frozen_weights)

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


LAYERS: tuple[type[Layer], ...] = (
    *(Activation, AveragePooling2D, BatchNormalization, Conv2D, Dense, Dropout, Flatten, GlobalAveragePooling2D),
    *(MaxPooling2D, ReLU, Rescaling, Softmax),
)


@dataclass(frozen=True)
class Stage:
    """A layer in its place: what comes in, what goes out, what it costs."""

    layer: Layer
    input_shapes: tuple[Shape, ...]
    output_shape: Shape

    @property
    def input_shape(self) -> Shape:
        """That of the first input; most layers have no other."""
        return self.input_shapes[0]

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
        inputs = sum(map(prod, self.input_shapes))
        return max(inputs, prod(self.output_shape), self.layer.window_numbers(self.input_shape))

    @property
    def multiply_adds(self) -> int:
        return self.layer.multiply_adds(self.input_shape)


def placed(layer: Layer, input_shapes: tuple[Shape, ...]) -> Stage:
    """The layer in a place where it gets inputs of these shapes. Raises `ShapeError` where it can't take them."""
    if (len(input_shapes) > 1) != layer.merges:
        raise ShapeError(f"the layer {layer.name} can't take {len(input_shapes)} inputs")
    for shape in input_shapes:
        if layer.rank is not None and len(shape) != layer.rank:
            raise ShapeError(f"the layer {layer.name} takes {layer.rank} axes, not {len(shape)}")
    return Stage(layer, input_shapes, layer.output_shape(*input_shapes))


@dataclass(frozen=True)
class Network:
    """Layers from one input to one output.

    `sources`: for each layer the numbers of the layers that it takes its inputs from, all of them before it, and -1 for
    the input of the network; None: the layers are a straight line. `precision`: what Keras computes in.
    """

    layers: tuple[Layer, ...]
    input_shape: Shape = IMAGE_SHAPE
    name: str = "cnn"
    sources: tuple[tuple[int, ...], ...] | None = None
    precision: str = "float32"

    def stages(self) -> Iterator[Stage]:
        """Every layer with the shapes around it. Raises `ShapeError` where one does not follow from the last."""
        shapes = [self.input_shape]
        for number, layer in enumerate(self.layers):
            sources = self.sources[number] if self.sources is not None else (number - 1,)
            stage = placed(layer, tuple(shapes[source + 1] for source in sources))
            yield stage
            shapes.append(stage.output_shape)

    @property
    def output_shape(self) -> Shape:
        shape = self.input_shape
        for stage in self.stages():
            shape = stage.output_shape
        return shape

    @property
    def may_give_probabilities(self) -> bool:
        """Whether its output may be probabilities that sum to 1: not where the last to compute lacks softmax."""
        computing = [layer for layer in self.layers if not isinstance(layer, Dropout | Flatten)]
        match computing[-1:]:
            case [Conv2D() | Dense() | Activation() as last]:
                return last.activation == "softmax"
        return bool(computing)

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
