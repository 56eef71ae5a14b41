"""Keras' description of a model, as Keras 2.6 to 3.15 write it, read as a network.

Nothing that it names is ever made, called or opened. Models inside the model are flattened: their layers become layers
of the network, under names that begin with theirs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from mnist_cli.model.images import matching_shape
from mnist_cli.model.layers.base import Layer, Shape, UnusableModel
from mnist_cli.model.network import INPUT, Network, Stage, output_shape
from mnist_cli.model.options import Config, entry_of, name_in, read_layer

# Layers of one model, and calls of layers in all, including those inside a model at each of its calls.
LAYERS_LIMIT = 200
PARAMETERS_LIMIT = 20_000_000
# Numbers that one layer holds for one image, including the unfolded windows of a convolution.
NUMBERS_LIMIT = 10_000_000
# The work of all layers for one image, `Stage.work`. A ResNet of 18 layers at full width needs a third.
WORK_LIMIT = 2_000_000_000
_DEPTH_LIMIT, _AXES_LIMIT, _SIZE_LIMIT = 60, 8, 2**31
# Inputs of one call.
_INPUTS_LIMIT = 100

_MODELS, _INPUT_LAYER = ("Sequential", "Functional", "Model"), "InputLayer"
_FUNCTION_OPTIONS = ("activation", "recurrent_activation")

Tensor = tuple[str, int]
"""The output of a call: the name of the layer or model, and the number of the call."""


@dataclass(frozen=True)
class Part:
    """A layer, or a model inside the model, as the weights are filed.

    `kind`: the class in Keras. `stage`: the number of the stage where the layer is used first; None for a model, which
    has `parts`.
    """

    name: str
    kind: str
    stage: int | None = None
    parts: tuple["Part", ...] = ()


def read_config(config: Any, version: int = 3) -> tuple[Network, tuple[Part, ...]]:
    """The network that a config of Keras' major version describes, and its parts in Keras' order.

    Raises `UnusableModel`.
    """
    config = _plain(config, version)
    kind, options = entry_of(config)
    if kind not in _MODELS:
        raise UnusableModel(f"it is a model of the class {kind:.100}, whose code is not in the file")
    builder = _Builder(_input_shape(config))
    parts = builder.add_model(config, INPUT)[1]
    if not builder.stages:
        raise UnusableModel("it has no layers")
    return Network(builder.input_shape, tuple(builder.stages), name_in(options)), parts


def _plain(node: Any, version: int, depth: int = 0) -> Any:
    """The config without Keras' wrapping of tuples and NumPy arrays, and with the names of functions used here.

    Raises `UnusableModel` if it is nested too deep; whatever follows may use recursion.
    """
    if depth > _DEPTH_LIMIT:
        raise UnusableModel("its config is nested too deep")
    match node:
        case list():
            return [_plain(item, version, depth + 1) for item in node]
        case {"class_name": "__tuple__", "items": inner} | {"class_name": "__numpy__", "config": {"value": inner}}:
            return _plain(inner, version, depth + 1)
        case {"type": "ndarray", "value": inner}:
            return _plain(inner, version, depth + 1)
        case dict():
            plain = {key: _plain(value, version, depth + 1) for key, value in node.items()}
            for option in _FUNCTION_OPTIONS:
                if version == 2 and plain.get(option) == "hard_sigmoid":
                    plain[option] = "keras_2_hard_sigmoid"
            return plain
    return node


def _input_shape(model: Any) -> Shape:
    """The shape of one image; open sizes become those of an image of a digit. Raises `UnusableModel`."""
    sizes = _batch_shape(model)
    if not isinstance(sizes, list) or not 2 <= len(sizes) <= _AXES_LIMIT or not all(map(_is_size, sizes)):
        raise UnusableModel("its config gives no shape of a single input, as of a model saved before it was built")
    shape = matching_shape(sizes[1:]) or tuple(sizes[1:])
    if None in shape:
        raise UnusableModel("the size of its input is open, and no image of a digit fits")
    return shape


def _is_size(size: Any) -> bool:
    return size is None or (type(size) is int and 0 < size <= _SIZE_LIMIT)


def _batch_shape(model: Any) -> Any:
    """The input's shape with the batch axis, from the input layer, the first layer, or the build of the model."""
    kind, options = entry_of(model)
    entries = _entries(options)
    name = next(iter(entries), None) if kind == "Sequential" else _only_tensor(options, "input_layers")[0]
    if name not in entries:
        return None
    first_kind, first = entry_of(entries[name])
    if first_kind in _MODELS:
        return _batch_shape(entries[name])
    shapes = (first.get("batch_shape"), first.get("batch_input_shape"), options.get("build_input_shape"))
    return next((shape for shape in shapes if shape is not None), None)


def _entries(options: Config) -> dict[str, Any]:
    """The descriptions of a model's layers, by their names. Raises `UnusableModel`."""
    layers = options.get("layers")
    if not isinstance(layers, list):
        raise UnusableModel("its config describes a model without layers")
    _check_count(len(layers))
    entries = {name_in(entry_of(entry)[1]): entry for entry in layers}
    if len(entries) < len(layers):
        raise UnusableModel("two of its layers have the same name")
    return entries


def _check_count(layers: int) -> None:
    if layers > LAYERS_LIMIT:
        raise UnusableModel(f"it has more than {LAYERS_LIMIT} layers")


class _Builder:
    """Builds the stages of a network from the layers of a model and of the models in it."""

    def __init__(self, input_shape: Shape) -> None:
        self.input_shape = input_shape
        self.stages: list[Stage] = []
        self._first_uses: dict[tuple[str, ...], int] = {}
        self._calls = self._parameters = self._work = 0

    def add_model(
        self, model: Any, source: int, models: tuple[str, ...] = (), trainable: bool = True
    ) -> tuple[int, tuple[Part, ...]]:
        """Add a model that takes the output of the stage `source`; the number of its last stage, and its parts.

        `models` are the names of the models around it, from the outside in, its own included.
        """
        kind, options = entry_of(model)
        trainable = trainable and options.get("trainable") is not False
        entries = _entries(options)
        graph = _chain(entries) if kind == "Sequential" else _graph(options, entries)
        self._calls += len(graph.calls)
        _check_count(self._calls)
        outputs = {graph.start: source}
        parts: dict[str, Part] = {}
        last = source
        for (name, number), inputs in graph.ordered():
            last, parts[name] = self._add(entries[name], [outputs[each] for each in inputs], models, trainable)
            outputs[name, number] = last
        if outputs.get(graph.end) != last:
            raise UnusableModel("its last layer is not its output")
        return last, tuple(parts[name] for name in entries if name in parts)

    def _add(self, entry: Any, sources: Sequence[int], models: tuple[str, ...], trainable: bool) -> tuple[int, Part]:
        """Add a call of a layer or a model; the number of its last stage, and the part."""
        kind, options = entry_of(entry)
        name = name_in(options)
        path = (*models, name)
        if kind in _MODELS:
            if len(sources) != 1:
                raise UnusableModel(f"the model {name} in it takes several inputs")
            last, parts = self.add_model(entry, sources[0], path, trainable)
            return last, Part(name, kind, parts=parts)
        layer = read_layer(entry)
        layer = replace(layer, name="/".join(path), trainable=trainable and layer.trainable)
        stage = self._append(layer, tuple(sources), path)
        return stage.number, Part(name, kind, stage.first_use)

    def _append(self, layer: Layer, sources: tuple[int, ...], path: tuple[str, ...]) -> Stage:
        number = len(self.stages)
        shapes = tuple(self.input_shape if each == INPUT else self.stages[each].output_shape for each in sources)
        first_use = self._first_uses.setdefault(path, number)
        stage = Stage(number, layer, sources, shapes, output_shape(layer, shapes), first_use)
        self.stages.append(stage)
        if self.stages[first_use].weight_shapes != stage.weight_shapes:
            raise UnusableModel(f"the layer {layer.name} is used for inputs of different shapes")
        self._check_budget(stage)
        return stage

    def _check_budget(self, stage: Stage) -> None:
        self._parameters += stage.parameters
        self._work += stage.work
        if stage.numbers > NUMBERS_LIMIT:
            raise UnusableModel(f"a layer needs more than {NUMBERS_LIMIT:,} numbers in memory for one image")
        if self._parameters > PARAMETERS_LIMIT:
            raise UnusableModel(f"it has more than {PARAMETERS_LIMIT:,} parameters")
        if self._work > WORK_LIMIT:
            raise UnusableModel(f"it needs the work of more than {WORK_LIMIT:,} multiply-adds for one image")


@dataclass(frozen=True)
class _Graph:
    """How the layers of a model follow one another: its input, its output, and the inputs of each call."""

    start: Tensor
    end: Tensor
    calls: dict[Tensor, list[Tensor]]

    def ordered(self) -> Iterator[tuple[Tensor, list[Tensor]]]:
        """The calls in an order in which each comes after its inputs. Raises `UnusableModel`."""
        waiting, known = dict(self.calls), {self.start}
        while waiting:
            ready = [call for call, inputs in waiting.items() if known.issuperset(inputs)]
            if not ready:
                raise UnusableModel("its layers form a cycle, or it takes several inputs")
            for call in ready:
                yield call, waiting.pop(call)
            known.update(ready)


def _chain(entries: Mapping[str, Any]) -> _Graph:
    """The calls of a sequential model, one after the other."""
    names = ["", *(name for name, entry in entries.items() if entry_of(entry)[0] != _INPUT_LAYER)]
    calls: dict[Tensor, list[Tensor]] = {(after, 0): [(before, 0)] for before, after in pairwise(names)}
    return _Graph((names[0], 0), (names[-1], 0), calls)


def _graph(options: Config, entries: Mapping[str, Any]) -> _Graph:
    """The calls of a functional model. Raises `UnusableModel`.

    The first call of a layer need not be number 0: Keras may have counted calls outside the model before it.
    """
    start, end = _only_tensor(options, "input_layers"), _only_tensor(options, "output_layers")
    inputs = {name: [_tensors(node, name) for node in _nodes(entry)] for name, entry in entries.items()}
    used = [tensor for calls in inputs.values() for call in calls for tensor in call]
    last_calls: dict[str, int] = {}
    for name, number in (start, end, *used):
        last_calls[name] = max(last_calls.get(name, 0), number)
    calls = {
        (name, number): call
        for name, calls in inputs.items()
        for number, call in enumerate(calls, max(0, last_calls.get(name, 0) + 1 - len(calls)))
    }
    return _Graph(start, end, calls)


def _nodes(entry: Any) -> list[Any]:
    nodes = entry.get("inbound_nodes")
    if not isinstance(nodes, list):
        raise UnusableModel("its config does not tell how its layers follow one another")
    return nodes


def _tensors(node: Any, layer: str) -> list[Tensor]:
    """The inputs of a call. Raises `UnusableModel` if these are more than the outputs of other layers."""
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
    """Whether the options of a call have no effect: Keras 3 writes down `training`, and never reads it."""
    return all(name in ("inputs", "training") or (name == "mask" and value is None) for name, value in options.items())


def _tensor(tensor: Any) -> Tensor | None:
    """The output of a layer; None for anything else."""
    match tensor:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), int(number), 0]}}:
            return name, number
        case [str(name), int(number), 0, *rest] if all(isinstance(each, dict) and _are_defaults(each) for each in rest):
            return name, number
    return None


def _only_tensor(options: Config, end: str) -> Tensor:
    """The only input or output of a functional model, which may have a name. Raises `UnusableModel`."""
    tensors = options.get(end)
    match list(tensors.values()) if isinstance(tensors, dict) else tensors:
        case [str(name), int(number), 0] | [[str(name), int(number), 0]]:
            return name, number
    raise UnusableModel("it has several inputs or outputs")
