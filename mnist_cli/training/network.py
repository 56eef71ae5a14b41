"""The network that `train` trains."""

from mnist_cli.arrays import CLASSES
from mnist_cli.model.layers.convolution import Conv2D
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.pooling import MaxPooling2D
from mnist_cli.model.layers.shaping import Dropout, Flatten
from mnist_cli.model.network import Network, sequential


def classic_cnn(dropout: float) -> Network:
    """The classic two-convolution network for MNIST: 34,826 parameters; `dropout` is the rate of its dropout layer."""
    return sequential(
        (
            Conv2D("conv2d", filters=32, kernel_size=(3, 3), activation="relu"),
            MaxPooling2D("max_pooling2d", pool_size=(2, 2), strides=(2, 2)),
            Conv2D("conv2d_1", filters=64, kernel_size=(3, 3), activation="relu"),
            MaxPooling2D("max_pooling2d_1", pool_size=(2, 2), strides=(2, 2)),
            Flatten("flatten"),
            Dropout("dropout", rate=dropout),
            Dense("dense", units=CLASSES, activation="softmax"),
        )
    )
