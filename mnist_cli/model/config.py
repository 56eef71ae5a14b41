"""Reading the config of a Keras model, as Keras 2.6 to 3.15 write it, as a network.

Nothing that a config names is ever created, called or opened. Models inside the model are flattened: their layers
become layers of the network, with the names of the models as prefixes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnist_cli.model.connections import functional_graph, only_tensor, sequential_graph
from mnist_cli.model.images import matching_shape
from mnist_cli.model.layers.base import Layer, Shape, UnusableModel
from mnist_cli.model.network import INPUT, Network, Stage, output_shape
from mnist_cli.model.options import Config, entry_of, name_in, read_layer

# The most layers of one model, and the most calls of layers in total, where each call of a model counts its layers.
LAYERS_LIMIT = 200
PARAMETERS_LIMIT = 20_000_000
# Of `Stage.held_numbers`.
NUMBERS_LIMIT = 10_000_000
# Of `Network.work`. A ResNet of 18 layers at full width needs a third of it.
WORK_LIMIT = 2_000_000_000
_DEPTH_LIMIT, _AXES_LIMIT, _SIZE_LIMIT = 60, 8, 2**31

_MODELS = ("Sequential", "Functional", "Model")
_FUNCTION_OPTIONS = ("activation", "recurrent_activation")


@dataclass(frozen=True)
class Part:
    """A layer or a model inside the model, in the hierarchy by which Keras stores weights.

    `kind`: the Keras class. `stage`: the index of the stage where the layer is used first; None for a model, which has
    `parts`.
    """

    name: str
    kind: str
    stage: int | None = None
    parts: tuple["Part", ...] = ()


def read_config(config: Any, version: int = 3) -> tuple[Network, tuple[Part, ...]]:
    """The network in a config, and its parts in the order of the config. Raises `UnusableModel`.

    `config`: the values of the JSON document. `version`: the major version of the Keras that wrote it, 2 or 3.
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
    """The config with tuples and NumPy arrays unwrapped, and with the names of activations in `FUNCTIONS`.

    Raises `UnusableModel` if it is nested too deep, so that all other functions may be recursive.
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
    """The shape of one image, where open sizes become those of a digit's image. Raises `UnusableModel`."""
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
    """The unchecked shape of the input, with the batch axis, in the first layer or the model; None without one."""
    kind, options = entry_of(model)
    entries = _entries(options)
    name = next(iter(entries), None) if kind == "Sequential" else only_tensor(options, "input_layers")[0]
    if name not in entries:
        return None
    first_kind, first = entry_of(entries[name])
    if first_kind in _MODELS:
        return _batch_shape(entries[name])
    shapes = (first.get("batch_shape"), first.get("batch_input_shape"), options.get("build_input_shape"))
    return next((shape for shape in shapes if shape is not None), None)


def _entries(options: Config) -> dict[str, Any]:
    """The configs of a model's layers by their names. Raises `UnusableModel`."""
    layers = options.get("layers")
    if not isinstance(layers, list):
        raise UnusableModel("its config describes a model without layers")
    _check_count(len(layers))
    entries = {name_in(entry_of(entry)[1]): entry for entry in layers}
    if len(entries) < len(layers):
        raise UnusableModel("two of its layers have the same name")
    return entries


def _check_count(layers: int) -> None:
    """Raise `UnusableModel` if there are too many layers."""
    if layers > LAYERS_LIMIT:
        raise UnusableModel(f"it has more than {LAYERS_LIMIT} layers")


class _Builder:
    """Builds the stages of a network from the layers of a model and of the models inside it."""

    def __init__(self, input_shape: Shape) -> None:
        self.input_shape = input_shape
        self.stages: list[Stage] = []
        self._first_uses: dict[tuple[str, ...], int] = {}
        self._calls = self._parameters = self._work = 0

    def add_model(
        self, model: Any, source: int, models: tuple[str, ...] = (), trainable: bool = True
    ) -> tuple[int, tuple[Part, ...]]:
        """Add a model. Return the index of its last stage and its parts. Raises `UnusableModel`.

        `source`: the index of the stage whose output it takes. `models`: the names of the enclosing models and of this
        one, without that of the outermost. `trainable`: whether all enclosing models are trainable.
        """
        kind, options = entry_of(model)
        trainable = trainable and options.get("trainable") is not False
        entries = _entries(options)
        graph = sequential_graph(entries) if kind == "Sequential" else functional_graph(options, entries)
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
        """Add one call of a layer or a model. Return the index of its last stage and the part."""
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
        return stage.index, Part(name, kind, stage.first_use)

    def _append(self, layer: Layer, sources: tuple[int, ...], path: tuple[str, ...]) -> Stage:
        """Add one call of a layer. `path`: its name, after those of the models that enclose it."""
        index = len(self.stages)
        shapes = tuple(self.input_shape if each == INPUT else self.stages[each].output_shape for each in sources)
        first_use = self._first_uses.setdefault(path, index)
        stage = Stage(index, layer, sources, shapes, output_shape(layer, shapes), first_use)
        self.stages.append(stage)
        if self.stages[first_use].weight_shapes != stage.weight_shapes:
            raise UnusableModel(f"the layer {layer.name} is used for inputs of different shapes")
        self._check_budget(stage)
        return stage

    def _check_budget(self, stage: Stage) -> None:
        """Raise `UnusableModel` if the network exceeds a limit with this stage."""
        self._parameters += stage.parameters
        self._work += stage.work
        if stage.held_numbers > NUMBERS_LIMIT:
            raise UnusableModel(f"a layer needs more than {NUMBERS_LIMIT:,} numbers in memory for one image")
        if self._parameters > PARAMETERS_LIMIT:
            raise UnusableModel(f"it has more than {PARAMETERS_LIMIT:,} parameters")
        if self._work > WORK_LIMIT:
            raise UnusableModel(f"it needs the work of more than {WORK_LIMIT:,} multiply-adds for one image")
