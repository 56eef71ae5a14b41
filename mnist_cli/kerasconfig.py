"""Keras' description of a model, `config.json`, read as a network; nothing that it names is ever called."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from types import NoneType
from typing import Any, get_type_hints

from mnist_cli import architecture
from mnist_cli.architecture import ACTIVATIONS, PADDINGS, Layer, Network, Pair, Shape

LAYERS_LIMIT = 200
PARAMETERS_LIMIT = 20_000_000
# Of one layer, for one image: what has to be held, the windows of a convolution or a pooling laid open included.
NUMBERS_LIMIT = 10_000_000

Config = Mapping[str, Any]

_MODEL_MODULES = ("keras", "keras.models", "keras.src.models.sequential", "keras.src.models.functional")

_KNOWN: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in (
        architecture.Activation,
        architecture.AveragePooling2D,
        architecture.BatchNormalization,
        architecture.Conv2D,
        architecture.Dense,
        architecture.Dropout,
        architecture.Flatten,
        architecture.GlobalAveragePooling2D,
        architecture.MaxPooling2D,
        architecture.ReLU,
        architecture.Rescaling,
        architecture.Softmax,
    )
}

# Options of Keras' layers that the engine has only one way to honour.
_ONLY: dict[str, tuple[Any, ...]] = {
    "data_format": ("channels_last",),
    "dilation_rate": ([1, 1],),
    "groups": (1,),
    "axis": (-1,),
    "noise_shape": (None,),
    "quantization_config": (None,),
    "renorm": (False,),
    "renorm_clipping": (None,),
    "sparse": (False,),
    "ragged": (False,),
    "optional": (False,),
}
# Options that matter while a model is trained and not to its answers, with what they may be.
_IN_TRAINING: dict[str, tuple[type, ...]] = {
    "seed": (int, NoneType),
    "momentum": (int, float),
    "renorm_momentum": (int, float),
    "synchronized": (bool,),
}
# Likewise objects of Keras' own, by the ending of the option's name: their module and their classes.
_OBJECTS_IN_TRAINING = {
    "_initializer": (
        "keras.initializers",
        [
            "Constant",
            "GlorotNormal",
            "GlorotUniform",
            "HeNormal",
            "HeUniform",
            "LecunNormal",
            "LecunUniform",
            "Ones",
            "Orthogonal",
            "RandomNormal",
            "RandomUniform",
            "TruncatedNormal",
            "VarianceScaling",
            "Zeros",
        ],
    ),
    "_regularizer": ("keras.regularizers", ["L1", "L1L2", "L2", "OrthogonalRegularizer"]),
    "_constraint": ("keras.constraints", ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]),
}


_OBJECT_OPTIONS = {
    *("seed", "value", "mean", "stddev", "minval", "maxval", "gain", "scale", "mode", "distribution"),
    *("input_axes", "output_axes", "l1", "l2", "factor", "max_value", "min_value", "rate", "axis"),
}


class ConfigError(ValueError):
    """A config that describes no model."""


class UnknownPart(Exception):
    """A part of a model that only Keras itself can run."""


def read_config(config: Any) -> Network:
    """The network that a Keras config describes.

    Raises `ConfigError` where it describes none, `UnknownPart` where it has parts that the engine does not know.
    """
    match config:
        case {"class_name": "Sequential", "config": {"layers": [*entries]}} if _is_kerass_own(config):
            chain = entries
        case {"class_name": "Functional", "config": {"layers": [*entries]} as graph} if _is_kerass_own(config):
            chain = _straight_line(entries, graph)
        case {"class_name": str(kind), "config": {}}:
            raise UnknownPart(f"a model of the kind {kind:.100}")
        case _:
            raise ConfigError("its config.json describes no model")
    if len(chain) > LAYERS_LIMIT:
        raise ConfigError(f"it has {len(chain)} layers; at most {LAYERS_LIMIT} are read")
    return _network(chain, config["config"].get("build_input_shape"))


def _is_kerass_own(config: Config) -> bool:
    """Whether the class that a model names is one of Keras, and not somebody's of the same name."""
    return config.get("module") in _MODEL_MODULES and config.get("registered_name") in (
        None,
        "Functional",
        "Sequential",
    )


def _network(chain: list[Any], build_input_shape: Any) -> Network:
    batch_shape = build_input_shape
    if chain and _kind(chain[0]) == "InputLayer":
        options = dict(chain[0]["config"])
        batch_shape = options.pop("batch_shape", None)
        _check_layer_class(chain[0])
        _check_plain({key: value for key, value in options.items() if key != "name"}, "Input")
        chain = chain[1:]
    network = Network(tuple(_layer(entry) for entry in chain), _shape(batch_shape))
    for entry, stage in zip(chain, network.stages(), strict=True):
        if entry.get("build_config") not in (None, {"input_shape": [None, *stage.input_shape]}):
            raise UnknownPart(f"the layer {stage.layer.name}, built for another input")
    if len({layer.name for layer in network.layers}) < len(network.layers):
        raise ConfigError("two of its layers have the same name")
    if network.parameters > PARAMETERS_LIMIT:
        raise ConfigError(f"it has {network.parameters:,} parameters; at most {PARAMETERS_LIMIT:,} are read")
    if any(stage.numbers > NUMBERS_LIMIT for stage in network.stages()):
        raise ConfigError(f"a layer needs more than {NUMBERS_LIMIT:,} numbers in memory for one image")
    return network


def _shape(batch_shape: Any) -> Shape:
    match batch_shape:
        case [None | int(), *sizes] if sizes and all(isinstance(size, int) and size > 0 for size in sizes):
            return tuple(sizes)
    raise UnknownPart("an input of no fixed size")


def _kind(entry: Any) -> str:
    match entry:
        case {"class_name": str(kind), "config": dict()}:
            return kind
    raise ConfigError("its config.json describes a layer of no kind")


def _straight_line(entries: list[Any], graph: Config) -> list[Any]:
    """The layers of a functional model in their order, which must be a line from one input to one output."""
    source, target = _only_name(graph.get("input_layers")), _only_name(graph.get("output_layers"))
    after = {_predecessor(entry): entry for entry in entries}
    by_name = {entry.get("name"): entry for entry in entries}
    if len(after) != len(entries) or source not in by_name or _predecessor(by_name[source]) is not None:
        raise UnknownPart("a network that branches")
    chain = [by_name[source]]
    while (following := after.get(chain[-1]["name"])) is not None and len(chain) < len(entries):
        chain.append(following)
    if len(chain) != len(entries) or chain[-1]["name"] != target:
        raise UnknownPart("a network that branches")
    return chain


def _only_name(ends: Any) -> str:
    match ends:
        case [str(name), 0, 0] | [[str(name), 0, 0]]:
            return name
    raise UnknownPart("several inputs or outputs")


def _predecessor(entry: Any) -> str | None:
    match entry:
        case {"name": str(), "inbound_nodes": []}:
            return None
        case {"name": str(), "inbound_nodes": [{"args": [{"config": {"keras_history": [str(name), 0, 0]}}]}]}:
            return name
    raise UnknownPart("a network that branches")


def _layer(entry: Any) -> Layer:
    kind = _KNOWN.get(_kind(entry))
    if kind is None:
        raise UnknownPart(f"the layer {entry['class_name']:.100}")
    _check_layer_class(entry)
    config = entry["config"]
    own = {field.name: field for field in fields(kind)}
    _check_plain({key: value for key, value in config.items() if key not in own}, entry["class_name"])
    hints = get_type_hints(kind)
    return kind(**{name: _value(field, hints[name], config) for name, field in own.items()})


def _check_layer_class(entry: Config) -> None:
    if entry.get("module") != "keras.layers" or entry.get("registered_name") is not None:
        raise UnknownPart(f"the layer {entry['class_name']:.100}")


def _check_plain(options: Config, kind: str) -> None:
    for key, value in options.items():
        if not _is_plain(key, value):
            raise UnknownPart(f"{kind} with the option {key}")


def _is_plain(key: str, value: Any) -> bool:
    if key == "dtype":
        return value == "float32" or (isinstance(value, dict) and value.get("config") == {"name": "float32"})
    if key in _ONLY:
        return value in _ONLY[key]
    if key in _IN_TRAINING:
        return isinstance(value, _IN_TRAINING[key])
    return any(key.endswith(ending) and _is_object(value, *known) for ending, known in _OBJECTS_IN_TRAINING.items())


def _is_object(value: Any, module: str, classes: list[str]) -> bool:
    """Whether this is None, or how Keras writes down an object of one of the classes, made from plain values."""
    match value:
        case None:
            return True
        case {"module": str(named), "class_name": str(kind), "config": dict(config), "registered_name": None}:
            plain = all(value is None or isinstance(value, int | float | str) for value in config.values())
            return named == module and kind in classes and plain and config.keys() <= _OBJECT_OPTIONS
    return False


def _value(field: Field[Any], hint: Any, config: Config) -> Any:
    if field.name not in config and field.default is not MISSING:
        return field.default
    value: Any = config.get(field.name)
    if field.name == "activation" and value not in ACTIVATIONS:
        raise UnknownPart(f"the activation {value!r:.40}")
    if isinstance(value, list | dict) and hint != Pair:
        raise UnknownPart(f"a list as {field.name}")
    if not _CHECKS[hint](value) or not _LIMITS.get(field.name, _anything)(value):
        raise ConfigError(f"a layer has the {field.name} {value!r:.40}")
    return tuple(value) if hint == Pair else value


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 < value <= 2**31


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < float("inf")


def _anything(value: Any) -> bool:
    return True


_CHECKS: dict[Any, Callable[[Any], bool]] = {
    int: _is_count,
    float: _is_number,
    float | None: lambda value: value is None or _is_number(value),
    bool: lambda value: isinstance(value, bool),
    str: lambda value: isinstance(value, str),
    Pair: lambda value: isinstance(value, list) and len(value) == 2 and all(map(_is_count, value)),
}
# What Keras asks of an option beyond its type.
_LIMITS: dict[str, Callable[[Any], bool]] = {
    "name": lambda name: 0 < len(name) <= 1000 and "/" not in name,
    "padding": lambda padding: padding in PADDINGS,
    "rate": lambda rate: 0 <= rate <= 1,
    "max_value": lambda value: value is None or value >= 0,
    "negative_slope": lambda value: value >= 0,
    "threshold": lambda value: value >= 0,
}
