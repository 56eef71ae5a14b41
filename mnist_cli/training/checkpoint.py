"""The checkpoint of an unfinished run: `cnn.checkpoint` beside `cnn.keras` contains everything needed to resume it.

It is an `.npz` archive with the arrays of the trainer's states, and a JSON text with everything else.
"""

import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.errors import ModelError
from mnist_cli.figures import Epoch, Metrics, best_epoch
from mnist_cli.model.record import checked, refuse
from mnist_cli.settings import Settings
from mnist_cli.storage.files import read_file, write_files

_FORMAT = 1
_SIZE_LIMIT = 2**28  # bytes
_TEXT = "run"
_STATES = ("state", "before", "best")

State = dict[str, NDArray[np.float32]]
"""Everything that training changes, by name: weights, the optimizer's moments, moving averages."""


@dataclass(frozen=True)
class EpochProgress:
    """How far an epoch has come; the first epoch is 1."""

    epoch: int
    step: int = 0
    """The number of steps done."""
    images: int = 0
    """The number of images in these steps."""
    loss: float = 0.0
    """The sum of their cross-entropies in nats."""
    correct: float = 0.0
    """How many of them were read correctly."""

    @property
    def means(self) -> Metrics:
        """Loss and accuracy over the images so far, taken while the weights change, as Keras' `fit` reports them."""
        return Metrics(self.loss / self.images, self.correct / self.images)


@dataclass(frozen=True)
class Checkpoint:
    """How far a training run has come; a new run has no history and no state."""

    settings: Settings
    command: str
    data_sha256: str
    progress: EpochProgress = EpochProgress(1)
    """The progress of the current epoch."""
    history: tuple[Epoch, ...] = ()
    """The finished epochs."""
    seconds: float = 0.0
    """The time spent on the current epoch."""
    state: State = field(default_factory=dict, repr=False)
    """The trainer's present state."""
    before: State = field(default_factory=dict, repr=False)
    """The state at the end of the last finished epoch; empty if that is the present state, or there is none."""
    best: State = field(default_factory=dict, repr=False)
    """The state at the end of the best epoch; empty without `--patience`."""

    @property
    def at_last_epoch(self) -> State:
        """The state at the end of the last finished epoch; empty if there is none."""
        return self.before if self.progress.step else self.state

    @property
    def ended(self) -> bool:
        """Whether no epoch is left to train: all are done, or patience has run out."""
        done, patience = len(self.history), self.settings.patience
        if done >= self.settings.epochs:
            return True
        best = best_epoch(self.history)
        return patience > 0 and best is not None and done - best >= patience


def checkpoint_path(model_path: Path) -> Path:
    """The path of the checkpoint of the run that trains the model at `model_path`."""
    return model_path.with_suffix(".checkpoint")


def write_checkpoint(model_path: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint in place of the last one. Raises `OutputError`."""
    values = {name: value for name, value in vars(checkpoint).items() if name not in _STATES}
    values |= {"format": _FORMAT, "settings": asdict(checkpoint.settings), "progress": asdict(checkpoint.progress)}
    values["history"] = [asdict(epoch) for epoch in checkpoint.history]
    arrays: dict[str, Any] = {_TEXT: np.array(json.dumps(values))}
    for state in _STATES:
        arrays |= {f"{state}/{name}": array for name, array in getattr(checkpoint, state).items()}
    file = io.BytesIO()
    np.savez(file, **arrays)
    write_files({checkpoint_path(model_path): file.getvalue()})


def read_checkpoint(model_path: Path) -> Checkpoint:
    """The checkpoint of the unfinished run for the model at `model_path`. Raises `ModelError`."""
    path = checkpoint_path(model_path)
    content = read_file(path, _SIZE_LIMIT, ModelError)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            values = json.loads(str(arrays[_TEXT]), parse_constant=refuse)
            return _parse(values, {name: _state(arrays, name) for name in _STATES})
    except Exception as reason:  # a damaged archive makes NumPy raise almost anything
        message = f"{path}: damaged, or not a checkpoint of this version"
        raise ModelError(message, "Move it away, and train without --resume.") from reason


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint, of any version."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{_TEXT}.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _state(arrays: Any, state: str) -> State:
    prefix = f"{state}/"
    return {name.removeprefix(prefix): arrays[name] for name in arrays.files if name.startswith(prefix)}


def _parse(values: dict[str, Any], states: dict[str, State]) -> Checkpoint:
    if values.pop("format") != _FORMAT:
        raise ValueError("another format")
    checkpoint = checked(Checkpoint, values | states)
    if not _is_consistent(checkpoint):
        raise ValueError("its parts contradict each other")
    return checkpoint


def _is_consistent(checkpoint: Checkpoint) -> bool:
    progress = checkpoint.progress
    epochs = [epoch.epoch for epoch in checkpoint.history]
    has_numbered_epochs = [*epochs, progress.epoch] == list(range(1, len(epochs) + 2))
    needs_before = progress.step > 0 and len(epochs) > 0
    shapes = _shapes(checkpoint.state)
    return (
        has_numbered_epochs
        and progress.step >= 0
        and bool(checkpoint.before) == needs_before
        and _shapes(checkpoint.before) in ({}, shapes)
        and _shapes(checkpoint.best) in ({}, shapes)
    )


def _shapes(state: State) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in state.items()}
