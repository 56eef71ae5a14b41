"""The figures of a run as TensorBoard reads them: event files, written with what TensorFlow itself brings along."""

import itertools
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mnist_cli.errors import OutputError, first_line
from mnist_cli.figures import Epoch
from mnist_cli.training import backend
from mnist_cli.training.device import Device
from mnist_cli.training.events import Listener, Plan

_RUNS = itertools.count()  # so that two runs of one process within a second don't share a file


class TensorBoard(Listener):
    """Writes loss and accuracy after each epoch: into the folder `train`, and into `validation` beside it."""

    def __init__(self, folder: Path) -> None:
        self._folders = {"train": folder / "train", "validation": folder / "validation"}
        self._writers: dict[str, Any] = {}

    def planned(self, plan: Plan) -> None:
        """Make the folders while nothing is lost yet. Raises `OutputError`."""
        if not plan.validation:
            del self._folders["validation"]
        for folder in self._folders.values():
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as reason:
                raise _refusal(folder, first_line(reason)) from reason
            if not os.access(folder, os.W_OK):
                raise _refusal(folder, "permission denied")

    def started(self, device: Device, precision: str) -> None:
        tf = backend.load().tf
        name = f"events.out.tfevents.{int(time.time())}.{platform.node()}.{os.getpid()}.{next(_RUNS)}"
        for part, folder in self._folders.items():
            with _told(folder):
                self._writers[part] = tf.io.TFRecordWriter(str(folder / name))
            self._write(part, tf.compat.v1.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def epoch_done(self, epoch: Epoch) -> None:
        self._write_scalars("train", epoch.epoch, {"epoch_loss": epoch.loss, "epoch_accuracy": epoch.accuracy})
        if epoch.val_loss is not None and epoch.val_accuracy is not None:
            scalars = {"epoch_loss": epoch.val_loss, "epoch_accuracy": epoch.val_accuracy}
            self._write_scalars("validation", epoch.epoch, scalars)

    def _write_scalars(self, part: str, step: int, scalars: dict[str, float]) -> None:
        summary = backend.load().tf.compat.v1.Summary()
        for tag, value in scalars.items():
            summary.value.add(tag=tag, simple_value=value)
        self._write(part, backend.load().tf.compat.v1.Event(wall_time=time.time(), step=step, summary=summary))

    def _write(self, part: str, event: Any) -> None:
        with _told(self._folders[part]):
            self._writers[part].write(event.SerializeToString())
            self._writers[part].flush()


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Have what TensorFlow can't write told as what it is."""
    try:
        yield
    except backend.load().tf.errors.OpError as reason:
        raise _refusal(folder, first_line(reason)) from reason


def _refusal(folder: Path, why: str) -> OutputError:
    return OutputError(f"{folder}: can't be written: {why}", "Choose another --tensorboard.")
