"""The training record of a model: `cnn.json`, beside `cnn.keras`, says how it was trained and how good it is."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from mnist_cli.errors import ModelError
from mnist_cli.figures import Epoch, Metrics, best_epoch
from mnist_cli.model.calibration import Calibration
from mnist_cli.storage.files import read_file

FORMAT = 3
_SIZE_LIMIT = 2**24

T = TypeVar("T")


@dataclass(frozen=True)
class DataUsed:
    """The data set of a run: its name and checksum, and the numbers of images in its three parts."""

    name: str
    sha256: str
    training: int
    validation: int
    test: int


@dataclass(frozen=True)
class Record:
    """How a model was trained, and its metrics.

    `settings`: the values that were used. `versions`: those of Python and the packages. `machine`: the processor and
    the device. `seconds`: the total time of all epochs. `test`: the metrics on the test images.
    """

    command: str
    recipe: str
    settings: dict[str, int | float | str]
    versions: dict[str, str]
    machine: dict[str, str | int]
    data: DataUsed
    history: tuple[Epoch, ...]
    seconds: float
    test: Metrics
    calibration: Calibration | None
    """From the validation images; None if there were none."""
    saved_epoch: int
    """The epoch whose weights the model has: the last one or, with `--patience`, the best."""
    model_sha256: str

    @property
    def best_epoch(self) -> int | None:
        return best_epoch(self.history)

    def as_json(self) -> dict[str, Any]:
        """The values of the record's JSON object."""
        return {"format": FORMAT, **asdict(self), "best_epoch": self.best_epoch}


def record_path(model_path: Path) -> Path:
    """The path of the record of the model at `model_path`."""
    return model_path.with_suffix(".json")


def record_content(record: Record) -> bytes:
    """The content of a record's file."""
    return (json.dumps(record.as_json(), indent=2, allow_nan=False) + "\n").encode()


def is_record(path: Path) -> bool:
    """Whether the file at `path` is a training record of any version."""
    try:
        values = _object(read_file(path, _SIZE_LIMIT, ModelError))
    except ModelError:
        return False
    return isinstance(values.get("format"), int) and "model_sha256" in values


def open_record(path: Path) -> Record:
    """The training record in the file at `path`. Raises `ModelError`."""
    try:
        return _parse(json.loads(read_file(path, _SIZE_LIMIT, ModelError), parse_constant=refuse))
    except (ValueError, TypeError, KeyError, RecursionError) as reason:
        raise ModelError(f"{path}: not a training record", "mnistcli writes one beside each model.") from reason


def read_record(model_path: Path, model_sha256: str) -> tuple[Record | None, str]:
    """The record beside the model file with this SHA-256, if any, and a warning if the file there can't be used."""
    path = record_path(model_path)
    if not os.path.exists(path):
        return None, ""
    try:
        content = read_file(path, _SIZE_LIMIT, ModelError)
    except ModelError as error:
        return None, f"{error.message}; ignored"
    values = _object(content)
    if "class_name" in values:  # the output of Keras' `model.to_json()`, which many keep there
        return None, ""
    if isinstance(values.get("format"), int) and values["format"] != FORMAT:
        return None, f"{path} was written by another version of mnistcli; ignored"
    try:
        record = _parse(values)
    except (ValueError, TypeError, KeyError):
        return None, f"{path} is not a training record; ignored"
    if record.model_sha256 != model_sha256:
        return None, f"{path} is the record of another model file; ignored"
    return record, ""


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object in the content of a file; an empty one if it holds something else."""
    try:
        values = json.loads(content, parse_constant=refuse)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def refuse(constant: str) -> float:
    """Raise `ValueError` for NaN or an infinity, which JSON does not have but Python reads: for `parse_constant`."""
    raise ValueError(f"{constant} is not a number in JSON")


def _parse(values: dict[str, Any]) -> Record:
    """The record with these values. Raises `ValueError`, `TypeError` or `KeyError` if they are not one."""
    if values["format"] != FORMAT:
        raise ValueError("another format")
    return checked(Record, {name: value for name, value in values.items() if name not in ("format", "best_epoch")})


def checked(kind: type[T], values: dict[str, Any]) -> T:
    """An instance of a dataclass from a JSON object; its fields may have dataclasses, tuples and dictionaries as types.

    Raises `KeyError` if a field is missing, and `TypeError` if a value doesn't have the type of its field or there is
    no such field.
    """
    fields = {name: _converted(values[name], hint) for name, hint in get_type_hints(kind).items()}
    return kind(**(values | fields))


def _converted(value: Any, hint: Any) -> Any:
    """A value of a JSON object as the type of a field. Raises as `checked` does."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        for alternative in arguments:
            with suppress(TypeError):
                return _converted(value, alternative)
    elif origin is tuple and isinstance(value, list | tuple):
        return tuple(_converted(item, arguments[0]) for item in value)
    elif origin is dict and isinstance(value, dict):
        return {key: _converted(item, arguments[1]) for key, item in value.items()}
    elif isinstance(hint, type) and is_dataclass(hint) and isinstance(value, dict):
        return checked(hint, value)
    elif hint is float and type(value) in (int, float):
        if abs(value) <= sys.float_info.max:  # JSON has integers that no float can hold
            return value
    elif isinstance(value, origin or hint) and not isinstance(value, bool):
        return value
    raise TypeError(f"{value!r:.100} is not of the type {hint}")


def differences(before: Record, after: Record) -> list[str]:
    """The differences between two runs with the same settings, in words; empty if their models are identical."""
    if before.model_sha256 == after.model_sha256:
        return []
    found = [
        f"{name} {earlier.get(name, 'unknown')}, now {value}"
        for earlier, now in ((before.versions, after.versions), (before.machine, after.machine))
        for name, value in now.items()
        if earlier.get(name) != value
    ]
    if before.data.sha256 != after.data.sha256:
        found.append(f"data {before.data.name}, now {after.data.name}")
    return found or ["nothing that the records tell of"]
