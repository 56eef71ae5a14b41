"""The training record: `cnn.json` beside `cnn.keras` tells how the model came to be and how good it is."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mnist_cli.errors import ModelError, OutputError
from mnist_cli.files import read_file, write_file

FORMAT = 1
_SIZE_LIMIT = 2**24


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch.

    `loss` (mean cross-entropy in nats) and `accuracy` (0 to 1) are means over the epoch, taken while the weights
    change and dropout is on; the validation figures are taken at its end, and None without validation images.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Figures:
    """Loss (mean cross-entropy in nats) and accuracy (0 to 1) over some images."""

    loss: float
    accuracy: float


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
    test: Figures
    model_sha256: str

    @property
    def best_epoch(self) -> int | None:
        return best_epoch(self.history)

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self), "best_epoch": self.best_epoch}


def best_epoch(history: Sequence[Epoch]) -> int | None:
    """The epoch with the lowest validation loss, the first of equals; None without validation."""
    judged = [(epoch.val_loss, epoch.epoch) for epoch in history if epoch.val_loss is not None]
    return min(judged)[1] if judged else None


def record_path(model_path: Path) -> Path:
    """Where the record of the model at `model_path` stands."""
    return model_path.with_suffix(".json")


def write_record(model_path: Path, record: Record) -> None:
    """Write the record beside its model. Raises `OutputError`."""
    text = json.dumps(record.as_json(), indent=2, allow_nan=False) + "\n"
    write_file(record_path(model_path), text.encode())


def check_no_stranger(model_path: Path) -> None:
    """Raise `OutputError` where the record would replace a file that is no training record."""
    path = record_path(model_path)
    if path.exists() and _parse(path) is None:
        raise OutputError(f"{path}: stands where the training record goes, and is none", "Choose another --output.")


def read_record(model_path: Path, model_sha256: str) -> tuple[Record | None, str]:
    """The record of the model file with the given SHA-256, and a note where there is a record that can't be used."""
    path = record_path(model_path)
    if not path.exists():
        return None, ""
    record = _parse(path)
    if record is None:
        return None, f"{path} is no training record; ignored"
    if record.model_sha256 != model_sha256:
        return None, f"{path} is the record of another model file; ignored"
    return record, ""


def _parse(path: Path) -> Record | None:
    try:
        values = json.loads(read_file(path, _SIZE_LIMIT, ModelError))
        if values.pop("format") != FORMAT:
            return None
        values.pop("best_epoch")
        values["data"] = DataUsed(**values["data"])
        values["history"] = tuple(Epoch(**epoch) for epoch in values["history"])
        values["test"] = Figures(**values["test"])
        return Record(**values)
    except (ModelError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
