"""The figures of a run in TensorBoard's format, written by TensorFlow: the package `tensorboard` is not needed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mnist_cli.errors import OutputError, first_line
from mnist_cli.figures import Epoch
from mnist_cli.training.backend import tf

# `tf.summary.scalar` would set this, but it imports the package `tensorboard`.
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
)


class TensorBoard:
    """Writes loss and accuracy of each epoch into one subfolder for each of the `parts`: `train` and `validation`."""

    def __init__(self, folder: Path, parts: Sequence[str]) -> None:
        """Open a file in each subfolder. Raises `OutputError`."""
        self._folder = folder
        with self._as_output_errors():
            self._writers = {part: tf.summary.create_file_writer(str(folder / part)) for part in parts}

    def write(self, epoch: Epoch) -> None:
        """Write the figures of an epoch. Raises `OutputError`."""
        figures = {"train": (epoch.loss, epoch.accuracy), "validation": (epoch.val_loss, epoch.val_accuracy)}
        for part, writer in self._writers.items():
            loss, accuracy = figures[part]
            with self._as_output_errors():
                self._write(writer, epoch.epoch, {"epoch_loss": loss, "epoch_accuracy": accuracy})

    def _write(self, writer: Any, step: int, scalars: dict[str, float | None]) -> None:
        with writer.as_default(step):
            for tag, value in scalars.items():
                tf.summary.write(tag, tf.constant(value, tf.float32), metadata=_SCALAR)
        writer.flush()

    @contextmanager
    def _as_output_errors(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as reason:
            why = first_line(reason)
            raise OutputError(f"{self._folder}: can't be written: {why}", "Choose another --tensorboard.") from reason
