"""The checkpoint: `cnn.checkpoint` beside `cnn.keras` holds all that the rest of a training run depends on.

It is an `.npz` archive: the arrays of the trainer's state, those of the best epoch where they are wanted, and a JSON
text with everything else.
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
_LIMIT = 2**28
_TEXT = "run"
_STATES = ("state", "before", "best")


State = dict[str, NDArray[np.float32]]
"""Everything that training changes, by name: weights, what the optimizer remembers, averages."""


@dataclass(frozen=True)
class EpochProgress:
    """How far an epoch is: `step` steps over `images` images, the sum of their losses, and how many were right."""

    epoch: int
    step: int = 0
    images: int = 0
    loss: float = 0.0
    correct: float = 0.0

    @property
    def means(self) -> Metrics:
        """Means over the images so far, taken while the weights change, as Keras' `fit` reports them."""
        return Metrics(self.loss / self.images, self.correct / self.images)


@dataclass(frozen=True)
class Checkpoint:
    """A training run as far as it has come; one that has not begun has no history and no state.

    `progress` is that of the epoch at hand, `seconds` the time that went into it, `state` the trainer's at this moment.
    Where the epoch has begun, `before` is the state at its beginning. `best` is the state at the end of the best epoch,
    kept only under `--patience`.
    """

    settings: Settings
    command: str
    data_sha256: str
    progress: EpochProgress = EpochProgress(1)
    history: tuple[Epoch, ...] = ()
    seconds: float = 0.0
    state: State = field(default_factory=dict, repr=False)
    before: State = field(default_factory=dict, repr=False)
    best: State = field(default_factory=dict, repr=False)

    @property
    def at_last_epoch(self) -> State:
        """The state at the end of the last epoch that was finished; empty where none was."""
        return self.before if self.progress.step else self.state

    @property
    def ended(self) -> bool:
        """Whether no epoch is left to train: all are done, or patience is at its end."""
        done, patience = len(self.history), self.settings.patience
        best = best_epoch(self.history)
        return done >= self.settings.epochs or bool(patience and best and done - best >= patience)


def checkpoint_path(model_path: Path) -> Path:
    """Where the checkpoint of the run that makes the model at `model_path` stands."""
    return model_path.with_suffix(".checkpoint")


def write_checkpoint(model_path: Path, checkpoint: Checkpoint) -> None:
    """Put the checkpoint where the last one was. Raises `OutputError`."""
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
    content = read_file(path, _LIMIT, ModelError)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            values = json.loads(str(arrays[_TEXT]), parse_constant=refuse)
            return _parse(values, {state: _part(arrays, f"{state}/") for state in _STATES})
    except Exception as reason:  # a damaged archive makes NumPy raise almost anything
        why = "not a checkpoint of this version, or a damaged one"
        raise ModelError(f"{path}: {why}", "Move it away, and train without --resume.") from reason


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint, of this version or of another."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{_TEXT}.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _part(arrays: Any, prefix: str) -> State:
    return {name.removeprefix(prefix): arrays[name] for name in arrays.files if name.startswith(prefix)}


def _parse(values: dict[str, Any], states: dict[str, State]) -> Checkpoint:
    if values.pop("format") != _FORMAT:
        raise ValueError("another format")
    checkpoint = checked(Checkpoint, values | states)
    if not _is_consistent(checkpoint):
        raise ValueError("its parts contradict each other")
    return checkpoint


def _is_consistent(checkpoint: Checkpoint) -> bool:
    epochs = [epoch.epoch for epoch in checkpoint.history]
    states = (checkpoint.state, checkpoint.before, checkpoint.best)
    shapes = [{name: array.shape for name, array in state.items()} for state in states]
    progress = checkpoint.progress
    return (
        [*epochs, progress.epoch] == list(range(1, len(epochs) + 2))
        and progress.step >= 0
        and bool(checkpoint.before) == (progress.step > 0 and bool(epochs))
        and all(not shape or shape == shapes[0] for shape in shapes)
    )
