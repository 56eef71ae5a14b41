"""The checkpoint: `cnn.checkpoint` beside `cnn.keras` holds all that the rest of a training run depends on.

It is an `.npz` archive: the arrays of the trainer's state, those of the best epoch where they are wanted, and a JSON
text with everything else.
"""

import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mnist_cli.errors import ModelError
from mnist_cli.files import read_file, write_files
from mnist_cli.recipes import Settings
from mnist_cli.record import Epoch, best_epoch, checked
from mnist_cli.trainer import Progress, State

_FORMAT = 1
_LIMIT = 2**28
_TEXT, _STATE, _BEST = "run", "state/", "best/"


@dataclass(frozen=True)
class Checkpoint:
    """A training run as far as it has come; one that has not begun has no history and no state.

    `progress` is that of the epoch that comes next, `seconds` the time that went into it already. `best` is the state
    at the end of the best epoch, kept only under `--patience`.
    """

    settings: Settings
    command: str
    data_sha256: str
    progress: Progress = Progress(1)
    history: tuple[Epoch, ...] = ()
    seconds: float = 0.0
    state: State = field(default_factory=dict, repr=False)
    best: State = field(default_factory=dict, repr=False)

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
    values = {name: value for name, value in vars(checkpoint).items() if name not in ("state", "best")}
    values |= {"format": _FORMAT, "settings": asdict(checkpoint.settings), "progress": asdict(checkpoint.progress)}
    values["history"] = [asdict(epoch) for epoch in checkpoint.history]
    arrays: dict[str, Any] = {_TEXT: np.array(json.dumps(values))}
    arrays |= {_STATE + name: array for name, array in checkpoint.state.items()}
    arrays |= {_BEST + name: array for name, array in checkpoint.best.items()}
    file = io.BytesIO()
    np.savez(file, **arrays)
    write_files({checkpoint_path(model_path): file.getvalue()})


def read_checkpoint(model_path: Path) -> Checkpoint:
    """The checkpoint of an unfinished run that was to make the model at `model_path`. Raises `ModelError`."""
    path = checkpoint_path(model_path)
    content = read_file(path, _LIMIT, ModelError)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            values = json.loads(str(arrays[_TEXT]))
            return _parse(values, _part(arrays, _STATE), _part(arrays, _BEST))
    except Exception as reason:  # a damaged archive makes NumPy raise almost anything
        raise ModelError(f"{path}: not a checkpoint, or a damaged one", "Train without --resume.") from reason


def _part(arrays: Any, prefix: str) -> State:
    return {name.removeprefix(prefix): arrays[name] for name in arrays.files if name.startswith(prefix)}


def _parse(values: dict[str, Any], state: State, best: State) -> Checkpoint:
    if values.pop("format") != _FORMAT:
        raise ValueError("another format")
    values["settings"] = checked(Settings, values["settings"])
    values["progress"] = checked(Progress, values["progress"])
    values["history"] = tuple(checked(Epoch, epoch) for epoch in values["history"])
    return checked(Checkpoint, values | {"state": state, "best": best})
