"""Write tiny Keras models as test files, with the installed version of Keras.

    python make_keras_files.py FOLDER

runs with TensorFlow under Keras 2.12 and every later version. `old_keras.tar.xz` holds what it wrote in virtual
environments of their own with tensorflow 2.12.1, 2.13.1 and 2.15.1, and with tensorflow 2.16.2 and keras 3.0.5; then
`tar -C FOLDER -cJf old_keras.tar.xz .`. Of each model there are:

* NAME-kerasVERSION.keras and NAME-kerasVERSION.h5, by model.save. Keras 2.12 writes HDF5 under both names, so there is
  NAME-kerasVERSION-zip.keras too, in the format that later versions use for .keras;
* NAME-kerasVERSION.npy, what model.predict gives for `test_images()`: float32, shape (8, 10), probabilities, or logits
  for "no_input_layer";
* of "sequential" also NAME-kerasVERSION.weights.h5, by model.save_weights.

The weights are random but the same in every run and every version, so that files of different versions have the same
predictions, up to rounding. A file that a version of Keras can't write is listed in problems-kerasVERSION.txt.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

layers = keras.layers

VERSION = version("keras")
IMAGE_SHAPE = (28, 28, 1)
CLASSES = 10

# The images are already between 0 and 1. A convolution behind a second division by
# 255 needs a kernel this much larger, or its output would not depend on it.
KERNEL_GAIN = {"conv_after_rescaling": 255.0}


def test_images() -> np.ndarray:
    """Return the 8 images, of shape (8, 28, 28), that the predictions are made for."""
    pixels = np.random.default_rng(1).integers(0, 256, (8, 28, 28))
    return (pixels / 255).astype("float32")


def sequential() -> Any:
    """Build a plain convolutional network with dropout."""
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Conv2D(2, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(2, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def no_input_layer() -> Any:
    """Build a network whose first layer has the input shape, and that ends in logits."""
    return keras.Sequential(
        [
            layers.Flatten(input_shape=IMAGE_SHAPE[:2]),
            layers.Dense(2, activation="relu"),
            layers.Dense(CLASSES),
        ]
    )


def batchnorm() -> Any:
    """Build a network with batch normalization and a depthwise convolution."""
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Conv2D(3, 3, strides=2, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.1),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.BatchNormalization(epsilon=0.01),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def functional() -> Any:
    """Build a graph with branches, a residual connection and a layer used twice."""
    image = keras.Input(IMAGE_SHAPE)
    left = layers.Conv2D(2, 3, strides=2, padding="same", activation="relu")(image)
    right = layers.Conv2D(2, 3, strides=2, padding="same")(image)
    both = layers.Concatenate()([left, layers.Add()([left, right])])
    changed = layers.Conv2D(4, 3, padding="same", activation="relu")(both)
    residual = layers.Add()([both, changed])
    shared = layers.Dense(3, activation="tanh", name="shared")
    average = shared(layers.GlobalAveragePooling2D()(residual))
    largest = shared(layers.GlobalMaxPooling2D()(residual))
    joined = layers.Concatenate()([average, largest])
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(joined))


def nested() -> Any:
    """Build a network of two inner networks, the first with a frozen convolution."""
    frozen = layers.Conv2D(2, 3, strides=2, name="conv_after_rescaling")
    first = keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Rescaling(1 / 255.0),
            frozen,
            layers.BatchNormalization(),
        ],
        name="inner_sequential",
    )
    frozen.trainable = False
    features = keras.Input(first.output_shape[1:])
    normal = layers.BatchNormalization()(features)
    convolved = layers.Conv2D(2, 3, strides=2, activation="relu")(normal)
    second = keras.Model(features, convolved, name="inner_functional")
    last = layers.Dense(CLASSES, activation="softmax")
    return keras.Sequential([keras.Input(IMAGE_SHAPE), first, second, layers.Flatten(), last])


def recurrent() -> Any:
    """Build a network of each kind of recurrent layer, one of them in both directions."""
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE[:2]),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.SimpleRNN(3, return_sequences=True),
            layers.GRU(4),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def separable() -> Any:
    """Build a network that goes from two dimensions to one, with a separable convolution."""
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.SeparableConv2D(3, 3, activation="relu"),
            layers.SpatialDropout2D(0.2),
            layers.AveragePooling2D(2),
            layers.LayerNormalization(),
            layers.Permute((2, 1, 3)),
            layers.Reshape((13, 13 * 3)),
            layers.Conv1D(4, 3, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def normalization() -> Any:
    """Build a network with an adapted normalization and layers that augment images."""
    adapted = layers.Normalization()
    adapted.adapt(np.random.default_rng(2).normal(0.4, 0.3, (4, *IMAGE_SHAPE)).astype("float32"))
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            adapted,
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1),
            layers.Resizing(14, 14),
            layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def mixed() -> Any:
    """Build a network that calculates in float16, except for its last layer."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        return keras.Sequential(
            [
                keras.Input(IMAGE_SHAPE),
                layers.Conv2D(2, 3, strides=3, activation="relu"),
                layers.Flatten(),
                layers.Dense(CLASSES),
                layers.Activation("softmax", dtype="float32"),
            ]
        )
    finally:
        keras.mixed_precision.set_global_policy("float32")


def activations() -> Any:
    """Build a network with activations given by function, by layer and by name."""
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE[:2]),
            layers.Flatten(),
            layers.Dense(2, activation=tf.nn.relu),
            layers.Dense(8, activation=layers.LeakyReLU()),
            layers.Dense(8, activation="swish"),
            layers.Dense(8, activation="gelu"),
            layers.Dense(CLASSES, activation=tf.nn.softmax),
        ]
    )


@dataclass(frozen=True)
class Recipe:
    """How to make one model."""

    build: Callable[[], Any]
    sparse: bool = True  # whether the labels are numbers, not rows of zeros and a one
    logits: bool = False  # whether the model ends without a softmax

    @property
    def name(self) -> str:
        """The name that the model's files begin with."""
        return self.build.__name__


RECIPES = (
    Recipe(sequential),
    Recipe(no_input_layer, logits=True),
    Recipe(batchnorm, sparse=False),
    Recipe(functional, sparse=False),
    Recipe(nested),
    Recipe(recurrent),
    Recipe(separable, sparse=False),
    Recipe(normalization),
    Recipe(mixed),
    Recipe(activations, sparse=False),
)


def compile_and_fit(model: Any, recipe: Recipe, images: np.ndarray) -> None:
    """Train for one step, so that the files have the optimizer's state."""
    labels = np.arange(len(images))
    if recipe.sparse:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=recipe.logits)
    else:
        loss = "categorical_crossentropy"
        labels = np.eye(CLASSES, dtype="float32")[labels]
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    model.fit(images, labels, batch_size=len(images), epochs=1, verbose=0)


def inner_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model and of the models in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from inner_layers(layer)
        else:
            yield layer


def random_values(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return values for the weight of this name: moderate ones, and positive variances."""
    if "variance" in name or "gamma" in name:
        return rng.uniform(0.5, 1.5, shape)
    if len(shape) == 1:
        return rng.normal(0, 0.3, shape)
    return rng.normal(0, math.sqrt(2 / math.prod(shape[:-1])), shape)


def set_weights(model: Any) -> None:
    """Give every weight of a model a random value that is the same in every run."""
    rng = np.random.default_rng(0)
    for layer in inner_layers(model):
        # An adapted layer has its values already, and not all of them are numbers to draw.
        if isinstance(layer, layers.Normalization):
            continue
        gain = KERNEL_GAIN.get(layer.name, 1.0)
        for weight in layer.weights:
            values = random_values(rng, weight.name, tuple(weight.shape))
            weight.assign(values * gain if "kernel" in weight.name else values)


def make(recipe: Recipe) -> tuple[Any, np.ndarray]:
    """Return the model of a recipe and its predictions."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = recipe.build()
    images = test_images().reshape((-1, *model.input_shape[1:]))
    compile_and_fit(model, recipe, images)
    set_weights(model)
    return model, model.predict(images, verbose=0)


def write_files(recipe: Recipe, folder: Path) -> Iterator[str]:
    """Write the files of one model; yield a line for each that could not be written."""
    model, predictions = make(recipe)
    stem = f"{recipe.name}-keras{VERSION}"
    np.save(folder / f"{stem}.npy", predictions)
    writers: dict[str, Callable[[str], None]] = {".keras": model.save, ".h5": model.save}
    if VERSION.startswith("2.12."):
        writers["-zip.keras"] = partial(model.save, save_format="keras_v3")
    if recipe.name == "sequential":
        writers[".weights.h5"] = model.save_weights
    for suffix, write in writers.items():
        path = folder / f"{stem}{suffix}"
        try:
            write(str(path))
        except Exception as error:  # any failure is a finding about this version of Keras
            path.unlink(missing_ok=True)
            yield f"{path.name}: {type(error).__name__}: {error}"


def main() -> None:
    """Write the files of every model into the folder given on the command line."""
    parser = argparse.ArgumentParser(description="Write tiny Keras models as test files.")
    parser.add_argument("folder", type=Path, help="where the files go; made if missing")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    problems = [problem for recipe in RECIPES for problem in write_files(recipe, folder)]
    if problems:
        report = folder / f"problems-keras{VERSION}.txt"
        report.write_text("".join(f"{problem}\n" for problem in problems), encoding="utf-8")
        print(f"{len(problems)} files could not be written: see {report}")


if __name__ == "__main__":
    main()
