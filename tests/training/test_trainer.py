"""A network in training: the figures of Keras, each image once an epoch, the same on one device and on several."""

from pathlib import Path

import keras
import numpy as np
import pytest
from processes import run_python

from mnist_cli.datasets.dataset import open_dataset
from mnist_cli.model.images import PLAIN
from mnist_cli.model.network import IMAGE_SHAPE
from mnist_cli.settings import Settings
from mnist_cli.training import backend
from mnist_cli.training import trainer as trainer_module
from mnist_cli.training.checkpoint import EpochProgress
from mnist_cli.training.network import classic_cnn
from mnist_cli.training.trainer import Trainer, shuffled


def test_the_metrics_of_an_epoch_are_those_of_keras_fit(small_npz: Path):
    """Without dropout and with one batch per epoch nothing is left to chance: Keras' own loop is the reference."""
    digits = open_dataset(small_npz).train
    settings = Settings(epochs=3, batch_size=1800, dropout=0.0, precision="float32")
    backend.make_deterministic(0)
    trainer = Trainer(classic_cnn(dropout=0.0), settings, digits[:1800])
    reference = keras.models.clone_model(trainer._model)
    reference.set_weights(trainer._model.get_weights())
    reference.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    history = reference.fit(
        PLAIN.prepare(digits.images, IMAGE_SHAPE),
        keras.utils.to_categorical(digits.labels, 10),
        batch_size=1800,
        epochs=3,
        validation_split=0.1,
        verbose=0,
    ).history

    for number in range(3):
        [progress] = trainer.train_epoch(EpochProgress(number + 1))
        validated = trainer.evaluate(digits[1800:])
        ours = (progress.means.loss, progress.means.accuracy, validated.loss, validated.accuracy)
        theirs = tuple(history[key][number] for key in ("loss", "accuracy", "val_loss", "val_accuracy"))
        assert (progress.step, progress.images) == (1, 1800)
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_every_epoch_takes_every_image_once_in_an_order_of_its_own():
    first, second, other_seed = shuffled(1000, 0, 1), shuffled(1000, 0, 2), shuffled(1000, 1, 1)

    assert np.array_equal(np.sort(first), np.arange(1000))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other_seed)
    assert np.array_equal(first, shuffled(1000, 0, 1))


def test_judging_does_not_depend_on_the_batches(small_npz: Path, monkeypatch: pytest.MonkeyPatch):
    digits = open_dataset(small_npz).train
    trainer = Trainer(classic_cnn(dropout=0.5), Settings(precision="float32"), digits[:500])
    whole = trainer.evaluate(digits)
    monkeypatch.setattr(trainer_module, "EVALUATION_BATCH", 77)

    assert trainer.evaluate(digits).accuracy == whole.accuracy
    assert trainer.evaluate(digits).loss == pytest.approx(whole.loss, abs=1e-5)


ON_DEVICES = """
import sys
import numpy as np
from mnist_cli.training import backend
from mnist_cli.training import trainer as trainer_module
from mnist_cli.training.network import classic_cnn
from mnist_cli.datasets.dataset import open_dataset
from mnist_cli.settings import Settings
from mnist_cli.training.checkpoint import EpochProgress
from mnist_cli.training.trainer import Trainer

tf = backend.tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
backend.make_deterministic(0)
if sys.argv[2] == "2":
    trainer_module.strategy = lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
settings = Settings(dropout=0.0, batch_size=99, averaging=0.9, optimizer="muon", precision="float32")
digits = open_dataset(sys.argv[1]).train[:300]
trainer = Trainer(classic_cnn(dropout=0.0), settings, digits)
*_, progress = trainer.train_epoch(EpochProgress(1))
print(progress.step, progress.loss, progress.correct, trainer.evaluate(digits).loss)
"""


@pytest.mark.slow
def test_two_devices_train_the_same_network_as_one(small_npz: Path):
    """The batches, one of them of three images, are shared out unevenly; what comes of it is the same."""

    def figures(devices: int) -> list[float]:
        done = run_python(ON_DEVICES, small_npz, str(devices))
        assert done.returncode == 0, done.stderr
        return [float(figure) for figure in done.stdout.split()]

    one, two = figures(1), figures(2)
    assert one[0] == 4
    assert two == pytest.approx(one, rel=1e-3)
