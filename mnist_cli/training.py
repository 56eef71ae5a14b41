"""Training: the loop over epochs and steps, in TensorFlow's graph; what it does is told to a listener.

An epoch's figures are what Keras' `fit` reports: means over the images of the epoch, taken as the weights change. All
images stay in memory as bytes, a batch is gathered and scaled inside the graph, and many steps run in one call, so
that Python does next to nothing.
"""

import hashlib
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli import __version__, backend
from mnist_cli.architecture import CLASSES, Network, classic_cnn
from mnist_cli.dataset import MNIST_SHA256, Dataset, Digits
from mnist_cli.errors import TrainingError
from mnist_cli.evaluation import Evaluation
from mnist_cli.modelfile import check_destinations, reproducible, write_model
from mnist_cli.recipes import Settings
from mnist_cli.record import DataUsed, Epoch, Metrics, Record

# Steps in one call of the graph: about a third of a second, so that the bar moves and an interrupt is soon heard.
STEPS_PER_CALL = 16
EVALUATION_BATCH = 1000


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

    def started(self) -> None:
        """Training begins."""

    def stepped(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
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
    backend.make_deterministic(settings.seed)
    trainer = Trainer(classic_cnn(settings.dropout), settings, dataset.train)
    listener.started()
    history = tuple(trainer.epochs(listener))
    test = trainer.evaluate(dataset.test)
    if not np.isfinite(test.loss):
        raise TrainingError("the weights became infinite: nothing was saved")
    archive = trainer.archive()
    record = Record(
        command=command,
        recipe=settings.recipe,
        settings={name: value for name, value in asdict(settings).items() if name != "recipe"},
        versions=_versions(),
        machine=_machine(),
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


class Trainer:
    """A network in training on the first part of `digits`, validated on the rest."""

    def __init__(self, network: Network, settings: Settings, digits: Digits) -> None:
        self._settings = settings
        count, _ = settings.split(len(digits))
        self._training = Digits(digits.images[:count], digits.labels[:count])
        self._validation = Digits(digits.images[count:], digits.labels[count:])
        self._model = backend.build_model(network)
        # Compiled for those who open the file with Keras: it can be evaluated, and trained on, as it is.
        self._model.compile(
            optimizer=backend.load().keras.optimizers.Adam(settings.learning_rate),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self._run_steps = _steps_function(self._model, self._training, settings.batch_size)
        self._probabilities = _probabilities_function(self._model)

    def epochs(self, listener: Listener) -> Iterator[Epoch]:
        """Train epoch after epoch."""
        for number in range(1, self._settings.epochs + 1):
            epoch = self._epoch(number, listener)
            listener.epoch_done(epoch)
            yield epoch

    def _epoch(self, number: int, listener: Listener) -> Epoch:
        start = time.perf_counter()
        trained = self._train_epoch(number, listener)
        validated = self.evaluate(self._validation) if len(self._validation) else None
        return Epoch(
            epoch=number,
            loss=trained.loss,
            accuracy=trained.accuracy,
            val_loss=validated.loss if validated else None,
            val_accuracy=validated.accuracy if validated else None,
            seconds=round(time.perf_counter() - start, 2),
        )

    def _train_epoch(self, number: int, listener: Listener) -> Metrics:
        tf = backend.load().tf
        images, steps = len(self._training), self._settings.steps(len(self._training))
        order = tf.constant(shuffled(images, self._settings.seed, number), tf.int32)
        loss = correct = 0.0
        for first in range(0, steps, STEPS_PER_CALL):
            last = min(first + STEPS_PER_CALL, steps)
            call_loss, call_correct = self._run_steps(order, tf.constant(first), tf.constant(last))
            loss, correct = loss + float(call_loss), correct + float(call_correct)
            if not np.isfinite(loss):
                raise TrainingError(f"the loss became {loss} in epoch {number}: nothing was saved")
            seen = min(last * self._settings.batch_size, images)
            listener.stepped(number, last, loss / seen, correct / seen)
        return Metrics(loss / images, correct / images)

    def evaluate(self, digits: Digits) -> Metrics:
        """Loss and accuracy of the network as it stands."""
        batches = (digits.images[i : i + EVALUATION_BATCH] for i in range(0, len(digits), EVALUATION_BATCH))
        probabilities = np.concatenate([self._probabilities(batch).numpy() for batch in batches])
        return Evaluation(digits.labels, probabilities).metrics

    def archive(self) -> bytes:
        """The network as a `.keras` archive, the same bytes for the same weights."""
        return reproducible(backend.archive_of(self._model))


def shuffled(images: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which an epoch takes the images; it depends on nothing but the arguments."""
    return np.random.default_rng((seed, epoch)).permutation(images)


def _scaled(images: Any) -> Any:
    """Inside the graph: uint8 (n, 28, 28) to float32 (n, 28, 28, 1) from 0 to 1."""
    tf = backend.load().tf
    return tf.cast(images[..., tf.newaxis], tf.float32) / 255.0


def _steps_function(model: Any, digits: Digits, batch_size: int) -> Any:
    """A graph that takes the steps `first` to `last` of an epoch whose images come in `order`.

    It returns the sum of the losses of the images and the number of them that were read right, as they were
    met in training.
    """
    tf = backend.load().tf
    loss_of = backend.load().keras.losses.CategoricalCrossentropy(reduction="sum")
    images, labels = tf.constant(digits.images), tf.constant(digits.labels)

    def step(chosen: Any) -> tuple[Any, Any]:
        truth = tf.one_hot(tf.gather(labels, chosen), CLASSES)
        with tf.GradientTape() as tape:
            probabilities = model(_scaled(tf.gather(images, chosen)), training=True)
            loss = loss_of(truth, probabilities)
            mean_loss = loss / tf.cast(tf.shape(chosen)[0], tf.float32)
        weights = model.trainable_variables
        model.optimizer.apply(tape.gradient(mean_loss, weights), weights)
        correct = tf.equal(tf.argmax(probabilities, axis=1), tf.argmax(truth, axis=1))
        return loss, tf.math.count_nonzero(correct, dtype=tf.float32)

    @tf.function  # type: ignore[untyped-decorator]
    def run_steps(order: Any, first: Any, last: Any) -> tuple[Any, Any]:
        loss, correct = tf.constant(0.0), tf.constant(0.0)
        for number in tf.range(first, last):
            step_loss, step_correct = step(order[number * batch_size : (number + 1) * batch_size])
            loss, correct = loss + step_loss, correct + step_correct
        return loss, correct

    return run_steps


def _probabilities_function(model: Any) -> Any:
    tf = backend.load().tf
    signature = [tf.TensorSpec((None, 28, 28), tf.uint8)]
    return tf.function(lambda images: model(_scaled(images), training=False), input_signature=signature)


def _versions() -> dict[str, str]:
    packages = ("tensorflow", "keras", "numpy")
    return {"mnistcli": __version__, "python": platform.python_version()} | {name: version(name) for name in packages}


def _machine() -> dict[str, str | int]:
    gpus = backend.load().tf.config.list_physical_devices("GPU")
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "device": f"{len(gpus)} GPU" if gpus else "CPU",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
