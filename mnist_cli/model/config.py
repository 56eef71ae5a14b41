"""Keras' description of a model, as Keras 2.6 to 3.15 write it, read as a network.

Nothing that it names is ever made, called or opened. Models inside the model are laid open: their layers stand among
its own, under names that begin with theirs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnist_cli.model.images import matching_shape
from mnist_cli.model.layers.base import Layer, Shape, UnusableModel
from mnist_cli.model.network import INPUT, Network, Stage, output_shape
from mnist_cli.model.options import Config, entry_of, name_in, plain, read_layer

# Calls of layers, those that models inside the model make each time included.
LAYERS_LIMIT = 200
PARAMETERS_LIMIT = 20_000_000
# Of one layer, for one image: what has to be held, the unfolded windows of a convolution included.
NUMBERS_LIMIT = 10_000_000
# Of all layers, for one image: `Stage.work`. A ResNet of 18 layers at full width needs a third.
WORK_LIMIT = 2_000_000_000
_DEPTH_LIMIT, _AXES_LIMIT = 60, 8
# Of the inputs of one call.
_INPUTS_LIMIT = 100

_MODELS, _INPUT_LAYER = ("Sequential", "Functional", "Model"), "InputLayer"
_FUNCTION_OPTIONS = ("activation", "recurrent_activation")

Tensor = tuple[str, int]
"""What a call of a layer gives: the name of the layer, the number of the call."""


@dataclass(frozen=True)
class Part:
    """A layer, or a model inside the model, as the file of the weights knows it.

    `kind`: the class in Keras. `stage`: the number of the stage where the layer is used first; None for a model, which
    has `parts`.
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


def read_config(config: Any, version: int = 3) -> Description:
    """The network that a config of Keras' major version describes. Raises `UnusableModel`."""
    _check_depth(config)
    if version == 2:
        config = _of_keras_3(config)
    kind, options = entry_of(config)
    if kind not in _MODELS:
        raise UnusableModel(f"it is a model of the class {kind:.100}, whose code is not in the file")
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
        raise UnusableModel("its config is nested too deep")


def _of_keras_3(node: Any) -> Any:
    """The config with other names for functions that Keras 3 computes in another way."""
    if isinstance(node, dict):
        return {
            key: f"keras_2_{value}" if key in _FUNCTION_OPTIONS and value == "hard_sigmoid" else _of_keras_3(value)
            for key, value in node.items()
        }
    return list(map(_of_keras_3, node)) if isinstance(node, list) else node


# The shape of what a model takes.


def _input_shape(model: Any) -> Shape:
    """Sizes that are open become those of an image. Raises `UnusableModel`."""
    sizes = plain(_batch_shape(model))
    if not isinstance(sizes, list) or not 2 <= len(sizes) <= _AXES_LIMIT or not all(map(_is_size, sizes)):
        raise UnusableModel("its config gives no shape of a single input, as of a model saved before it was built")
    shape = matching_shape(sizes[1:]) or tuple(sizes[1:])
    if None in shape:
        raise UnusableModel("the size of its input is open, and no image of a digit fits")
    return shape


def _is_size(size: Any) -> bool:
    return size is None or (type(size) is int and 0 < size <= 2**31)


def _batch_shape(model: Any) -> Any:
    """As Keras writes it, the batch axis first: in the input layer, in the first layer, or in how it was built."""
    kind, options = entry_of(model)
    entries = layers_in(options)
    if kind != "Sequential":
        name = _only_tensor(options.get("input_layers"))[0]
        entries = [entry for entry in entries if entry_of(entry)[1].get("name") == name]
    if not entries:
        return None
    first_kind, first = entry_of(entries[0])
    if first_kind in _MODELS:
        return _batch_shape(entries[0])
    told = (first.get("batch_shape"), first.get("batch_input_shape"), options.get("build_input_shape"))
    return next((shape for shape in told if shape is not None), None)


def layers_in(options: Config) -> list[Any]:
    layers = options.get("layers")
    if not isinstance(layers, list):
        raise UnusableModel("its config describes a model without layers")
    return layers


# The layers, and how they follow one another.


@dataclass(frozen=True)
class _Place:
    """Where layers stand: in which models, by their names, and whether training may change them."""

    models: tuple[str, ...] = ()
    trainable: bool = True


class _Builder:
    """Puts the layers of a model, and of the models in it, one behind the other."""

    def __init__(self, input_shape: Shape) -> None:
        self._input_shape = input_shape
        self._stages: list[Stage] = []
        self._first_uses: dict[tuple[str, ...], int] = {}
        self._calls = self._parameters = self._work = 0

    def network(self, options: Config) -> Network:
        if not self._stages:
            raise UnusableModel("it has no layers")
        return Network(self._input_shape, tuple(self._stages), name_in(options))

    def add_model(self, model: Any, source: int, place: _Place) -> tuple[int, tuple[Part, ...]]:
        """Add the layers of a model that gets the output of the stage `source`; the number of its last one."""
        kind, options = entry_of(model)
        inner = replace(place, trainable=place.trainable and options.get("trainable") is not False)
        _check_names(layers_in(options))
        add = self._add_sequential if kind == "Sequential" else self._add_functional
        return add(options, source, inner)

    def _add_sequential(self, options: Config, source: int, place: _Place) -> tuple[int, tuple[Part, ...]]:
        parts = []
        for entry in layers_in(options):
            if entry_of(entry)[0] != _INPUT_LAYER:
                source, part = self._add(entry, (source,), place)
                parts.append(part)
        return source, tuple(parts)

    def _add_functional(self, options: Config, source: int, place: _Place) -> tuple[int, tuple[Part, ...]]:
        graph = _Graph(options)
        outputs: dict[Tensor, int] = {graph.input: source}
        parts: dict[str, Part] = {}
        last = source
        for (name, number), inputs in graph.calls():
            last, parts[name] = self._add(graph.entries[name], tuple(outputs[each] for each in inputs), place)
            outputs[name, number] = last
        if outputs.get(graph.output) != last:
            raise UnusableModel("its last layer is not its output")
        return last, tuple(parts[name] for name in graph.entries if name in parts)

    def _add(self, entry: Any, sources: tuple[int, ...], place: _Place) -> tuple[int, Part]:
        self._calls += 1
        if self._calls > LAYERS_LIMIT:
            raise UnusableModel(f"it has more than {LAYERS_LIMIT} layers")
        kind, options = entry_of(entry)
        name = name_in(options)
        if kind in _MODELS:
            if len(sources) != 1:
                raise UnusableModel(f"the model {name} in it takes several inputs")
            last, parts = self.add_model(entry, sources[0], replace(place, models=(*place.models, name)))
            return last, Part(name, kind, parts=parts)
        layer = read_layer(entry)
        key = (*place.models, name)
        layer = replace(layer, name="/".join(key), trainable=place.trainable and layer.trainable)
        return len(self._stages), Part(name, kind, self._append(layer, sources, key))

    def _append(self, layer: Layer, sources: tuple[int, ...], key: tuple[str, ...]) -> int:
        """Add a stage; the number of that in which the layer is used first."""
        number = len(self._stages)
        shapes = tuple(self._input_shape if each == INPUT else self._stages[each].output_shape for each in sources)
        first_use = self._first_uses.setdefault(key, number)
        stage = Stage(number, layer, sources, shapes, output_shape(layer, shapes), first_use)
        if self._stages[first_use:] and self._stages[first_use].weight_shapes != stage.weight_shapes:
            raise UnusableModel(f"the layer {layer.name} is used for inputs of different shapes")
        self._stages.append(stage)
        self._check_budget(stage)
        return first_use

    def _check_budget(self, stage: Stage) -> None:
        self._parameters += stage.parameters
        self._work += stage.work
        if stage.numbers > NUMBERS_LIMIT:
            raise UnusableModel(f"a layer needs more than {NUMBERS_LIMIT:,} numbers in memory for one image")
        if self._parameters > PARAMETERS_LIMIT:
            raise UnusableModel(f"it has more than {PARAMETERS_LIMIT:,} parameters")
        if self._work > WORK_LIMIT:
            raise UnusableModel(f"it needs the work of more than {WORK_LIMIT:,} multiply-adds for one image")


def _check_names(entries: Sequence[Any]) -> None:
    names = [name_in(entry_of(entry)[1]) for entry in entries]
    if len(set(names)) < len(names):
        raise UnusableModel("two of its layers have the same name")


class _Graph:
    """The layers of a functional model by their names, with the calls of each and what they are called with."""

    def __init__(self, options: Config) -> None:
        self.entries = {name_in(entry_of(entry)[1]): entry for entry in layers_in(options)}
        self.input, self.output = (_only_tensor(options.get(end)) for end in ("input_layers", "output_layers"))
        nodes = {name: _nodes(entry) for name, entry in self.entries.items()}
        if sum(map(len, nodes.values())) > LAYERS_LIMIT:
            raise UnusableModel(f"it has more than {LAYERS_LIMIT} layers")
        self._inputs = {name: [_tensors(node, name) for node in calls] for name, calls in nodes.items()}
        self._first = self._first_calls()

    def _first_calls(self) -> dict[str, int]:
        """The number of each layer's first call: Keras may have counted calls from outside the model before it."""
        highest = {self.input[0]: self.input[1], self.output[0]: self.output[1]}
        for calls in self._inputs.values():
            for name, number in (tensor for call in calls for tensor in call):
                highest[name] = max(highest.get(name, 0), number)
        return {name: max(0, highest.get(name, 0) + 1 - max(1, len(calls))) for name, calls in self._inputs.items()}

    def calls(self) -> Iterator[tuple[Tensor, list[Tensor]]]:
        """Each call and its inputs, in an order in which these come before."""
        waiting = {
            (name, number): inputs
            for name, calls in self._inputs.items()
            for number, inputs in enumerate(calls, start=self._first[name])
        }
        known = {self.input}
        while waiting:
            ready = [call for call, inputs in waiting.items() if known.issuperset(inputs)]
            if not ready:
                raise UnusableModel("its layers form a cycle, or it takes several inputs")
            for call in ready:
                yield call, waiting.pop(call)
            known.update(ready)


def _nodes(entry: Any) -> list[Any]:
    nodes = entry.get("inbound_nodes")
    if not isinstance(nodes, list):
        raise UnusableModel("its config does not tell how its layers follow one another")
    return nodes


def _tensors(node: Any, layer: str) -> list[Tensor]:
    """What a layer is called with. Raises `UnusableModel` where that is more than the outputs of other layers."""
    match node:
        case {"args": list(arguments), "kwargs": dict(options)}:  # Keras 3
            arguments = [*arguments, options["inputs"]] if "inputs" in options else arguments
            tensors = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
        case [str(), int(), int(), *_]:  # Keras 2, of a single input
            tensors, options = [node], {}
        case list(tensors):
            options = {}
        case _:
            raise UnusableModel("its config does not tell how its layers follow one another")
    found = [_tensor(tensor) for tensor in tensors]
    if not 0 < len(found) <= _INPUTS_LIMIT or None in found or not _are_defaults(options):
        raise UnusableModel(
            f"it calls {layer:.100} with more than the outputs of other layers, which mnistcli doesn't support",
            "Use layers for it, such as Rescaling for a division, and save the model again.",
        )
    return [tensor for tensor in found if tensor]


def _are_defaults(options: Mapping[str, Any]) -> bool:
    """Whether a call has only options without effect: Keras 3 writes `training`, and does not look at it later."""
    return all(name in ("inputs", "training") or (name == "mask" and value is None) for name, value in options.items())


def _tensor(tensor: Any) -> Tensor | None:
    """The output of a layer; None for anything else."""
    match tensor:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), int(number), 0]}}:
            return name, number
        case [str(name), int(number), 0, *rest] if all(isinstance(each, dict) and _are_defaults(each) for each in rest):
            return name, number
    return None


def _only_tensor(tensors: Any) -> Tensor:
    """The one input, or the one output, of a model, which may have a name."""
    match list(tensors.values()) if isinstance(tensors, dict) else tensors:
        case [str(name), int(number), 0] | [[str(name), int(number), 0]]:
            return name, number
    raise UnusableModel("it has several inputs or outputs")
