"""Time `evaluate` on models of several kinds against plain Keras scripts.

The models are made and trained for a moment first. Whole commands, started cold and in turn; the two commands of a
pair, and so their ratio, meet the same machine.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import keras
from benchmark_start import KERAS_EVALUATE, Comparison, compare
from keras import layers

from mnist_cli.data import MNIST_PATH
from mnist_cli.datasets.dataset import open_dataset
from mnist_cli.model.images import PLAIN

TRAINING_IMAGES = 6000


def two_wide_convolutions() -> keras.Model:
    return line(
        (28, 28, 1),
        layers.Conv2D(32, 5, activation="relu", padding="same"),
        layers.Conv2D(32, 5, activation="relu", padding="same"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
    )


def resnet() -> keras.Model:
    image = keras.Input((28, 28, 1))
    features = normalized(image, 16)
    for filters, strides in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        features = block(features, filters, strides)
    return keras.Model(image, layers.Dense(10, "softmax")(layers.GlobalAveragePooling2D()(features)))


def normalized(x: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    convolved = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(convolved))


def block(x: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
    convolved = layers.Conv2D(filters, 3, padding="same", use_bias=False)(normalized(x, filters, strides))
    around = x if strides == 1 else layers.Conv2D(filters, 1, strides)(x)
    return layers.ReLU()(layers.Add()([layers.BatchNormalization()(convolved), around]))


def lstm() -> keras.Model:
    return line((28, 28), layers.LSTM(128))


def mlp() -> keras.Model:
    return line((784,), *(layers.Dense(512, activation="relu") for _ in range(3)))


def line(shape: tuple[int, ...], *chain: layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *chain, layers.Dense(10, activation="softmax")])


def make(model: keras.Model, path: Path) -> None:
    digits = open_dataset().train[:TRAINING_IMAGES]
    truth = keras.utils.to_categorical(digits.labels, 10)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(PLAIN.prepare(digits.images, model.input_shape[1:]), truth, epochs=3, verbose=0)
    model.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="timed starts of each command")
    runs = parser.parse_args().runs
    mnistcli = str(Path(sys.executable).with_name("mnistcli"))
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'':<36} {'mnistcli':>11} {'reference':>11} {'ratio':>7} {'goal':>7}")
        for kind in (two_wide_convolutions, resnet, lstm, mlp):
            model, path = kind(), Path(folder, f"{kind.__name__}.keras")
            make(model, path)
            name = f"{kind.__name__}, {model.count_params():,}"
            script = [sys.executable, "-c", KERAS_EVALUATE, str(path), str(MNIST_PATH)]
            compare(Comparison(name, [mnistcli, "evaluate", str(path)], script, 1), runs)


if __name__ == "__main__":
    main()
