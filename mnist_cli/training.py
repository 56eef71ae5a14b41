"""A training run from its settings to the saved model; what happens is told to a listener."""

import hashlib
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mnist_cli import __version__, backend
from mnist_cli.architecture import classic_cnn
from mnist_cli.dataset import MNIST_SHA256, Dataset, Digits
from mnist_cli.device import Device, find_device, processor, usable_processors
from mnist_cli.errors import TrainingError
from mnist_cli.modelfile import check_destinations, write_model
from mnist_cli.recipes import Settings
from mnist_cli.record import DataUsed, Epoch, Metrics, Record
from mnist_cli.trainer import Trainer


@dataclass(frozen=True)
class Plan:
    """What a run is about to do.

    `training`, `validation` and `test` are numbers of images, `steps` those of one epoch.
    """

    settings: Settings
    data_name: str
    training: int
    validation: int
    test: int
    steps: int
    parameters: int
    model_path: Path


class Listener:
    """What is told about a run while it goes on; this one keeps everything to itself."""

    def planned(self, plan: Plan) -> None:
        """All is well so far; this is what will be done. TensorFlow is loaded next, which takes seconds."""

    def started(self, device: Device, precision: str) -> None:
        """Training begins on the device, computing in `float32` or `bfloat16`."""

    def stepped(self, epoch: int, step: int, means: Metrics) -> None:
        """`step` steps of the epoch are done, with these means so far."""

    def epoch_done(self, epoch: Epoch) -> None:
        """An epoch is over and validated."""


def train(
    settings: Settings, dataset: Dataset, model_path: Path, command: str, listener: Listener | None = None
) -> Record:
    """Train the classic network and write the model and its record; the record.

    `command` is the command line to keep in the record. Raises `DataError`, `OutputError`, `SettingError`,
    `TrainingError`.
    """
    listener = listener or Listener()
    plan = _plan(settings, dataset, model_path)
    check_destinations(model_path, "Choose another --output.")
    listener.planned(plan)
    device = find_device()
    settings = replace(settings, precision=device.precision(settings.precision))
    backend.make_deterministic(settings.seed)
    training, validation = dataset.train[: plan.training], dataset.train[plan.training :]
    trainer = Trainer(classic_cnn(settings.dropout), settings, training)
    listener.started(device, settings.precision)
    history = tuple(_epochs(trainer, settings.epochs, validation, listener))
    test = trainer.evaluate(dataset.test)
    if not np.isfinite(test.loss):
        raise TrainingError("the weights became infinite: nothing was saved")
    archive = trainer.archive()
    record = Record(
        command=command,
        recipe=settings.recipe,
        settings={name: value for name, value in asdict(settings).items() if name != "recipe"},
        versions=_versions(),
        machine=_machine(device),
        data=DataUsed(dataset.name, dataset.sha256, plan.training, plan.validation, plan.test),
        history=history,
        seconds=round(sum(epoch.seconds for epoch in history), 2),
        test=test,
        model_sha256=hashlib.sha256(archive).hexdigest(),
    )
    write_model(model_path, archive, record)
    return record


def _plan(settings: Settings, dataset: Dataset, model_path: Path) -> Plan:
    if dataset.sha256 != MNIST_SHA256:
        # What is wrong with the user's own data is to be said before anything is announced.
        _ = dataset.train, dataset.test
    training, validation = settings.split(len(dataset.train_labels))
    return Plan(
        settings=settings,
        data_name=dataset.name,
        training=training,
        validation=validation,
        test=len(dataset.test_labels),
        steps=settings.steps(training),
        parameters=classic_cnn(settings.dropout).parameters,
        model_path=model_path,
    )


def _epochs(trainer: Trainer, epochs: int, validation: Digits, listener: Listener) -> Iterator[Epoch]:
    for number in range(1, epochs + 1):
        start = time.perf_counter()
        trained = _train_epoch(trainer, number, listener)
        validated = trainer.evaluate(validation) if len(validation) else None
        epoch = Epoch(
            epoch=number,
            loss=trained.loss,
            accuracy=trained.accuracy,
            val_loss=validated.loss if validated else None,
            val_accuracy=validated.accuracy if validated else None,
            seconds=round(time.perf_counter() - start, 2),
        )
        listener.epoch_done(epoch)
        yield epoch


def _train_epoch(trainer: Trainer, number: int, listener: Listener) -> Metrics:
    """Train an epoch, telling the listener; the means over it."""
    for step, means in trainer.train_epoch(number):
        if not np.isfinite(means.loss):
            raise TrainingError(f"the loss became {means.loss} in epoch {number}: nothing was saved")
        listener.stepped(number, step, means)
    return means


def _versions() -> dict[str, str]:
    packages = ("tensorflow", "keras", "numpy")
    return {"mnistcli": __version__, "python": platform.python_version()} | {name: version(name) for name in packages}


def _machine(device: Device) -> dict[str, str | int]:
    return {"processor": processor(), "cores": usable_processors(), "device": device.name}
