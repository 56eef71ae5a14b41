"""The connections between the layers of a Keras model, sequential or functional, read from its config."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mnist_cli.model.layers.base import UnusableModel
from mnist_cli.model.options import Config, entry_of

# Inputs of one call of a layer.
_INPUTS_LIMIT = 100

Tensor = tuple[str, int]
"""The output of one call of a layer: the name of the layer or model, and the number of the call."""


@dataclass(frozen=True)
class Graph:
    """The connections between the layers of a model: its input, its output, and the inputs of each call."""

    start: Tensor
    end: Tensor
    calls: dict[Tensor, list[Tensor]]

    def ordered(self) -> Iterator[tuple[Tensor, list[Tensor]]]:
        """The calls with their inputs, in topological order. Raises `UnusableModel` if there is none."""
        waiting, known = dict(self.calls), {self.start}
        while waiting:
            ready = [call for call, inputs in waiting.items() if known.issuperset(inputs)]
            if not ready:
                raise UnusableModel("its layers form a cycle, or it takes several inputs")
            for call in ready:
                yield call, waiting.pop(call)
            known.update(ready)


def sequential_graph(entries: Mapping[str, Any]) -> Graph:
    """The graph of a sequential model. `entries`: the configs of its layers, by their names."""
    names = ["", *(name for name, entry in entries.items() if entry_of(entry)[0] != "InputLayer")]
    calls: dict[Tensor, list[Tensor]] = {(after, 0): [(before, 0)] for before, after in pairwise(names)}
    return Graph((names[0], 0), (names[-1], 0), calls)


def functional_graph(options: Config, entries: Mapping[str, Any]) -> Graph:
    """The graph of a functional model. Raises `UnusableModel`.

    `entries`: the configs of its layers, by their names. The calls of a layer need not be numbered from 0, because
    Keras also counts calls outside the model. So they are numbered backwards from the last one that is used.
    """
    start, end = only_tensor(options, "input_layers"), only_tensor(options, "output_layers")
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
    return Graph(start, end, calls)


def _nodes(entry: Any) -> list[Any]:
    """The calls of a layer in its config. Raises `UnusableModel`."""
    nodes = entry.get("inbound_nodes")
    if not isinstance(nodes, list):
        raise UnusableModel("its config does not tell how its layers follow one another")
    return nodes


def _tensors(node: Any, layer: str) -> list[Tensor]:
    """The inputs of a call. Raises `UnusableModel` if it has other arguments than outputs of layers."""
    match node:
        case {"args": list(arguments), "kwargs": dict(options)}:  # Keras 3
            arguments = [*arguments, options["inputs"]] if "inputs" in options else arguments
            tensors = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
        case [str(), int(), int(), *_]:  # Keras 2, with a single input
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
    """Whether the options of a call have no effect. Keras 3 writes `training` but never reads it."""
    return all(name in ("inputs", "training") or (name == "mask" and value is None) for name, value in options.items())


def _tensor(tensor: Any) -> Tensor | None:
    """The output of a layer that an argument of a call refers to; None if it is anything else."""
    match tensor:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), int(number), 0]}}:
            return name, number
        case [str(name), int(number), 0, *rest] if all(isinstance(each, dict) and _are_defaults(each) for each in rest):
            return name, number
    return None


def only_tensor(options: Config, end: str) -> Tensor:
    """The only input or output of a functional model. Raises `UnusableModel` if there are several.

    `end`: "input_layers" or "output_layers".
    """
    tensors = options.get(end)
    if isinstance(tensors, dict):  # by names
        tensors = list(tensors.values())
    match tensors:
        case [str(name), int(number), 0] | [[str(name), int(number), 0]]:
            return name, number
    raise UnusableModel("it has several inputs or outputs")
