"""Keras' description of a model, as Keras 2.6 to 3.15 write it, read as a network.

Nothing that it names is ever made, called or opened. Models inside the model are laid open: their layers stand among
its own, under names that begin with theirs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnist_cli.model.images import matching_shape
from mnist_cli.model.layers.base import Layer, Shape, ShapeError
from mnist_cli.model.network import INPUT, Network, Stage, placed
from mnist_cli.model.options import Config, ConfigError, entry_of, name_in, plain, read_layer

LAYERS_LIMIT = 200
PARAMETERS_LIMIT = 20_000_000
# Of one layer, for one image: what has to be held, the windows of a convolution laid open included.
NUMBERS_LIMIT = 10_000_000
# Of all layers, for one image: `Stage.work`. A ResNet of 18 layers at full width needs a third.
WORK_LIMIT = 2_000_000_000
_DEPTH_LIMIT = 60

_SEQUENTIAL, _FUNCTIONAL, _INPUT_LAYER = "Sequential", ("Functional", "Model"), "InputLayer"
_KERAS_3_TENSOR = "__keras_tensor__"

Tensor = tuple[str, int]
"""What a call of a layer gives: the name of the layer, the number of the call."""


@dataclass(frozen=True)
class Part:
    """A layer, or a model inside the model, as the file of the weights knows it.

    `kind`: the class in Keras. `stage`: the number of the stage where the layer is used first, and its own `layer`;
    None for a model, which has `parts`.
    """

    name: str
    kind: str
    stage: int | None = None
    parts: tuple["Part", ...] = ()


@dataclass(frozen=True)
class Description:
    """What a config describes: the network, and its parts in the order in which Keras has them."""

    network: Network
    parts: tuple[Part, ...]


def read_config(config: Any) -> Description:
    """The network that a Keras config describes. Raises `ConfigError`, and `ShapeError` where its layers don't fit."""
    _check_depth(config)
    kind, options = entry_of(config)
    if kind != _SEQUENTIAL and kind not in _FUNCTIONAL:
        raise ConfigError(f"it is a model of the class {kind:.100}, whose code is not in the file")
    builder = _Builder(_input_shape(config))
    parts = builder.add_model(config, INPUT, _Place())[1]
    return Description(builder.network(options), parts)


def _check_depth(config: Any) -> None:
    """Everything else may go down into the config by recursion then."""
    level = [config]
    for _ in range(_DEPTH_LIMIT):
        nodes = (node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list))
        level = [child for children in nodes for child in children]
    if level:
        raise ConfigError("its config is nested too deep")


# The shape of what a model takes.


def _input_shape(model: Any) -> Shape:
    """Sizes that are open become those of an image. Raises `ConfigError`."""
    sizes = plain(_batch_shape(model))
    if not isinstance(sizes, list) or len(sizes) < 2 or not all(map(_is_size, sizes)):
        raise ConfigError("it tells no shape of its input: it was saved before it was built, or takes several inputs")
    shape = matching_shape(sizes[1:])
    if shape is None:
        raise ConfigError("the size of its input is open, and no image of a digit fits")
    return shape


def _is_size(size: Any) -> bool:
    return size is None or (type(size) is int and 0 < size <= 2**31)


def _batch_shape(model: Any) -> Any:
    """As Keras writes it, the batch axis first: in the input layer, in the first layer, or in how it was built."""
    kind, options = entry_of(model)
    entries = layers_in(options)
    if kind in _FUNCTIONAL:
        name = _only_tensor(options.get("input_layers"))[0]
        entries = [entry for entry in entries if entry_of(entry)[1].get("name") == name]
    if not entries:
        return None
    first_kind, first = entry_of(entries[0])
    if first_kind == _SEQUENTIAL or first_kind in _FUNCTIONAL:
        return _batch_shape(entries[0])
    told = (first.get("batch_shape"), first.get("batch_input_shape"), options.get("build_input_shape"))
    return next((shape for shape in told if shape is not None), None)


def layers_in(options: Config) -> list[Any]:
    layers = options.get("layers")
    if not isinstance(layers, list):
        raise ConfigError("its config describes a model without layers")
    return layers


# The layers, and how they follow one another.


@dataclass(frozen=True)
class _Place:
    """Where layers stand: what their names begin with, and whether training may change them."""

    name: str = ""
    trainable: bool = True


class _Builder:
    """Puts the layers of a model, and of the models in it, one behind the other."""

    def __init__(self, input_shape: Shape) -> None:
        self._input_shape = input_shape
        self._stages: list[Stage] = []
        self._first_uses: dict[str, int] = {}

    def network(self, options: Config) -> Network:
        if not self._stages:
            raise ConfigError("it has no layers")
        return Network(self._input_shape, tuple(self._stages), name_in(options))

    def add_model(self, model: Any, source: int, place: _Place) -> tuple[int, tuple[Part, ...]]:
        """Add the layers of a model that gets the output of the stage `source`; the number of its last one."""
        kind, options = entry_of(model)
        inner = replace(place, trainable=place.trainable and options.get("trainable") is not False)
        _check_names(layers_in(options))
        add = self._add_sequential if kind == _SEQUENTIAL else self._add_functional
        return add(options, source, inner)

    def _add_sequential(self, options: Config, source: int, place: _Place) -> tuple[int, tuple[Part, ...]]:
        parts = []
        for entry in layers_in(options):
            if entry_of(entry)[0] != _INPUT_LAYER:
                source, part = self._add(entry, (source,), place)
                parts.append(part)
        return source, tuple(parts)

    def _add_functional(self, options: Config, source: int, place: _Place) -> tuple[int, tuple[Part, ...]]:
        graph = _Graph(layers_in(options), options)
        outputs: dict[Tensor, int] = {(graph.input, 0): source}
        parts: dict[str, Part] = {}
        last = source
        for name, number, inputs in graph.calls():
            last, parts[name] = self._add(graph.entries[name], tuple(outputs[each] for each in inputs), place)
            outputs[name, number] = last
        if outputs.get(graph.output) != last:
            raise ConfigError("its last layer is not its output")
        return last, tuple(parts[name] for name in graph.entries if name in parts)

    def _add(self, entry: Any, sources: tuple[int, ...], place: _Place) -> tuple[int, Part]:
        kind, options = entry_of(entry)
        name = name_in(options)
        if kind == _SEQUENTIAL or kind in _FUNCTIONAL:
            if len(sources) != 1:
                raise ConfigError(f"the model {name} in it takes several inputs")
            last, parts = self.add_model(entry, sources[0], replace(place, name=f"{place.name}{name}/"))
            return last, Part(name, kind, parts=parts)
        layer = read_layer(entry)
        trainable = place.trainable and layer.trainable
        self._append(replace(layer, name=place.name + name, trainable=trainable), sources)
        return len(self._stages) - 1, Part(name, kind, self._stages[-1].first_use)

    def _append(self, layer: Layer, sources: tuple[int, ...]) -> None:
        number = len(self._stages)
        shapes = tuple(self._input_shape if each == INPUT else self._stages[each].output_shape for each in sources)
        stage = placed(layer, number, sources, shapes)
        first_use = self._first_uses.setdefault(layer.name, number)
        if first_use != number and self._stages[first_use].weight_shapes != stage.weight_shapes:
            raise ShapeError(f"the layer {layer.name} is used for inputs of different shapes")
        self._stages.append(replace(stage, first_use=first_use))
        self._check_budget()

    def _check_budget(self) -> None:
        if len(self._stages) > LAYERS_LIMIT:
            raise ConfigError(f"it has more than {LAYERS_LIMIT} layers")
        if self._stages[-1].numbers > NUMBERS_LIMIT:
            raise ConfigError(f"a layer needs more than {NUMBERS_LIMIT:,} numbers in memory for one image")
        if sum(stage.parameters for stage in self._stages) > PARAMETERS_LIMIT:
            raise ConfigError(f"it has more than {PARAMETERS_LIMIT:,} parameters")
        if sum(stage.work for stage in self._stages) > WORK_LIMIT:
            raise ConfigError(f"it takes the work of more than {WORK_LIMIT:,} multiplications for one image")


def _check_names(entries: Sequence[Any]) -> None:
    names = [name_in(entry_of(entry)[1]) for entry in entries]
    if len(set(names)) < len(names):
        raise ConfigError("two of its layers have the same name")


class _Graph:
    """The layers of a functional model by their names, with the calls of each and what they are called with."""

    def __init__(self, entries: Sequence[Any], options: Config) -> None:
        self.entries = {name_in(entry_of(entry)[1]): entry for entry in entries}
        self.input = _only_tensor(options.get("input_layers"))[0]
        nodes = {name: list(map(_tensors, _nodes(entry))) for name, entry in self.entries.items()}
        output = _only_tensor(options.get("output_layers"))
        used = [output, *(tensor for calls in nodes.values() for tensors in calls for tensor in tensors)]
        # Keras may count calls from outside the model before those in it.
        beyond = {name: max(number for other, number in used if other == name) + 1 for name, _ in used}
        self._earlier = {name: max(0, beyond.get(name, 0) - max(1, len(calls))) for name, calls in nodes.items()}
        self._nodes = {name: [list(map(self._counted, call)) for call in calls] for name, calls in nodes.items()}
        self.output = self._counted(output)

    def _counted(self, tensor: Tensor) -> Tensor:
        name, number = tensor
        return name, number - self._earlier.get(name, 0)

    def calls(self) -> Iterator[tuple[str, int, list[Tensor]]]:
        """The name of the layer, the number of the call and its inputs, in an order in which these come before."""
        known = {(self.input, 0)}
        waiting = [(name, number) for name, calls in self._nodes.items() for number in range(len(calls))]
        while waiting:
            ready = [call for call in waiting if known.issuperset(self._nodes[call[0]][call[1]])]
            if not ready:
                raise ConfigError("its layers do not follow one another, or it takes several inputs")
            for name, number in ready:
                yield name, number, self._nodes[name][number]
            known.update(ready)
            waiting = [call for call in waiting if call not in known]


def _nodes(entry: Any) -> list[Any]:
    nodes = entry.get("inbound_nodes")
    if not isinstance(nodes, list):
        raise ConfigError("its config does not tell how its layers follow one another")
    return nodes


def _tensors(node: Any) -> list[Tensor]:
    """What a layer is called with. Raises `ConfigError` where that is more than the outputs of other layers."""
    match node:
        case {"args": list(arguments), "kwargs": dict(options)}:  # Keras 3
            tensors = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
        case [str(), int(), int(), *_]:  # Keras 2, of a single input
            tensors, options = [node], {}
        case list(tensors):
            options = {}
        case _:
            raise ConfigError("its config does not tell how its layers follow one another")
    if not tensors or not _are_defaults(options):
        raise ConfigError("it calls a layer in a way that mnistcli doesn't support")
    return [_tensor(tensor) for tensor in tensors]


def _are_defaults(options: Mapping[str, Any]) -> bool:
    return all(name in ("mask", "training") and value in (None, False) for name, value in options.items())


def _tensor(tensor: Any) -> Tensor:
    match tensor:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), int(number), 0]}}:
            return name, number
        case [str(name), int(number), 0] | [str(name), int(number), 0, {}]:
            return name, number
        case [str(name), int(number), 0, dict(options)] if _are_defaults(options):
            return name, number
    raise ConfigError("it calls a layer in a way that mnistcli doesn't support")


def _only_tensor(tensors: Any) -> Tensor:
    """The one input, or the one output, of a model."""
    match tensors:
        case [str(), int(), 0]:
            return _tensor(tensors)
        case [[str(), int(), 0] as tensor]:
            return _tensor(tensor)
    raise ConfigError("it has several inputs or outputs")
