"""Small models with random weights, made without Keras."""

from collections.abc import Iterable
from math import prod
from pathlib import Path

import numpy as np

from mnist_cli.model.file import ModelFile
from mnist_cli.model.layers.base import Layer, Shape
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.shaping import Flatten
from mnist_cli.model.network import IMAGE_SHAPE, sequential


def random_model(layers: Iterable[Layer], input_shape: Shape = IMAGE_SHAPE) -> ModelFile:
    network = sequential(layers, input_shape)
    rng = np.random.default_rng(0)

    def array(shape: Shape) -> np.ndarray:
        """One that keeps the size of the numbers that it is multiplied with."""
        return rng.normal(0, prod(shape[:-1]) ** -0.5, shape).astype(np.float32)

    weights = tuple(tuple(map(array, stage.weight_shapes)) for stage in network.stages)
    return ModelFile(Path("made.keras"), "0" * 64, network, weights, b"")


def dense_model(input_shape: Shape = IMAGE_SHAPE, activation: str = "softmax") -> ModelFile:
    """A model that makes use of every pixel."""
    return random_model([Flatten("flatten"), Dense("dense", units=10, activation=activation)], input_shape)
