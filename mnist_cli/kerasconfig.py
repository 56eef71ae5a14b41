"""Keras' description of a model, `config.json`, read as a network.

Nothing that it names is ever called here. But Keras, which may be given it afterwards, makes whatever a config names:
so every class in it has to be one of Keras' own that is known, every option one that this class has, and what it asks
for has to stay within the limits.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mnist_cli.architecture import Network, Shape, Stage, placed
from mnist_cli.kerasparts import ConfigError, is_training, precision_in
from mnist_cli.layerconfig import read_layer

LAYERS_LIMIT = 200
PARAMETERS_LIMIT = 20_000_000
# Of one layer, for one image: what has to be held, the windows of a convolution or a pooling laid open included.
NUMBERS_LIMIT = 10_000_000
_DEPTH_LIMIT = 60

Config = Mapping[str, Any]
Class = tuple[str, str]

# Where Keras puts an underscore to make the name of a group of a class: re_lu, conv2d_transpose.
_WORD_START = re.compile(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")

_INPUT: Class = ("keras.layers", "InputLayer")
_SEQUENTIAL: set[Class] = {("keras", "Sequential"), ("keras.src.models.sequential", "Sequential")}
_FUNCTIONAL: set[Class] = {("keras", "Functional"), ("keras.src.models.functional", "Functional")}

_ENTRY_KEYS = {
    *("module", "class_name", "config", "registered_name", "build_config", "compile_config", "name", "inbound_nodes"),
}
_MODEL_KEYS = {"name", "trainable", "dtype", "layers", "build_input_shape", "input_layers", "output_layers"}
_INPUT_KEYS = {"name", "batch_shape", "dtype", "sparse", "ragged", "optional"}
_INPUT_TYPES = ("uint8", "uint16", "int8", "int16", "int32", "int64")


@dataclass(frozen=True)
class Description:
    """What a config describes. Models inside the model are laid open: their layers stand among its own.

    `groups`: for each layer of the network, where in the file of the weights its arrays are.
    """

    network: Network
    groups: tuple[str, ...]


def read_config(config: Any) -> Description:
    """The network that a Keras config describes. Raises `ConfigError`, and `ShapeError` where its layers don't fit."""
    _check_depth(config)
    kind = _class_of(config)
    if kind not in _SEQUENTIAL | _FUNCTIONAL:
        raise ConfigError(f"it is a model of the kind {kind[1]:.100}, which is not one that is read")
    builder = _Builder(config)
    builder.add_model(config, -1, _Place())
    return builder.description()


@dataclass(frozen=True)
class _Place:
    """Where layers stand: what their names, and their groups of weights, begin with."""

    name: str = ""
    group: str = ""


class _Builder:
    """Puts the layers of a model, and of the models in it, one behind the other."""

    def __init__(self, model: Config) -> None:
        self._shapes = [_model_input(model)]
        self._stages: list[Stage] = []
        self._sources: list[tuple[int, ...]] = []
        self._groups: list[str] = []
        self._precision = "float32"

    def description(self) -> Description:
        layers = tuple(stage.layer for stage in self._stages)
        if not layers:
            raise ConfigError("it has no layers")
        if len({layer.name for layer in layers}) < len(layers):
            raise ConfigError("two of its layers have the same name")
        is_line = all(sources == (number - 1,) for number, sources in enumerate(self._sources))
        sources = None if is_line else tuple(self._sources)
        network = Network(layers, self._shapes[0], sources=sources, precision=self._precision)
        return Description(network, tuple(self._groups))

    def add_model(self, model: Config, source: int, place: _Place) -> int:
        """Add the layers of a model that gets the output of the layer `source`; the number of its last one."""
        options = model["config"]
        _check_keys(options, _MODEL_KEYS)
        self._note_precision(precision_in(options.get("dtype", "float32")))
        if not isinstance(options.get("name"), str) or "/" in options["name"]:
            raise ConfigError("its config.json describes a model of no name")
        if not isinstance(options.get("layers"), list) or not isinstance(options.get("trainable", True), bool):
            raise ConfigError("its config.json describes a model without layers")
        self._check_built(model, (source,))
        add = self._add_line if _class_of(model) in _SEQUENTIAL else self._add_graph
        return add(options, source, place)

    def _add_line(self, options: Config, source: int, place: _Place) -> int:
        group = _group_names(place)
        for number, entry in enumerate(options["layers"]):
            if _class_of(entry) == _INPUT:
                self._check_input(entry, source, is_first=number == 0)
            else:
                source = self._add(entry, (source,), place, group)
        return source

    def _add_graph(self, options: Config, source: int, place: _Place) -> int:
        group = _group_names(place)
        there: dict[str, int] = {}
        name = ""
        for entry in options["layers"]:
            name, sources = _node(entry)
            if name in there:
                raise ConfigError("two of its layers have the same name")
            if _class_of(entry) == _INPUT:
                self._check_input(entry, source, is_first=not there and name == _only_name(options.get("input_layers")))
                there[name] = source
            else:
                there[name] = self._add(entry, _numbers(sources, there), place, group)
        if name != _only_name(options.get("output_layers")):
            raise ConfigError("its last layer is not its output")
        return there[name]

    def _add(self, entry: Config, sources: tuple[int, ...], place: _Place, group: Callable[[str], str]) -> int:
        module, kind = _class_of(entry)
        options = entry["config"]
        inner = _Place(f"{place.name}{options.get('name')}/", f"{group(kind)}/")
        if (module, kind) in _SEQUENTIAL | _FUNCTIONAL and len(sources) == 1:
            return self.add_model(entry, sources[0], inner)
        if module != "keras.layers":
            raise ConfigError(f"it has the layer {kind:.100} of {module:.100}, which is not one of those that are read")
        layer, precision = read_layer(kind, options)
        self._note_precision(precision)
        self._check_built(entry, sources)
        self._append(replace(layer, name=place.name + layer.name), sources, f"{inner.group}{layer.weights_at}")
        return len(self._stages) - 1

    def _append(self, layer: Any, sources: tuple[int, ...], group: str) -> None:
        if len(self._stages) == LAYERS_LIMIT:
            raise ConfigError(f"it has more than {LAYERS_LIMIT} layers")
        stage = placed(layer, tuple(self._shapes[source + 1] for source in sources))
        if stage.numbers > NUMBERS_LIMIT:
            raise ConfigError(f"a layer needs more than {NUMBERS_LIMIT:,} numbers in memory for one image")
        self._stages.append(stage)
        if sum(stage.parameters for stage in self._stages) > PARAMETERS_LIMIT:
            raise ConfigError(f"it has more than {PARAMETERS_LIMIT:,} parameters")
        self._shapes.append(stage.output_shape)
        self._sources.append(sources)
        self._groups.append(group)

    def _note_precision(self, precision: str | None) -> None:
        if precision is None:
            raise ConfigError("it has a dtype that is not read")
        if precision != "float32":
            self._precision = precision

    def _check_input(self, entry: Config, source: int, is_first: bool) -> None:
        options = entry["config"]
        _check_keys(options, _INPUT_KEYS)
        if not is_first:
            raise ConfigError("it has several inputs")
        if any(options.get(key, False) is not False for key in ("sparse", "ragged", "optional")):
            raise ConfigError("its input is not plain numbers")
        if _shape(options.get("batch_shape")) != self._shapes[source + 1]:
            raise ConfigError("a model in it takes another input than it gets")
        dtype = options.get("dtype", "float32")
        self._note_precision(dtype if dtype in _INPUT_TYPES else precision_in(dtype))

    def _check_built(self, entry: Config, sources: tuple[int, ...]) -> None:
        """Keras makes the arrays of a layer for the input that its entry tells of."""
        batches = [[None, *self._shapes[source + 1]] for source in sources]
        shape = batches if len(batches) > 1 else batches[0]
        if entry.get("build_config") not in (None, {}, {"input_shape": None}, {"input_shape": shape}):
            raise ConfigError("it has a layer that was built for another input")


def _group_names(place: _Place) -> Callable[[str], str]:
    """Names of groups for one layer after the other: conv2d, conv2d_1, …, as Keras counts them."""
    seen: dict[str, int] = {}

    def name(kind: str) -> str:
        group = _WORD_START.sub("_", kind).lower()
        count = seen[group] = seen.get(group, -1) + 1
        return f"{place.group}layers/{group}_{count}" if count else f"{place.group}layers/{group}"

    return name


def _class_of(entry: Any) -> Class:
    """The module and the name of the class in an entry, in which nothing else is unknown. Raises `ConfigError`."""
    match entry:
        case {"module": str(module), "class_name": str(name), "config": dict()}:
            registered = [None, name] if (module, name) in _FUNCTIONAL else [None]
        case {"class_name": str(name), "config": dict()}:
            registered = []
        case _:
            raise ConfigError("its config.json describes no model")
    if entry.get("registered_name") not in registered:
        raise ConfigError(f"it has the part {name:.100}, which is not Keras' own")
    if not is_training(entry.get("compile_config")):
        raise ConfigError("it was compiled with parts that are not known to be Keras' own")
    _check_keys(entry, _ENTRY_KEYS)
    return module, name


def _check_keys(options: Config, known: set[str]) -> None:
    if unknown := options.keys() - known:
        raise ConfigError(f"its config.json holds {min(unknown):.100}, which is not read")


def _check_depth(config: Any) -> None:
    """Everything else may go down into the config by recursion then."""
    level = [config]
    for _ in range(_DEPTH_LIMIT):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    if level:
        raise ConfigError("its config.json is nested too deep")


def _model_input(model: Config) -> Shape:
    """The shape of what a model takes, from its first layer or from how it was built."""
    match model["config"]:
        case {"layers": [{"class_name": "InputLayer", "config": {"batch_shape": shape}}, *_]}:
            return _shape(shape)
    return _shape(model["config"].get("build_input_shape"))


def _shape(batch_shape: Any) -> Shape:
    match batch_shape:
        case [None | int(), *sizes] if sizes and all(type(size) is int and 0 < size <= 2**31 for size in sizes):
            return tuple(sizes)
        case None:
            raise ConfigError("it was saved before it was built, so that it has no weights")
    raise ConfigError("its input has no fixed size")


def _node(entry: Any) -> tuple[str, list[str]]:
    """The name of a layer in a functional model, and those of the layers that it gets its inputs from."""
    match entry:
        case {"name": str(name), "config": {"name": str(same)}, "inbound_nodes": []} if name == same:
            return name, []
        case {"name": str(name), "config": {"name": str(same)}, "inbound_nodes": [node]} if name == same:
            return name, _inputs(node)
        case {"inbound_nodes": [_, _, *_]}:
            raise ConfigError("it has a layer that is used more than once")
    raise ConfigError("its config.json describes no model")


def _inputs(node: Any) -> list[str]:
    """The names of the layers whose outputs a layer is called with."""
    match node:
        case {"args": [[*tensors]], "kwargs": dict(options)} if _are_defaults(options):
            return [_tensor(tensor) for tensor in tensors]
        case {"args": [tensor], "kwargs": dict(options)} if _are_defaults(options):
            return [_tensor(tensor)]
    raise ConfigError("it has a layer that is called in a way that is not read")


def _are_defaults(options: Config) -> bool:
    return all(key in ("mask", "training") and value in (None, False) for key, value in options.items())


def _tensor(tensor: Any) -> str:
    match tensor:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), 0 | 1, 0]}}:
            return name
    raise ConfigError("it has a layer that is called in a way that is not read")


def _numbers(names: list[str], there: Mapping[str, int]) -> tuple[int, ...]:
    if not names or not all(name in there for name in names):
        raise ConfigError("its layers do not follow one another")
    return tuple(there[name] for name in names)


def _only_name(ends: Any) -> str:
    match ends:
        case [str(name), 0 | 1, 0] | [[str(name), 0 | 1, 0]]:
            return name
    raise ConfigError("it has several inputs or outputs")
