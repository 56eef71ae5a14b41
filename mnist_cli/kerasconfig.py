"""Keras' description of a model, `config.json`, read as a network; nothing that it names is ever called."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

from mnist_cli import architecture
from mnist_cli.architecture import ACTIVATIONS, PADDINGS, Layer, Network, Pair, Shape

LAYERS_LIMIT = 200
PARAMETERS_LIMIT = 20_000_000

Config = Mapping[str, Any]

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
}
# Options that matter while a model is trained and not to its answers.
_NO_MATTER = ("trainable", "seed", "momentum", "renorm_momentum", "synchronized")
_NO_MATTER_ENDINGS = ("_initializer", "_regularizer", "_constraint")


class ConfigError(ValueError):
    """A config that describes no model."""


class UnknownPart(Exception):
    """A part of a model that only Keras itself can run."""


def read_config(config: Any) -> Network:
    """The network that a Keras config describes.

    Raises `ConfigError` where it describes none, `UnknownPart` where it has parts that the engine does not know.
    """
    match config:
        case {"class_name": "Sequential", "config": {"layers": [*entries]}}:
            chain = entries
        case {"class_name": "Functional" | "Model", "config": {"layers": [*entries]} as graph}:
            chain = _straight_line(entries, graph)
        case {"class_name": str(kind), "config": {}}:
            raise UnknownPart(f"models of the kind {kind}")
        case _:
            raise ConfigError("its config.json describes no model")
    if len(chain) > LAYERS_LIMIT:
        raise ConfigError(f"it has {len(chain)} layers; at most {LAYERS_LIMIT} are read")
    return _network(chain, config["config"].get("build_input_shape"))


def _network(chain: list[Any], build_input_shape: Any) -> Network:
    batch_shape = build_input_shape
    if chain and _kind(chain[0]) == "InputLayer":
        batch_shape = chain[0]["config"].get("batch_shape")
        chain = chain[1:]
    network = Network(tuple(_layer(entry) for entry in chain), _shape(batch_shape))
    if network.parameters > PARAMETERS_LIMIT:
        raise ConfigError(f"it has {network.parameters:,} parameters; at most {PARAMETERS_LIMIT:,} are read")
    return network


def _shape(batch_shape: Any) -> Shape:
    match batch_shape:
        case [_, *sizes] if sizes and all(isinstance(size, int) and size > 0 for size in sizes):
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
    if kind is None or entry.get("module") != "keras.layers" or entry.get("registered_name") is not None:
        raise UnknownPart(f"the layer {entry['class_name']}")
    config = entry["config"]
    own = {field.name: field for field in fields(kind)}
    for key, value in config.items():
        if key not in own and not _is_plain(key, value):
            raise UnknownPart(f"{entry['class_name']} with the option {key}")
    hints = get_type_hints(kind)
    return kind(**{name: _value(field, hints[name], config) for name, field in own.items()})


def _is_plain(key: str, value: Any) -> bool:
    if key == "dtype":
        return value == "float32" or (isinstance(value, dict) and value.get("config") == {"name": "float32"})
    if key in _ONLY:
        return value in _ONLY[key]
    return value is None or key in _NO_MATTER or key.endswith(_NO_MATTER_ENDINGS)


def _value(field: Field[Any], hint: Any, config: Config) -> Any:
    if field.name not in config and field.default is not MISSING:
        return field.default
    value: Any = config.get(field.name)
    if field.name == "activation" and value not in ACTIVATIONS:
        raise UnknownPart(f"the activation {value!r:.40}")
    if isinstance(value, list | dict) and hint != Pair:
        raise UnknownPart(f"a list as {field.name}")
    if not _CHECKS[hint](value) or (field.name == "padding" and value not in PADDINGS):
        raise ConfigError(f"a layer has the {field.name} {value!r:.40}")
    return tuple(value) if hint == Pair else value


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 < value <= 2**31


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < float("inf")


_CHECKS: dict[Any, Callable[[Any], bool]] = {
    int: _is_count,
    float: _is_number,
    float | None: lambda value: value is None or _is_number(value),
    bool: lambda value: isinstance(value, bool),
    str: lambda value: isinstance(value, str),
    Pair: lambda value: isinstance(value, list) and len(value) == 2 and all(map(_is_count, value)),
}
