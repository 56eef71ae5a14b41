"""The training loop: trains epoch after epoch, writes checkpoints, and saves the model at the end."""

import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import NoReturn

import numpy as np

from mnist_cli import __version__
from mnist_cli.errors import ModelError, OutputError, TrainingError
from mnist_cli.evaluation.calibration import calibrate
from mnist_cli.figures import Epoch, Metrics, best_epoch
from mnist_cli.model.calibration import Calibration
from mnist_cli.model.engine import Engine
from mnist_cli.model.file import ModelFile, parse_model, write_model
from mnist_cli.model.record import DataUsed, Record, differences
from mnist_cli.storage.files import remove_file
from mnist_cli.storage.processors import usable_processors
from mnist_cli.training.backend import make_deterministic
from mnist_cli.training.checkpoint import Checkpoint, EpochProgress, checkpoint_path, write_checkpoint
from mnist_cli.training.device import find_device, processor_name
from mnist_cli.training.events import EpochDone, Event, Started, Stepped, Trained
from mnist_cli.training.start import Run, TrainingRequest
from mnist_cli.training.stopping import StopRequest
from mnist_cli.training.tensorboard import TensorBoard
from mnist_cli.training.trainer import Trainer


class _Diverged(Exception):
    """The loss or the weights are no longer finite, so it makes no sense to go on."""


class Loop:
    """Trains the rest of a run and saves its model."""

    def __init__(self, run: Run, request: TrainingRequest, stop: StopRequest) -> None:
        self._run, self._request, self._stop = run, request, stop
        self._device = find_device()
        settings = replace(run.settings, precision=self._device.precision(run.settings.precision))
        self._checkpoint = replace(run.checkpoint, settings=settings)
        self._checkpoint_path = checkpoint_path(run.model_path)
        self._has_checkpoint = run.is_resumed and self._checkpoint_path.exists()
        self._validation = run.dataset.train[run.training_size :]
        make_deterministic(settings.seed)
        self._trainer = Trainer(run.network, settings, run.dataset.train[: run.training_size])
        if run.is_resumed:
            self._resume()
        self._board = self._open_tensorboard()

    def _resume(self) -> None:
        try:
            self._trainer.restore(self._checkpoint.state)
        except ValueError as reason:
            raise ModelError(f"the run can't be resumed: {reason}", "Train without --resume.") from reason

    def _open_tensorboard(self) -> TensorBoard | None:
        folder = self._request.tensorboard_path
        if not folder:
            return None
        return TensorBoard(folder, ("train", "validation") if len(self._validation) else ("train",))

    def events(self) -> Iterator[Event]:
        """Train the remaining epochs, and save the model. A signal stops the run between steps: nothing is lost.

        Raises `OutputError`, `TrainingError` and `Interrupted`.
        """
        with self._stop.deferred():
            precision = self._checkpoint.settings.precision
            is_native = precision == "float32" or self._device.native_bfloat16
            yield Started(self._device.name, precision, is_native)
            try:
                while not self._checkpoint.ended:
                    yield from self._train_epoch()
                record = self._save()
            except _Diverged as reason:
                self._save_last_good(str(reason))
            except OutputError as error:
                if not (self._has_checkpoint and self._checkpoint_path.exists()):
                    raise
                hint = f"Once that is fixed, {self._request.how_to_resume}."
                raise OutputError(error.message, hint) from error
        original = self._run.original
        yield Trained(self._run.model_path, record, differences(original, record) if original else None)

    def _train_epoch(self) -> Iterator[Event]:
        """Train the current epoch, or the rest of it, then validate, and write a checkpoint."""
        start = time.perf_counter() - self._checkpoint.seconds  # includes the time before an interruption
        progress = self._checkpoint.progress  # stays so if the run was interrupted after the last step of the epoch
        for progress in self._trainer.train_epoch(self._checkpoint.progress):
            _check_loss(progress.loss, progress.epoch)
            yield Stepped(progress.epoch, progress.step, progress.means)
            if self._stop.requested:
                self._interrupt(progress, time.perf_counter() - start)
        epoch = self._validated_epoch(progress, start)
        self._checkpoint_epoch(epoch)
        if self._board:
            self._board.write(epoch)
        yield EpochDone(epoch)

    def _validated_epoch(self, progress: EpochProgress, start: float) -> Epoch:
        """The figures of an epoch that began at the time `start`, with the validation that ends it."""
        validated = self._trainer.evaluate(self._validation) if len(self._validation) else None
        if validated:
            _check_loss(validated.loss, progress.epoch)
        return Epoch(
            epoch=progress.epoch,
            loss=progress.means.loss,
            accuracy=progress.means.accuracy,
            val_loss=validated.loss if validated else None,
            val_accuracy=validated.accuracy if validated else None,
            seconds=round(time.perf_counter() - start, 2),
        )

    def _interrupt(self, progress: EpochProgress, seconds: float) -> NoReturn:
        """Write a checkpoint in the middle of an epoch, and stop as requested."""
        before, state = self._checkpoint.at_last_epoch, self._trainer.state
        self._write(replace(self._checkpoint, progress=progress, seconds=seconds, state=state, before=before))
        raise self._stop.interruption(self._request.how_to_resume)

    def _checkpoint_epoch(self, epoch: Epoch) -> None:
        """Write a checkpoint at the end of an epoch."""
        history, state = (*self._checkpoint.history, epoch), self._trainer.state
        if not all(np.isfinite(array).all() for array in state.values()):
            raise _Diverged(f"the weights became infinite in epoch {epoch.epoch}")
        is_best = self._checkpoint.settings.patience > 0 and best_epoch(history) == epoch.epoch
        best = state if is_best else self._checkpoint.best
        progress = EpochProgress(epoch.epoch + 1)
        self._write(
            replace(
                self._checkpoint, progress=progress, history=history, seconds=0.0, state=state, before={}, best=best
            )
        )

    def _write(self, checkpoint: Checkpoint) -> None:
        write_checkpoint(self._run.model_path, checkpoint)
        self._checkpoint = checkpoint
        self._has_checkpoint = True

    def _save_last_good(self, reason: str) -> NoReturn:
        """Save the model of the last finished epoch, if there is one, and end the run with an error."""
        hint = "Try a lower --learning-rate."
        if not self._checkpoint.history:
            remove_file(self._checkpoint_path)
            raise TrainingError(f"{reason}: nothing was saved", hint)
        self._trainer.restore(self._checkpoint.at_last_epoch)
        record = self._save()
        saved = f"the model of epoch {record.saved_epoch} was saved as {self._run.model_path}"
        raise TrainingError(f"{reason}: {saved}", hint)

    def _save(self) -> Record:
        """Test the network, save the model with its record, and remove the checkpoint."""
        epoch = len(self._checkpoint.history)
        if self._checkpoint.best:
            self._trainer.restore(self._checkpoint.best)
            epoch = best_epoch(self._checkpoint.history) or epoch
        test = self._trainer.evaluate(self._run.dataset.test)
        if not np.isfinite(test.loss):
            raise TrainingError(f"the loss on the test images is {test.loss}: nothing was saved")
        archive = self._trainer.archive(self._run.model_path, epoch * self._run.steps)
        model = parse_model(self._run.model_path, archive)
        record = self._record(model, epoch, test)
        write_model(model, record)
        remove_file(self._checkpoint_path)
        return record

    def _calibration(self, model: ModelFile) -> Calibration | None:
        """The calibration on the validation images, with the engine that will answer; None without such images."""
        if not len(self._validation):
            return None
        return calibrate(self._validation.labels, Engine(model).probabilities(self._validation.images))

    def _record(self, model: ModelFile, saved_epoch: int, test: Metrics) -> Record:
        run, settings, history = self._run, self._checkpoint.settings, self._checkpoint.history
        return Record(
            command=self._checkpoint.command,
            recipe=settings.recipe,
            settings={name: value for name, value in asdict(settings).items() if name != "recipe"},
            versions=_versions(),
            machine={"processor": processor_name(), "cores": usable_processors(), "device": self._device.name},
            data=DataUsed(
                name=run.dataset.name,
                sha256=run.dataset.sha256,
                training=run.training_size,
                validation=run.validation_size,
                test=len(run.dataset.test_labels),
            ),
            history=history,
            seconds=round(sum(epoch.seconds for epoch in history), 2),
            test=test,
            calibration=self._calibration(model),
            saved_epoch=saved_epoch,
            model_sha256=model.sha256,
        )


def _check_loss(loss: float, epoch: int) -> None:
    if not np.isfinite(loss):
        raise _Diverged(f"the loss became {loss} in epoch {epoch}")


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("tensorflow", "keras", "numpy")}
    return {"mnistcli": __version__, "python": platform.python_version(), **packages}
