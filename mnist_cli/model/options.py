"""A layer as Keras describes it, its kind and its options, made into one of the layers here.

Only what an answer depends on is looked at: the fields of the layer, and the options that it can have in one way only.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import import_module
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from mnist_cli.model.layers.activations import FUNCTIONS, ActivationFunction
from mnist_cli.model.layers.base import Axis, Count, Figures, Layer, Size, UnusableModel
from mnist_cli.model.layers.shaping import Inactive

Config = Mapping[str, Any]

_MODULES = {
    "activations": ("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"),
    "convolution": (
        "Conv1D",
        "Conv2D",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "SeparableConv1D",
        "SeparableConv2D",
    ),
    "dense": ("Dense",),
    "merging": ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"),
    "normalization": ("BatchNormalization", "LayerNormalization", "Normalization", "Rescaling"),
    "pooling": (
        "AveragePooling1D",
        "AveragePooling2D",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "MaxPooling1D",
        "MaxPooling2D",
    ),
    "recurrent": ("Bidirectional", "GRU", "LSTM", "SimpleRNN"),
    "resampling": ("Resizing", "UpSampling2D"),
    "shaping": ("Cropping2D", "Dropout", "Flatten", "Permute", "RepeatVector", "Reshape", "ZeroPadding2D"),
}
# What else does nothing after training, whatever its options.
_INACTIVE = (
    "ActivityRegularization",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "AugMix",
    "CutMix",
    "MixUp",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHeight",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "SpatialDropout1D",
    "SpatialDropout2D",
)
_MODULE_OF = {kind: module for module, kinds in _MODULES.items() for kind in kinds}

KINDS = frozenset((*_MODULE_OF, *_INACTIVE))
"""The classes of Keras that layers may have."""

# What Keras 2 called otherwise: options of all layers, and functions of TensorFlow.
_OLD_OPTIONS = {"alpha": "negative_slope"}
_OLD_FUNCTIONS = {"softmax_v2": "softmax"}

_HINT = "Evaluate it in Keras, or train a model without it."
_NO_CODE = "Put a layer of Keras in its place, such as Rescaling or Reshape, and save the model again."

# No number that a layer needs is larger, and none needs more for its axes; NumPy has 32 axes.
_LARGEST, _AXES_LIMIT = 2**31, 8


def entry_of(entry: Any) -> tuple[str, Config]:
    """The class and the options in the description of a part. Raises `UnusableModel` where it isn't Keras' own.

    Keras 3 tells the module of each part; a custom class has a module or a registered name of its own.
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
    """The name of a layer or a model. Raises `UnusableModel`."""
    name = options.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 1000:
        raise UnusableModel("its config describes a layer without a name")
    return name


@cache
def layer_class(kind: str) -> type[Layer]:
    """The layer of a kind. Those that few models have are loaded only then, which a cold start need not wait for."""
    if kind in _INACTIVE:
        return type(kind, (Inactive,), {})
    loaded: type[Layer] = getattr(import_module(f"mnist_cli.model.layers.{_MODULE_OF[kind]}"), kind)
    return loaded


def read_layer(entry: Any) -> Layer:
    """The layer that an entry describes. Raises `UnusableModel`."""
    kind, options = entry_of(entry)
    name = name_in(options)
    if kind == "Lambda":
        raise UnusableModel(f"its Lambda layer {name} holds Python code, which mnistcli never runs", _NO_CODE)
    if kind not in KINDS:
        raise UnusableModel(f"its layer {name} is of the kind {kind:.100}, which mnistcli doesn't support", _HINT)
    if "Quantized" in str(options.get("dtype")):
        raise UnusableModel(f"its layer {name} is quantized, which mnistcli doesn't support", _HINT)
    for option, value in layer_class(kind).only.items():
        if options.get(option, value) != value:
            given = f"{option}={options[option]!r:.40}"
            raise UnusableModel(f"its layer {name} has {given}, which mnistcli doesn't support", _HINT)
    return layer_class(kind)(**_arguments(kind, name, _renamed(kind, options)))


def _renamed(kind: str, options: Config) -> Config:
    """The options by their names in Keras 3, with nothing left to be derived."""
    if kind == "Bidirectional":
        return {**options, "backward_layer": options.get("backward_layer") or _turned(options.get("layer"))}
    if kind == "LeakyReLU":
        return {_OLD_OPTIONS.get(option, option): value for option, value in options.items()}
    return options


def _turned(entry: Any) -> Any:
    """A recurrent layer that goes the other way."""
    match entry:
        case {"config": dict(options)}:
            return {**entry, "config": {**options, "go_backwards": not options.get("go_backwards", False)}}
    return entry


def _arguments(kind: str, name: str, options: Config) -> dict[str, Any]:
    arguments = {}
    for field, hint in _fields(kind):
        if field.name not in options:
            if field.default is MISSING:
                raise UnusableModel(f"its layer {name} has no {field.name}")
            continue
        value = plain(options[field.name])
        try:
            arguments[field.name] = _converted(hint, value)
        except UnusableModel:
            raise
        except (TypeError, ValueError, OverflowError) as reason:
            given = f"{field.name}={value!r:.40}"
            raise UnusableModel(f"its layer {name} has {given}, which mnistcli doesn't support") from reason
    return arguments


@cache
def _fields(kind: str) -> tuple[tuple[Any, Any], ...]:
    hints = get_type_hints(layer_class(kind), include_extras=True)
    return tuple((field, hints[field.name]) for field in fields(layer_class(kind)))


def plain(value: Any) -> Any:
    """A value without what Keras wraps around tuples and arrays of NumPy."""
    match value:
        case {"class_name": "__tuple__", "items": list(inner)}:
            return inner
        case {"class_name": "__numpy__", "config": {"value": inner}} | {"type": "ndarray", "value": inner}:
            return inner
    return value


def _converted(hint: Any, value: Any) -> Any:
    """A value as the type of a field asks for it. Raises `ValueError` or `TypeError` where it can't be."""
    if hint in _CONVERTERS:
        return _CONVERTERS[hint](value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _tuple(arguments, value)
    if origin is Literal:
        return _checked(value, value in arguments)
    if origin in (Union, UnionType):  # something or None
        return None if value is None else _converted(arguments[0], value)
    layer = read_layer(value)
    return _checked(layer, isinstance(layer, hint))


def _checked(value: Any, is_right: bool) -> Any:
    if not is_right:
        raise ValueError(value)
    return value


def _tuple(hints: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    """Of a list; a single value stands for each."""
    several = hints[-1] is ...
    values = value if isinstance(value, list) else [value] * (1 if several else len(hints))
    if len(values) > _AXES_LIMIT:
        raise ValueError("too many")
    each = hints[:1] * len(values) if several else hints
    return tuple(_converted(hint, item) for hint, item in zip(each, values, strict=True))


def _integer(value: Any, least: int = -_LARGEST) -> int:
    return int(_checked(value, type(value) is int and least <= value <= _LARGEST))


def _axis(value: Any) -> int:
    """Keras 2 puts the axis of a batch normalization into a list."""
    return _integer(value[0] if isinstance(value, list) and len(value) == 1 else value)


def _float(value: Any) -> float:
    return float(_checked(value, type(value) in (int, float) and abs(value) <= _LARGEST**2))


def _figures(value: Any) -> Any:
    numbers = np.asarray(value, np.float64)
    _checked(value, numbers.size > 0 and bool(np.isfinite(numbers).all()))
    return float(numbers.item()) if numbers.size == 1 else _tuples(numbers.tolist())


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _activation(value: Any) -> ActivationFunction:
    """A function by its name, as Keras writes down its own and those of TensorFlow; or an activation layer."""
    match value:
        case {"class_name": "function", "config": str(name)}:
            value = _OLD_FUNCTIONS.get(name, name)
        case {"class_name": "Activation", "config": {"activation": inner}}:
            return _activation(inner)
        case {"class_name": "__lambda__"} | {"value": [str(), *_]}:
            raise UnusableModel("it has Python code for an activation, which mnistcli never runs", _NO_CODE)
    if isinstance(value, str):
        if value not in FUNCTIONS:
            raise UnusableModel(f"it has the activation {value:.100}, which mnistcli doesn't support", _HINT)
        return value
    kind = entry_of(value)[0]
    layer = read_layer(value) if _MODULE_OF.get(kind) == "activations" else None
    if layer is None or layer.weight_shapes((1,)):
        raise UnusableModel(f"it has the activation {kind:.100}, which mnistcli doesn't support", _HINT)
    return layer


_CONVERTERS: dict[Any, Callable[[Any], Any]] = {
    bool: lambda value: _checked(value, isinstance(value, bool)),
    int: _integer,
    float: _float,
    str: lambda value: _checked(value, isinstance(value, str)),
    ActivationFunction: _activation,
    Axis: _axis,
    Count: lambda value: _integer(value, 1),
    Figures: _figures,
    Size: lambda value: _integer(value, 0),
}
