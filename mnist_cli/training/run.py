"""A training run from its settings to the saved model; what happens is told to a listener."""

import platform
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import numpy as np

from mnist_cli import __version__
from mnist_cli.datasets.dataset import MNIST_SHA256, Dataset
from mnist_cli.errors import DataError, KeptRunError, ModelError, OutputError, SettingError, TrainingError
from mnist_cli.evaluation.calibration import calibrate
from mnist_cli.figures import Epoch, Metrics, best_epoch
from mnist_cli.model.calibration import Calibration
from mnist_cli.model.engine import Engine
from mnist_cli.model.file import ModelFile, check_destinations, parse_model, write_model
from mnist_cli.model.network import classic_cnn
from mnist_cli.model.record import DataUsed, Record, record_path
from mnist_cli.storage.files import are_one_file, check_destination, remove_file, remove_strays, reserved
from mnist_cli.storage.processors import usable_processors
from mnist_cli.training import backend
from mnist_cli.training.checkpoint import Checkpoint, check_replaceable, checkpoint_path, write_checkpoint
from mnist_cli.training.device import Device, find_device, processor
from mnist_cli.training.events import Listener, Plan
from mnist_cli.training.stopping import StopRequest
from mnist_cli.training.trainer import EpochProgress, Trainer


def train(
    checkpoint: Checkpoint,
    dataset: Dataset,
    model_path: Path,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
) -> Record:
    """Take a run from where it is to its end; write the model and its record, and return the record.

    After every epoch, and before it gives way to a request to stop, the run is kept in a checkpoint beside the model.
    Raises `DataError`, `ModelError`, `OutputError`, `SettingError`, `TrainingError`, and `Interrupted`; where an
    `OutputError` ends a run that is kept, a `KeptRunError`.
    """
    listener, stop = listener or Listener(), stop or StopRequest()
    plan = _plan(checkpoint, dataset, model_path)
    check_destinations(model_path, "Choose another --output.")
    check_destination(checkpoint_path(model_path), "Choose another --output.")
    check_replaceable(model_path)
    if are_one_file([model_path, record_path(model_path), checkpoint_path(model_path)]):
        raise OutputError(f"{model_path}: links make one file of it, its record or its checkpoint", "Remove them.")
    with reserved(model_path) as alone:
        if alone:
            for path in (model_path, record_path(model_path), checkpoint_path(model_path)):
                remove_strays(path)
        listener.planned(plan)
        device = find_device()
        settings = replace(checkpoint.settings, precision=device.precision(checkpoint.settings.precision))
        run = _Run(replace(checkpoint, settings=settings), dataset, plan, device, listener, stop)
        listener.started(device, settings.precision)
        with stop.deferred():
            return run.to_end()


def _plan(checkpoint: Checkpoint, dataset: Dataset, model_path: Path) -> Plan:
    settings = checkpoint.settings
    if checkpoint.data_sha256 != dataset.sha256:
        raise DataError(f"{dataset.name}: not the data that the run to resume was trained on", "Give its --data.")
    if dataset.sha256 != MNIST_SHA256:
        # What is wrong with the user's own data is to be said before anything is announced.
        _ = dataset.train, dataset.test
    training, validation = settings.split(len(dataset.train_labels))
    if settings.patience and not validation:
        raise SettingError("--validation-split", "leaves no images to validate on, which --patience needs")
    if checkpoint.progress.images != min(checkpoint.progress.step * settings.batch_size, training):
        raise ModelError(f"{checkpoint_path(model_path)}: not a checkpoint of this data", "Train without --resume.")
    resumed = bool(checkpoint.state)
    unfinished = not resumed and checkpoint_path(model_path).exists()
    return Plan(
        settings=settings,
        data_name=dataset.name,
        training=training,
        validation=validation,
        test=len(dataset.test_labels),
        steps=settings.steps(training),
        parameters=classic_cnn(settings.dropout).parameters,
        model_path=model_path,
        history=checkpoint.history,
        progress=checkpoint.progress,
        resumed=resumed,
        replaces=("the model",) * model_path.exists() + ("the unfinished run",) * unfinished,
    )


class _Diverged(Exception):
    """The loss is infinite, or no number, any more: there is no sense in going on."""


def _check(loss: float, epoch: int) -> None:
    if not np.isfinite(loss):
        raise _Diverged(f"the loss became {loss} in epoch {epoch}")


class _Run:
    """A run with everything that takes part in it; `checkpoint` is how far it is."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        dataset: Dataset,
        plan: Plan,
        device: Device,
        listener: Listener,
        stop: StopRequest,
    ) -> None:
        self.checkpoint, self._dataset, self._plan, self._device = checkpoint, dataset, plan, device
        self._listener, self._stop = listener, stop
        self._is_kept = bool(checkpoint.state) and checkpoint_path(plan.model_path).exists()
        self._validation = dataset.train[plan.training :]
        backend.make_deterministic(checkpoint.settings.seed)
        network = classic_cnn(checkpoint.settings.dropout)
        self._trainer = Trainer(network, checkpoint.settings, dataset.train[: plan.training])
        if checkpoint.state:
            try:
                self._trainer.state = checkpoint.state
            except ValueError as reason:
                raise ModelError(f"the run can't be resumed: it has {reason}", "Train without --resume.") from reason

    def to_end(self) -> Record:
        """Train what is left, and save."""
        try:
            self._train()
            return self._save()
        except _Diverged as reason:
            self._save_last_good(str(reason))
        except OutputError as error:
            if self._is_kept and checkpoint_path(self._plan.model_path).exists():
                raise KeptRunError(error.message, error.hint) from error
            raise

    def _train(self) -> None:
        while not self.checkpoint.ended:
            epoch = self._epoch()
            self._keep_epoch(epoch)
            self._listener.epoch_done(epoch)

    def _epoch(self) -> Epoch:
        start = time.perf_counter() - self.checkpoint.seconds
        number = self.checkpoint.progress.epoch
        trained = self._train_epoch(start)
        validated = self._trainer.evaluate(self._validation) if len(self._validation) else None
        if validated:
            _check(validated.loss, number)
        return Epoch(
            epoch=number,
            loss=trained.loss,
            accuracy=trained.accuracy,
            val_loss=validated.loss if validated else None,
            val_accuracy=validated.accuracy if validated else None,
            seconds=round(time.perf_counter() - start, 2),
        )

    def _train_epoch(self, start: float) -> Metrics:
        """Train what is left of the epoch at hand, which began at the time `start`; the means over it."""
        progress = self.checkpoint.progress
        for done in self._trainer.train_epoch(progress):
            progress = done
            _check(progress.loss, progress.epoch)
            self._listener.stepped(progress.epoch, progress.step, progress.means)
            if self._stop.requested:
                self._interrupt(progress, time.perf_counter() - start)
        return progress.means

    def _interrupt(self, progress: EpochProgress, seconds: float) -> NoReturn:
        """Give way to the request to stop, with the run kept as it is."""
        before, state = self.checkpoint.at_last_epoch, self._trainer.state
        self._keep(replace(self.checkpoint, progress=progress, seconds=seconds, state=state, before=before))
        raise self._stop.interruption(kept=True)

    def _keep_epoch(self, epoch: Epoch) -> None:
        history, state = (*self.checkpoint.history, epoch), self._trainer.state
        if not all(np.isfinite(array).all() for array in state.values()):
            raise _Diverged(f"the weights became infinite in epoch {epoch.epoch}")
        is_best = self.checkpoint.settings.patience > 0 and best_epoch(history) == epoch.epoch
        best = state if is_best else self.checkpoint.best
        self._keep(
            replace(
                self.checkpoint,
                progress=EpochProgress(epoch.epoch + 1),
                history=history,
                seconds=0.0,
                state=state,
                before={},
                best=best,
            )
        )

    def _keep(self, checkpoint: Checkpoint) -> None:
        write_checkpoint(self._plan.model_path, checkpoint)
        self.checkpoint, self._is_kept = checkpoint, True

    def _save_last_good(self, reason: str) -> NoReturn:
        """Save what the epochs before were worth, and say that it came to a bad end."""
        hint = "Try a lower --learning-rate."
        if not self.checkpoint.history:
            remove_file(checkpoint_path(self._plan.model_path))
            raise TrainingError(f"{reason}: nothing was saved", hint)
        self._trainer.state = self.checkpoint.at_last_epoch
        record = self._save()
        saved = f"the model of epoch {record.saved_epoch} was saved as {self._plan.model_path}"
        raise TrainingError(f"{reason}: {saved}", hint)

    def _save(self) -> Record:
        """Judge the network on the test images and save it, with its record; then the checkpoint has done its work."""
        epoch = len(self.checkpoint.history)
        if self.checkpoint.best:
            self._trainer.state = self.checkpoint.best
            epoch = best_epoch(self.checkpoint.history) or epoch
        test = self._trainer.evaluate(self._dataset.test)
        if not np.isfinite(test.loss):
            raise TrainingError(f"the loss on the test images is {test.loss}: nothing was saved")
        archive = self._trainer.archive(self._plan.model_path, epoch * self._plan.steps)
        model = parse_model(self._plan.model_path, archive)
        record = self._record(epoch, test, model)
        write_model(model, record)
        remove_file(checkpoint_path(self._plan.model_path))
        return record

    def _calibration(self, model: ModelFile) -> Calibration | None:
        """From the validation images, on which the engine that will use it answers with the very weights saved."""
        if not len(self._validation):
            return None
        return calibrate(self._validation.labels, Engine(model).probabilities(self._validation.images))

    def _record(self, saved_epoch: int, test: Metrics, model: ModelFile) -> Record:
        settings, history, plan = self.checkpoint.settings, self.checkpoint.history, self._plan
        return Record(
            command=self.checkpoint.command,
            recipe=settings.recipe,
            settings={name: value for name, value in asdict(settings).items() if name != "recipe"},
            versions=_versions(),
            machine=_machine(self._device),
            data=DataUsed(self._dataset.name, self._dataset.sha256, plan.training, plan.validation, plan.test),
            history=history,
            seconds=round(sum(epoch.seconds for epoch in history), 2),
            test=test,
            calibration=self._calibration(model),
            saved_epoch=saved_epoch,
            model_sha256=model.sha256,
        )


def _versions() -> dict[str, str]:
    packages = ("tensorflow", "keras", "numpy")
    return {"mnistcli": __version__, "python": platform.python_version()} | {name: version(name) for name in packages}


def _machine(device: Device) -> dict[str, str | int]:
    return {"processor": processor(), "cores": usable_processors(), "device": device.name}
