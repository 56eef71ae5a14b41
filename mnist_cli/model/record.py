"""The training record: `cnn.json` beside `cnn.keras` tells how the model came to be and how good it is."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from mnist_cli.errors import ModelError
from mnist_cli.figures import Epoch, Metrics, best_epoch
from mnist_cli.model.calibration import Calibration
from mnist_cli.storage.files import read_file

FORMAT = 3
_SIZE_LIMIT = 2**24

Part = TypeVar("Part")


@dataclass(frozen=True)
class DataUsed:
    name: str
    sha256: str
    training: int
    validation: int
    test: int


@dataclass(frozen=True)
class Record:
    """What is known of a trained model.

    `settings` are those of the recipe as they were used, `versions` those of the packages that took part,
    `machine` the processor and the device, `seconds` the time that the epochs took together.
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
    """From the validation images; None where there were none."""
    saved_epoch: int
    """The epoch whose weights the model has: the last one, or, under `--patience`, the best."""
    model_sha256: str

    @property
    def best_epoch(self) -> int | None:
        return best_epoch(self.history)

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self), "best_epoch": self.best_epoch}


def record_path(model_path: Path) -> Path:
    """Where the record of the model at `model_path` stands."""
    return model_path.with_suffix(".json")


def record_content(record: Record) -> bytes:
    """The record as a file holds it."""
    return (json.dumps(record.as_json(), indent=2, allow_nan=False) + "\n").encode()


def is_record(path: Path) -> bool:
    """Whether the file at `path` is a training record, of this version or of another."""
    values = _load(path)
    return isinstance(values.get("format"), int) and "model_sha256" in values


def open_record(path: Path) -> Record:
    """The training record in the file at `path`. Raises `ModelError`."""
    try:
        return _parse(json.loads(read_file(path, _SIZE_LIMIT, ModelError), parse_constant=refuse))
    except (ValueError, TypeError, KeyError, RecursionError) as reason:
        raise ModelError(f"{path}: no training record", "One stands beside each model that was trained.") from reason


def read_record(model_path: Path, model_sha256: str) -> tuple[Record | None, str]:
    """The record of the model file with the given SHA-256, and a warning where there is one that can't be used."""
    path = record_path(model_path)
    if not os.path.exists(path):
        return None, ""
    values = _load(path)
    if "class_name" in values:  # what Keras' `model.to_json()` gives, which is often kept there
        return None, ""
    if isinstance(values.get("format"), int) and values["format"] != FORMAT:
        return None, f"{path} was written by another version of mnistcli; ignored"
    try:
        record = _parse(values)
    except (ValueError, TypeError, KeyError):
        return None, f"{path} is no training record; ignored"
    if record.model_sha256 != model_sha256:
        return None, f"{path} is the record of another model file; ignored"
    return record, ""


def _load(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none."""
    try:
        values = json.loads(read_file(path, _SIZE_LIMIT, ModelError), parse_constant=refuse)
    except (ModelError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def refuse(constant: str) -> float:
    """For JSON: NaN and the infinities are no numbers. Raises `ValueError`."""
    raise ValueError(f"{constant} is no number")


def _parse(values: dict[str, Any]) -> Record:
    """The record with these values. Raises `ValueError`, `TypeError` or `KeyError` where they make none."""
    if values["format"] != FORMAT:
        raise ValueError("another format")
    parts = {
        "data": checked(DataUsed, values["data"]),
        "history": tuple(checked(Epoch, epoch) for epoch in values["history"]),
        "test": checked(Metrics, values["test"]),
        "calibration": _optional(Calibration, values["calibration"]),
    }
    own = {name: value for name, value in values.items() if name not in ("format", "best_epoch")}
    return checked(Record, own | parts)


def _optional(kind: type[Part], values: dict[str, Any] | None) -> Part | None:
    return None if values is None else checked(kind, values)


def checked(kind: type[Part], values: dict[str, Any]) -> Part:
    """An instance of a dataclass with the values as fields.

    Raises `KeyError` where one is missing and `TypeError` where one has another type than its field.
    """
    for name, hint in get_type_hints(kind).items():
        if not _is(values[name], hint):
            raise TypeError(f"{name} is no {hint}")
    return kind(**values)


def _is(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return any(_is(value, alternative) for alternative in arguments)
    if origin is dict:
        return isinstance(value, dict) and all(_is(item, arguments[1]) for item in value.values())
    if hint is float:
        # JSON has integers that no float can hold.
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return isinstance(value, origin or hint) and not isinstance(value, bool)


def differences(before: Record, after: Record) -> list[str]:
    """What differs between two runs with the same settings, in words; empty where their models are identical."""
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
