"""The network as data, against numbers computed by hand and against Keras' own."""

import pytest

from mnist_cli.model.layers.base import UnusableModel
from mnist_cli.model.layers.convolution import Conv2D
from mnist_cli.model.layers.pooling import MaxPooling2D
from mnist_cli.model.layers.shaping import Flatten
from mnist_cli.model.network import sequential
from mnist_cli.training.keras_model import build_model
from mnist_cli.training.network import classic_cnn

# By hand: 3*3*1*32 + 32, 3*3*32*64 + 64, 5*5*64*10 + 10; 28-2 = 26, 26/2 = 13, 13-2 = 11, 11/2 = 5 (rounded down).
BY_HAND = [
    ("Conv2D", (26, 26, 32), 320, 26 * 26 * 32 * 9),
    ("MaxPooling2D", (13, 13, 32), 0, 0),
    ("Conv2D", (11, 11, 64), 18_496, 11 * 11 * 64 * 9 * 32),
    ("MaxPooling2D", (5, 5, 64), 0, 0),
    ("Flatten", (1600,), 0, 0),
    ("Dropout", (1600,), 0, 0),
    ("Dense", (10,), 16_010, 1600 * 10),
]


def test_classic_network_has_the_shapes_and_parameters_computed_by_hand():
    stages = classic_cnn(dropout=0.5).stages

    assert [(type(s.layer).__name__, s.output_shape, s.parameters, s.multiply_adds) for s in stages] == BY_HAND


def test_classic_network_has_34826_parameters_every_one_trainable():
    network = classic_cnn(dropout=0.5)

    assert network.parameters == network.trainable == 34_826
    assert network.output_shape == (10,)


def test_keras_counts_the_same_for_the_model_that_training_builds():
    network = classic_cnn(dropout=0.5)
    model = build_model(network)

    stages = [(s.layer.name, (None, *s.output_shape), s.parameters) for s in network.stages]
    assert [(layer.name, layer.output.shape, layer.count_params()) for layer in model.layers] == stages
    assert model.count_params() == network.parameters


@pytest.mark.parametrize(
    ("size", "window", "stride", "padding", "steps"),
    [
        (28, 3, 1, "valid", 26),
        (13, 2, 2, "valid", 6),
        (13, 2, 2, "same", 7),
        (28, 5, 3, "same", 10),
        (5, 5, 1, "valid", 1),
    ],
)
def test_windows_along_an_axis(size: int, window: int, stride: int, padding: str, steps: int):
    layer = MaxPooling2D("pool", pool_size=(window, window), strides=(stride, stride), padding=padding)

    assert layer.output_shape((size, size, 3)) == (steps, steps, 3)


def test_a_window_larger_than_its_input_is_refused():
    with pytest.raises(UnusableModel, match="29"):
        sequential([Conv2D("conv", filters=1, kernel_size=(29, 29))])


def test_a_convolution_over_a_flat_input_is_refused():
    with pytest.raises(UnusableModel, match="conv"):
        sequential([Flatten("flatten"), Conv2D("conv", filters=1, kernel_size=(3, 3))])
