"""A graph of ONNX nodes while it is built."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

Axes = tuple[int, ...]

_ELEMENTWISE = {
    *("Add", "Clip", "Elu", "Erf", "Exp", "Greater", "GreaterOrEqual", "HardSigmoid", "LeakyRelu", "Max", "Mean"),
    *("Min", "Mul", "Neg", "Relu", "Selu", "Shrink", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Tanh"),
    "Where",
}


class Graph:
    """Nodes and constants. A value, the output of a node, is known by its name, a string.

    `label` is the name of the nodes that are added next.
    """

    def __init__(self) -> None:
        self.label = ""
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        # By the `id` of an array: its name, and the array itself, so that no other gets its id.
        self._named: dict[int, tuple[str, NDArray[Any]]] = {}
        # By the name of a transposed value: what was transposed, and how.
        self._transposed: dict[str, tuple[str, Axes]] = {}

    def add(self, operator: str, *inputs: str | ArrayLike, output: int = 0, unused: int = 0, **attributes: Any) -> str:
        """Add a node, and return one of its outputs, by default the first. `unused`: the number of those behind it.

        Anything but a name becomes a constant: float32, or int64 if it is an integer.
        """
        if operator in _ELEMENTWISE and (axes := self._common_axes(inputs)):
            sources = [self._transposed[value][0] if isinstance(value, str) else value for value in inputs]
            return self.transpose(self.add(operator, *sources, output=output, **attributes), axes)
        number = len(self._nodes)
        result = f"{self.label}_{operator}_{number}"
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        outputs = [*[""] * output, result, *(f"{result}_{index}" for index in range(unused))]
        self._nodes.append(helper.make_node(operator, names, outputs, result, **attributes))
        return result

    def _common_axes(self, inputs: Sequence[str | ArrayLike]) -> Axes | None:
        """The order of axes to which all inputs were transposed, except single numbers; None if there is none.

        An elementwise node is then added before that transposition, which may so be undone by the next one.
        """
        orders = {self._transposed.get(value, ("", ()))[1] for value in inputs if isinstance(value, str)}
        single = all(np.ndim(value) == 0 for value in inputs if not isinstance(value, str))
        return orders.pop() if single and len(orders) == 1 else None

    def constant(self, value: ArrayLike) -> str:
        """The name of a constant; an array that is given again gets the same name."""
        if id(value) not in self._named:
            array = np.asarray(value)
            array = np.ascontiguousarray(array, np.float32 if array.dtype.kind == "f" else np.int64)
            name = f"constant_{len(self._constants)}"
            self._constants.append(numpy_helper.from_array(array.reshape(np.shape(value)), name))
            if not isinstance(value, np.ndarray):
                return name
            self._named[id(value)] = name, value
        return self._named[id(value)][0]

    def transpose(self, value: str, axes: Axes) -> str:
        """The value with its axes in this order. Two transpositions in a row become one or none."""
        if value in self._transposed:
            value, before = self._transposed[value]
            axes = tuple(before[axis] for axis in axes)
        if axes == tuple(range(len(axes))):
            return value
        result = self.add("Transpose", value, perm=axes)
        self._transposed[result] = value, axes
        return result

    def proto(self, input: ValueInfoProto, result: str, output: ValueInfoProto) -> GraphProto:
        """The graph from an input to a result, which becomes the output, without what that doesn't depend on."""
        nodes = list(self._needed(result))[::-1]
        last = next(node for node in nodes if result in node.output)
        last.output[:] = [output.name if name == result else name for name in last.output]
        used = {name for node in nodes for name in node.input}
        constants = [constant for constant in self._constants if constant.name in used]
        return helper.make_graph(nodes, "mnistcli", [input], [output], constants)

    def _needed(self, result: str) -> Iterator[NodeProto]:
        """The nodes that a result depends on, the last first."""
        needed = {result}
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                yield node


def to_channels_first(rank: int) -> Axes:
    """The order of axes that makes the last axis, of the channels, the first one after the batch axis."""
    return (0, rank - 1, *range(1, rank - 1))


def to_channels_last(rank: int) -> Axes:
    """The order of axes that undoes `to_channels_first`."""
    return (0, *range(2, rank), 1)


def batch(shape: Sequence[int]) -> list[int]:
    """The shape of a batch of any size, as the nodes that change shapes take it."""
    return [-1, *shape]
