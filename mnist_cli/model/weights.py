"""The weights of a model in HDF5, walked through and checked before anything of them is used.

A `.keras` archive has them by the place of each layer among those of its class, an `.h5` file by the names of layers.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mnist_cli.model.config import Description, Part
from mnist_cli.model.layers.base import Shape, ShapeError, Weights, shape_text
from mnist_cli.model.network import Network, Stage
from mnist_cli.model.options import ConfigError

_OBJECTS_LIMIT = 5000
_ATTRIBUTE_LIMIT = 2**22

# Where a model in an archive has its layers: from Keras 2.14 on, and before.
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")

# Where Keras puts an underscore to make the name of a group of a class: re_lu, conv2d_transpose.
_WORD_START = re.compile(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")

Tree = dict[str, Any]
"""Groups by their names; an array is what `h5py` has for it."""


@contextmanager
def opened(content: bytes) -> Iterator[Any]:
    """An HDF5 file, walked through; what is done with it inside the context raises `ConfigError`."""
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            _check_all(file)
            yield file
    except (ConfigError, ShapeError):
        raise
    except Exception as reason:  # a damaged file makes HDF5 raise almost anything
        raise ConfigError("its HDF5 file is damaged") from reason


def _check_all(file: Any) -> None:
    """Walk through all that is in the file, used or not."""
    groups, seen = [file], {_address(file)}
    while groups:
        group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ConfigError("its weights have a link to another place, which is not followed")
            item = group[name]
            if _address(item) in seen or len(seen) > _OBJECTS_LIMIT:
                raise ConfigError("its weights are not a tree, or one of too many parts")
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                groups.append(item)
            else:
                _check_array(item)


def _address(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _check_array(stored: Any) -> None:
    """Numbers, in the file itself as they are: not in another file, nor put together of others, nor compressed."""
    if not isinstance(stored, h5py.Dataset) or stored.external or stored.is_virtual:
        raise ConfigError("it has weights that are no numbers of its own")
    if stored.dtype.kind not in "iuf" and not _is_bfloat16(stored):
        raise ConfigError("it has weights that are no numbers")
    if stored.id.get_storage_size() != stored.size * stored.dtype.itemsize:
        raise ConfigError("its weights are not all there, or compressed")


def _is_bfloat16(stored: Any) -> bool:
    """HDF5 has no such type; Keras writes two bytes, and says so."""
    return bool(stored.dtype.kind == "V" and stored.dtype.itemsize == 2)


# In a `.keras` archive


def archived_weights(file: Any, description: Description) -> tuple[Weights, ...]:
    """For each stage of the network the arrays of its layer, from the `model.weights.h5` of an archive."""
    found: dict[int, Weights] = {}
    _find(description.parts, _tree(file), description.network.stages, found)
    return _by_stage(description.network, found)


def _tree(file: Any) -> Tree:
    """All arrays under their names. Keras on Windows has put some paths into one name."""
    tree: Tree = {}

    def put(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            *groups, name = path.replace("\\", "/").split("/")
            group = tree
            for each in groups:
                group = group.setdefault(each, {})
            group[name] = item

    file.visititems(put)
    return tree


def _find(parts: Sequence[Part], tree: Tree, stages: Sequence[Stage], found: dict[int, Weights]) -> None:
    """Find the weights of the layers of a model whose group is `tree`.

    Keras numbers the groups of a class: conv2d, conv2d_1, …; before 2.14 it left out every other number.
    """
    layers: Tree = next((tree[name] for name in _CONTAINERS if name in tree), {})
    for name in {_group_name(part) for part in parts}:
        learning = [part for part in parts if _group_name(part) == name and _learns(part, stages)]
        groups = _groups(layers, name)
        if len(groups) != len(learning):
            raise ConfigError(
                f"its weights are for {len(groups)} layers named {name:.100}, its config for {len(learning)}"
            )
        for part, group in zip(learning, groups, strict=True):
            if part.stage is None:
                _find(part.parts, group, stages, found)
            else:
                stage = stages[part.stage]
                found[part.stage] = _checked(_numbered(group, stage.layer.weights_at), stage)


def _group_name(part: Part) -> str:
    kind = "Functional" if part.kind == "Model" else part.kind
    return _WORD_START.sub("_", kind).lower()


def _learns(part: Part, stages: Sequence[Stage]) -> bool:
    """Whether a layer, or one in a model, has weights."""
    if part.stage is None:
        return any(_learns(each, stages) for each in part.parts)
    return bool(stages[part.stage].weight_shapes)


def _groups(layers: Tree, name: str) -> list[Tree]:
    """The groups of a class in their order, but for those that have only the states of random generators."""
    numbered = re.compile(rf"{re.escape(name)}(?:_(\d{{1,9}}))?")
    matches = filter(None, map(numbered.fullmatch, layers))
    groups = [layers[match[0]] for match in sorted(matches, key=lambda match: int(match[1] or 0))]
    return [group for group in groups if _has_weights(group)]


def _has_weights(item: Any) -> bool:
    return any(map(_has_weights, item.values())) if isinstance(item, dict) else item.dtype.kind in "fV"


def _numbered(group: Tree, places: Sequence[str]) -> list[Any]:
    """The arrays at some places below a group, which are numbered from 0 at each."""
    arrays: list[Any] = []
    for place in places:
        at: Any = group
        for name in place.split("/"):
            at = at.get(name, {})
        if set(at) != set(map(str, range(len(at)))):
            raise ConfigError("its arrays of weights are not numbered from 0")
        arrays += (at[str(number)] for number in range(len(at)))
    return arrays


# In an `.h5` file


def model_config(file: Any) -> str | None:
    """The description of the model, JSON, in an `.h5` file; None in one of weights alone."""
    if "model_config" not in file.attrs:
        return None
    config = _texts(file, "model_config")
    return config[0] if config else None


def named_weights(file: Any, description: Description) -> tuple[Weights, ...]:
    """For each stage of the network the arrays of its layer, from an `.h5` file.

    A model inside the model has all its arrays in one list: those that training changes, layer by layer, and then the
    others.
    """
    found: dict[int, Weights] = {}
    stages = description.network.stages
    for part in description.parts:
        inside = [stages[number] for number in _stages_of(part) if stages[number].weight_shapes]
        if not inside:
            continue
        arrays = _listed(file, part.name)
        slots = [*_slots(inside, trained=True), *_slots(inside, trained=False)]
        if len(arrays) != len(slots):
            raise ConfigError(f"it has {len(arrays)} arrays of weights for {part.name:.100}, not {len(slots)}")
        placed = dict(zip(slots, arrays, strict=True))
        for stage in inside:
            found[stage.number] = _checked([placed[stage.number, i] for i in range(len(stage.weight_shapes))], stage)
    return _by_stage(description.network, found)


def _stages_of(part: Part) -> Iterator[int]:
    """The numbers of the stages where the layers of a part are used first."""
    if part.stage is not None:
        yield part.stage
    for each in part.parts:
        yield from _stages_of(each)


def _slots(stages: Sequence[Stage], trained: bool) -> Iterator[tuple[int, int]]:
    """The arrays of some layers that training changes, or those that it does not: number of the stage, of the array."""
    for stage in stages:
        count = len(stage.weight_shapes)
        changing = count - stage.layer.frozen_weights if stage.layer.trainable else 0
        yield from ((stage.number, index) for index in (range(changing) if trained else range(changing, count)))


def _listed(file: Any, layer: str) -> list[Any]:
    """The arrays of a layer at the top, without the states of random generators."""
    path = f"model_weights/{layer}"
    if path not in file:
        raise ConfigError(f"its weights lack those of {layer:.100}")
    group = file[path]
    arrays = [group[name] for name in _texts(group, "weight_names")]
    return [array for array in arrays if array.dtype.kind in "fV" or array.shape == ()]


def _texts(item: Any, name: str) -> list[str]:
    """The texts in an attribute; HDF5 has to make room for them first."""
    attribute = h5py.h5a.open(item.id, name.encode())
    if attribute.get_storage_size() > _ATTRIBUTE_LIMIT or len(attribute.shape) > 1:
        raise ConfigError(f"its {name} is too large")
    values = np.atleast_1d(np.asarray(item.attrs[name], dtype=object))
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


# The arrays of a layer


def _by_stage(network: Network, found: dict[int, Weights]) -> tuple[Weights, ...]:
    """A layer that is used again has the same arrays there."""
    return tuple(found.get(stage.first_use, ()) for stage in network.stages)


def _checked(arrays: Sequence[Any], stage: Stage) -> Weights:
    """The arrays of a layer, finite and of the shapes that it needs."""
    shapes = stage.weight_shapes
    if len(arrays) != len(shapes):
        raise ConfigError(f"it has {len(arrays)} arrays of weights for {stage.layer.name:.100}, not {len(shapes)}")
    return tuple(_array(stored, shape) for stored, shape in zip(arrays, shapes, strict=True))


def _array(stored: Any, shape: Shape) -> NDArray[np.float32]:
    if not isinstance(stored, h5py.Dataset):
        raise ConfigError("its weights have a group in the place of an array")
    is_count = shape == () and stored.dtype.kind in "iu"  # how many images a normalization has learned from
    if stored.shape != shape or not (stored.dtype.kind in "fV" or is_count):
        raise ConfigError(f"its weights are not the {shape_text(shape)} numbers that its layers need")
    values = stored[()]
    if _is_bfloat16(stored):
        values = (values.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        array = np.asarray(values, np.float32)
    if not np.isfinite(array).all():
        raise ConfigError("it has weights that are infinite or no numbers")
    return array


def adam_state(content: bytes, shapes: Sequence[Shape]) -> tuple[int, tuple[NDArray[np.float32], ...]]:
    """What Keras' Adam remembers of arrays of weights with these shapes: its steps; momentum and velocity of each.

    `content` is the `model.weights.h5` of an archive. Raises `ConfigError` where it does not hold exactly these.
    """
    with opened(content) as file:
        stored = _numbered(_tree(file), ("optimizer/vars",))
        if len(stored) != 2 + 2 * len(shapes):  # the number of steps, the learning rate, and two for each array
            raise ConfigError("its optimizer is not Adam")
        twice = [shape for shape in shapes for _ in range(2)]
        arrays = tuple(_array(array, shape) for array, shape in zip(stored[2:], twice, strict=True))
        return int(stored[0][()]), arrays
