"""Reading the weights of a model from HDF5. The whole file is checked before any array is read.

A `.keras` archive has a group for each layer, numbered within its class; an `.h5` file has groups by the names of
layers.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mnist_cli.model.config import Part
from mnist_cli.model.layers.base import Shape, UnusableModel, Weights, shape_text
from mnist_cli.model.network import Network, Stage

_OBJECTS_LIMIT, _DEPTH_LIMIT = 5000, 40
# The most bytes that the texts in an attribute may take, if each were as long as the longest in the file.
_TEXTS_LIMIT = 2**27

# The name of the group of a model's layers in an archive: since Keras 2.14, and before.
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")

# Where Keras puts an underscore to make the name of a group from a class: re_lu, conv2d_transpose.
_WORD_START = re.compile(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")

Tree = dict[str, Any]
"""Groups by their names; an array is an `h5py.Dataset`."""


@dataclass(frozen=True)
class WeightsFile:
    """A checked HDF5 file: its groups and arrays, and an upper bound for the length of a text in it, in bytes."""

    file: Any
    tree: Tree
    longest_text: int


@contextmanager
def _h5py_errors_as_unusable() -> Iterator[None]:
    """Turn the exceptions that h5py raises for damaged files into `UnusableModel`."""
    try:
        yield
    except UnusableModel:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as reason:
        raise UnusableModel("its HDF5 file is damaged") from reason


@_h5py_errors_as_unusable()
def open_weights(content: bytes) -> WeightsFile:
    """Check an HDF5 file. Raises `UnusableModel`."""
    file = h5py.File(io.BytesIO(content), "r")
    return WeightsFile(file, _tree(file), _longest_text(content))


def _tree(file: Any) -> Tree:
    """All groups and arrays, also those that no layer uses. Raises `UnusableModel`.

    A name may hold a whole path with backslashes, as Keras on Windows wrote it.
    """
    tree: Tree = {}
    groups: list[tuple[Any, Tree, int]] = [(file, tree, 0)]
    seen = {_address(file)}
    while groups:
        group, branch, depth = groups.pop()
        if len(group) > _OBJECTS_LIMIT:
            raise UnusableModel("its weights have too many parts")
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UnusableModel("its weights have a link to another place, which is not followed")
            item = group[name]
            address = _address(item)
            if address in seen or len(seen) > _OBJECTS_LIMIT or depth > _DEPTH_LIMIT:
                raise UnusableModel("its weights are not a tree, or one of too many parts")
            seen.add(address)
            *path, last = name.replace("\\", "/").split("/")
            place = reduce(lambda place, each: place.setdefault(each, {}), path, branch)
            if isinstance(item, h5py.Group):
                groups.append((item, place.setdefault(last, {}), depth + 1))
            else:
                _check_array(item)
                place[last] = item
    return tree


def _address(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _longest_text(content: bytes) -> int:
    """The size of the largest heap in which HDF5 keeps texts: no text is longer, though many may share one."""
    heaps = (match.start() + 8 for match in re.finditer(b"GCOL", content))
    return max((int.from_bytes(content[start : start + 8], "little") for start in heaps), default=0)


def _check_array(stored: Any) -> None:
    """Refuse an array of anything but numbers, or in another file, or made of other arrays, or compressed."""
    if not isinstance(stored, h5py.Dataset) or stored.external or stored.is_virtual:
        raise UnusableModel("it has weights that are not arrays of its own")
    if stored.dtype.kind not in "iuf" and not _is_bfloat16(stored):
        raise UnusableModel("it has weights that are not numbers")
    if stored.id.get_storage_size() != stored.size * stored.dtype.itemsize:
        raise UnusableModel("its weights are not all there, or compressed")


def _is_bfloat16(stored: Any) -> bool:
    """HDF5 has no such type: Keras writes two bytes and names the type in an attribute."""
    return bool(stored.dtype.kind == "V" and stored.dtype.itemsize == 2)


# In a `.keras` archive


@_h5py_errors_as_unusable()
def archived_weights(stored: WeightsFile, network: Network, parts: Sequence[Part]) -> tuple[Weights, ...]:
    """The arrays of each stage's layer, from the `model.weights.h5` of an archive. Raises `UnusableModel`."""
    arrays: dict[int, Weights] = {}
    _collect(parts, stored.tree, network.stages, arrays)
    return _by_stage(network, arrays)


def _collect(parts: Sequence[Part], tree: Tree, stages: Sequence[Stage], arrays: dict[int, Weights]) -> None:
    """Add the arrays of a model's layers to `arrays`, by the indices of their stages. `tree`: the model's group.

    Keras numbers the groups of a class: conv2d, conv2d_1, …; before 2.14 it left out every other number.
    """
    layers: Tree = next((tree[name] for name in _CONTAINERS if name in tree), {})
    for name in {_group_name(part) for part in parts}:
        with_weights = [part for part in parts if _group_name(part) == name and _slots(part, stages)]
        groups = _groups(layers, name)
        if len(groups) != len(with_weights):
            raise UnusableModel(
                f"its weights are for {len(groups)} layers named {name:.100}, its config for {len(with_weights)}"
            )
        for part, group in zip(with_weights, groups, strict=True):
            if part.stage is None:
                _collect(part.parts, group, stages, arrays)
            else:
                stage = stages[part.stage]
                arrays[part.stage] = _checked(_numbered(group, stage.layer.weights_at), stage)


def _group_name(part: Part) -> str:
    """The name of the group of a layer in an archive, without its number."""
    kind = "Functional" if part.kind == "Model" else part.kind
    return _WORD_START.sub("_", kind).lower()


def _groups(layers: Tree, name: str) -> list[Tree]:
    """The groups of a class in order, except those with nothing but the states of random generators."""
    numbered = re.compile(rf"{re.escape(name)}(?:_(\d{{1,9}}))?")
    matches = filter(None, map(numbered.fullmatch, layers))
    groups = [layers[match[0]] for match in sorted(matches, key=lambda match: int(match[1] or 0))]
    return [group for group in groups if _has_weights(group)]


def _has_weights(item: Any) -> bool:
    return any(map(_has_weights, item.values())) if isinstance(item, dict) else item.dtype.kind in "fV"


def _numbered(group: Tree, places: Sequence[str]) -> list[Any]:
    """The arrays below a group at these places, at each of which they are numbered from 0. Raises `UnusableModel`."""
    arrays: list[Any] = []
    for place in places:
        numbered: Any = group
        for name in place.split("/"):
            numbered = numbered.get(name, {})
        names = [str(number) for number in range(len(numbered))]
        if set(numbered) != set(names):
            raise UnusableModel("its arrays of weights are not numbered from 0")
        arrays += (numbered[name] for name in names)
    return arrays


# In an `.h5` file


@_h5py_errors_as_unusable()
def text(stored: WeightsFile, name: str) -> str | None:
    """A text attribute of an `.h5` file, such as `model_config`; None if there is none. Raises `UnusableModel`.

    A file with nothing but weights has no `model_config`.
    """
    texts = _texts(stored, stored.file, name) if name in stored.file.attrs else []
    return texts[0] if texts else None


@_h5py_errors_as_unusable()
def named_weights(stored: WeightsFile, network: Network, parts: Sequence[Part]) -> tuple[Weights, ...]:
    """The arrays of each stage's layer, from an `.h5` file. Raises `UnusableModel`.

    A model inside the model has all its arrays in one list: first the trainable ones, layer by layer, then the others.
    """
    arrays: dict[int, list[Any]] = {}
    for part in parts:
        if slots := _slots(part, network.stages):
            listed = _listed(stored, part.name)
            if len(listed) != len(slots):
                raise UnusableModel(f"it has {len(listed)} arrays of weights for {part.name:.100}, not {len(slots)}")
            for (stage, _), array in zip(sorted(slots, key=_is_frozen), listed, strict=True):
                arrays.setdefault(stage.index, []).append(array)
    return _by_stage(network, {index: _checked(arrays[index], network.stages[index]) for index in arrays})


def _slots(part: Part, stages: Sequence[Stage]) -> list[tuple[Stage, int]]:
    """The expected arrays of a layer or of the layers in a model: the stage of first use and the index of each."""
    own = [] if part.stage is None else [stages[part.stage]]
    slots = [(stage, index) for stage in own for index in range(len(stage.weight_shapes))]
    return slots + [slot for inner in part.parts for slot in _slots(inner, stages)]


def _is_frozen(slot: tuple[Stage, int]) -> bool:
    """Whether training never changes the array of a slot."""
    stage, index = slot
    return not stage.layer.trainable or index >= len(stage.weight_shapes) - stage.layer.frozen_weights


def _listed(stored: WeightsFile, layer: str) -> list[Any]:
    """The arrays of a layer or model by its name, except the states of random generators. Raises `UnusableModel`."""
    path = f"model_weights/{layer}"
    if path not in stored.file:
        raise UnusableModel(f"its weights lack those of {layer:.100}")
    group = stored.file[path]
    # Its only attribute is weight_names, or for many names weight_names0, weight_names1, …
    attributes = sorted(group.attrs, key=lambda name: (len(name), name))
    arrays = [group[name] for attribute in attributes for name in _texts(stored, group, attribute)]
    return [array for array in arrays if array.dtype.kind in "fV" or array.shape == ()]


def _texts(stored: WeightsFile, item: Any, name: str) -> list[str]:
    """The texts in an attribute. Raises `UnusableModel` if HDF5 might allocate too much memory for them."""
    attribute = h5py.h5a.open(item.id, name.encode())
    size = max(attribute.get_storage_size(), prod(attribute.shape) * stored.longest_text)
    if len(attribute.shape) > 1 or size > _TEXTS_LIMIT:
        raise UnusableModel(f"its {name} is too large")
    values = np.atleast_1d(np.asarray(item.attrs[name], dtype=object))
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


# The arrays of a layer


def _by_stage(network: Network, arrays: dict[int, Weights]) -> tuple[Weights, ...]:
    """The arrays of each stage, from those of the first uses."""
    return tuple(arrays.get(stage.first_use, ()) for stage in network.stages)


def _checked(arrays: Sequence[Any], stage: Stage) -> Weights:
    """The arrays of a layer as float32. Raises `UnusableModel` unless they are finite and have the right shapes."""
    shapes = stage.weight_shapes
    if len(arrays) != len(shapes):
        raise UnusableModel(f"it has {len(arrays)} arrays of weights for {stage.layer.name:.100}, not {len(shapes)}")
    return tuple(_array(stored, shape) for stored, shape in zip(arrays, shapes, strict=True))


def _array(stored: Any, shape: Shape) -> NDArray[np.float32]:
    """A stored array of numbers as float32. Raises `UnusableModel` unless it is finite and has this shape."""
    if not isinstance(stored, h5py.Dataset):
        raise UnusableModel("its weights have a group in the place of an array")
    is_count = shape == () and stored.dtype.kind in "iu"  # the number of images that a Normalization was adapted to
    if stored.shape != shape or not (stored.dtype.kind in "fV" or is_count):
        raise UnusableModel(f"its weights are not the {shape_text(shape)} numbers that its layers need")
    values = stored[()]
    if _is_bfloat16(stored):
        values = (values.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):  # too large numbers become infinite
        array = np.asarray(values, np.float32)
    if not np.isfinite(array).all():
        raise UnusableModel("it has weights that are infinite or not a number")
    return array


@_h5py_errors_as_unusable()
def adam_state(content: bytes, shapes: Sequence[Shape]) -> tuple[int, tuple[NDArray[np.float32], ...]]:
    """The state of Keras' Adam: the number of steps, and the momentum and the velocity of each array in turn, float32.

    `content`: the `model.weights.h5` of an archive. `shapes`: those of the arrays of weights. Raises `UnusableModel` if
    the optimizer is not Adam or does not fit these shapes.
    """
    stored = _numbered(open_weights(content).tree, ("optimizer/vars",))
    if len(stored) != 2 + 2 * len(shapes):  # the number of steps, the learning rate, and two for each array
        raise UnusableModel("its optimizer is not Adam")
    twice = [shape for shape in shapes for _ in range(2)]
    arrays = tuple(_array(array, shape) for array, shape in zip(stored[2:], twice, strict=True))
    return int(stored[0][()]), arrays
