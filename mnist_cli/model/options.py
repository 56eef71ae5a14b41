"""Reading the config of a Keras layer, its class and its options, as a `Layer`.

Only options that the answers depend on are read: the fields of the layer, and its `fixed_options`.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import import_module
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from mnist_cli.model.layers.activations import FUNCTIONS, ActivationFunction
from mnist_cli.model.layers.base import Axis, Constants, Count, Layer, Size, UnusableModel
from mnist_cli.model.layers.shaping import Inactive

Config = Mapping[str, Any]

# The module of each kind of layer. The "inactive" ones do nothing after training, whatever their options. They are
# listed one by one, because a custom class in an HDF5 file may have a similar name, and RandomCrop always crops.
_INACTIVE = "inactive"
_MODULES = {
    _INACTIVE: "ActivityRegularization AlphaDropout GaussianDropout GaussianNoise Identity SpatialDropout1D "
    "SpatialDropout2D AugMix CutMix MixUp RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter "
    "RandomContrast RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHeight "
    "RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness "
    "RandomShear RandomTranslation RandomWidth RandomZoom",
    "activations": "Activation ELU LeakyReLU PReLU ReLU Softmax",
    "convolution": "Conv1D Conv2D DepthwiseConv2D SeparableConv2D",
    "dense": "Dense",
    "merging": "Add Average Concatenate Maximum Multiply",
    "normalization": "BatchNormalization LayerNormalization Normalization Rescaling",
    "pooling": "AveragePooling1D AveragePooling2D GlobalAveragePooling1D GlobalAveragePooling2D "
    "GlobalMaxPooling1D GlobalMaxPooling2D MaxPooling1D MaxPooling2D",
    "recurrent": "Bidirectional GRU LSTM SimpleRNN",
    "resampling": "Resizing UpSampling2D",
    "shaping": "Dropout Flatten Permute Reshape ZeroPadding2D",
}
_MODULE_OF = {kind: module for module, kinds in _MODULES.items() for kind in kinds.split()}

KINDS = frozenset(_MODULE_OF)
"""The supported classes of Keras layers."""

# Other names of activations: those of Keras 2, and one of TensorFlow that Keras 2 wrote.
_ALIASES = {"hard_swish": "hard_silu", "softmax_v2": "softmax", "swish": "silu"}

_HINT = "Evaluate it in Keras, or train a model without it."
_NO_CODE = "Put a layer of Keras in its place, such as Rescaling or Reshape, and save the model again."

# Limits for the numbers and the lists in options.
_LARGEST, _LONGEST = 2**31, 8


def entry_of(entry: Any) -> tuple[str, Config]:
    """The class and the options in the config of a layer or a model. Raises `UnusableModel` for a custom class.

    Keras 3 writes the module of a class; a custom class has its own module or registered name.
    """
    match entry:
        case {"class_name": str(kind), "config": dict(options)}:
            module, registered = entry.get("module", "keras"), entry.get("registered_name")
            roots = ("keras", "tf_keras", "tensorflow")
            if not isinstance(module, str) or module.split(".")[0] not in roots or registered not in (None, kind):
                raise UnusableModel(f"its {kind:.100} is custom code, which is not in the file", _HINT)
            return kind, options
    raise UnusableModel("its config describes no model")


def name_in(options: Config) -> str:
    """The name of a layer or a model. Raises `UnusableModel` if it has none."""
    name = options.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 1000:
        raise UnusableModel("its config describes a layer without a name")
    return name


@cache
def layer_class(kind: str) -> type[Layer]:
    """The layer class for a supported Keras class. Its module is imported only now, to keep cold starts short."""
    module = _MODULE_OF[kind]
    if module == _INACTIVE:
        return type(kind, (Inactive,), {})
    loaded: type[Layer] = getattr(import_module(f"mnist_cli.model.layers.{module}"), kind)
    return loaded


def read_layer(entry: Any) -> Layer:
    """The layer in the config of a Keras layer. Raises `UnusableModel` if it is not supported."""
    kind, options = entry_of(entry)
    name = name_in(options)
    if kind == "Lambda":
        raise UnusableModel(f"its Lambda layer {name} holds Python code, which mnistcli never runs", _NO_CODE)
    if kind not in KINDS:
        raise _unsupported(f"layer {name} is of the kind {kind:.100}")
    if "Quantized" in str(options.get("dtype")):
        raise _unsupported(f"layer {name} is quantized")
    for option, value in layer_class(kind).fixed_options.items():
        if options.get(option, value) != value:
            raise _unsupported(f"layer {name} has {option}={options[option]!r:.40}")
    return layer_class(kind)(**_arguments(kind, name, _renamed(kind, options)))


def _unsupported(what: str) -> UnusableModel:
    return UnusableModel(f"its {what}, which mnistcli doesn't support", _HINT)


def _renamed(kind: str, options: Config) -> Config:
    """The options as Keras 3 names them, with a backward layer for every Bidirectional."""
    if kind == "Bidirectional":
        return {**options, "backward_layer": options.get("backward_layer") or _reversed(options.get("layer"))}
    if kind == "LeakyReLU" and "alpha" in options:
        return {**options, "negative_slope": options["alpha"]}
    return options


def _reversed(entry: Any) -> Any:
    """The config of a recurrent layer that goes in the opposite direction."""
    match entry:
        case {"config": dict(options)}:
            return {**entry, "config": {**options, "go_backwards": not options.get("go_backwards", False)}}
    return entry


def _arguments(kind: str, name: str, options: Config) -> dict[str, Any]:
    """The arguments for the layer class, converted to the types of its fields. Raises `UnusableModel`."""
    arguments = {}
    for field, hint in _fields(kind):
        if field.name in options:
            try:
                arguments[field.name] = _converted(hint, options[field.name])
            except UnusableModel:
                raise
            except (TypeError, ValueError, OverflowError) as reason:
                raise _unsupported(f"layer {name} has {field.name}={options[field.name]!r:.40}") from reason
        elif field.default is MISSING:
            raise UnusableModel(f"its layer {name} has no {field.name}")
    return arguments


@cache
def _fields(kind: str) -> tuple[tuple[Any, Any], ...]:
    """The fields of the layer class, each with its type hint."""
    hints = get_type_hints(layer_class(kind), include_extras=True)
    return tuple((field, hints[field.name]) for field in fields(layer_class(kind)))


def _converted(hint: Any, value: Any) -> Any:
    """A value converted to the type hint of a field. Raises `ValueError` or `TypeError` if it does not fit."""
    if hint in _CONVERTERS:
        return _CONVERTERS[hint](value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _tuple(arguments, value)
    if origin is Literal:
        return _checked(value, value in arguments)
    if origin in (Union, UnionType):  # a type or None
        return None if value is None else _converted(arguments[0], value)
    layer = read_layer(value)
    return _checked(layer, isinstance(layer, hint))


def _checked(value: Any, is_valid: bool) -> Any:
    """The value. Raises `ValueError` if it is not valid."""
    if not is_valid:
        raise ValueError(value)
    return value


def _tuple(hints: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    """A list as a tuple; a single value stands for every item."""
    any_length = hints[-1] is ...
    values = value if isinstance(value, list) else [value] * (1 if any_length else len(hints))
    _checked(values, len(values) <= _LONGEST)
    hints = hints[:1] * len(values) if any_length else hints
    return tuple(_converted(hint, item) for hint, item in zip(hints, values, strict=True))


def _integer(value: Any, least: int = -_LARGEST) -> int:
    return int(_checked(value, type(value) is int and least <= value <= _LARGEST))


def _axis(value: Any) -> int:
    """An axis, which Keras 2 puts into a list for BatchNormalization."""
    return _integer(value[0] if isinstance(value, list) and len(value) == 1 else value)


def _constants(value: Any) -> float | tuple[float, ...]:
    numbers = np.asarray(value, np.float64).squeeze()
    _checked(value, numbers.ndim < 2 and numbers.size > 0 and bool(np.isfinite(numbers).all()))
    return tuple(numbers.tolist()) if numbers.ndim else float(numbers)


def _activation(value: Any) -> ActivationFunction:
    """The name of an activation, written in any of the forms of Keras and TensorFlow, or an activation layer."""
    match value:
        case {"class_name": "function", "config": str(name)}:
            return _activation(name)
        case {"class_name": "Activation", "config": {"activation": inner}}:
            return _activation(inner)
        case {"class_name": "__lambda__"} | {"value": [str(), *_]}:
            raise UnusableModel("it has Python code for an activation, which mnistcli never runs", _NO_CODE)
    if isinstance(value, str):
        if _ALIASES.get(value, value) not in FUNCTIONS:
            raise _unsupported(f"activation is {value:.100}")
        return _ALIASES.get(value, value)
    kind = entry_of(value)[0]
    layer = read_layer(value) if _MODULE_OF.get(kind) == "activations" else None
    if layer is None or layer.weight_shapes((1,)):
        raise _unsupported(f"activation is {kind:.100}")
    return layer


_CONVERTERS: dict[Any, Callable[[Any], Any]] = {
    bool: lambda value: _checked(value, isinstance(value, bool)),
    int: _integer,
    float: lambda value: float(_checked(value, type(value) in (int, float) and abs(value) <= _LARGEST**2)),
    str: lambda value: _checked(value, isinstance(value, str)),
    ActivationFunction: _activation,
    Axis: _axis,
    Count: lambda value: _integer(value, 1),
    Constants: _constants,
    Size: lambda value: _integer(value, 0),
}
