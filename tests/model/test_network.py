"""The network as data: the shapes of windows, and what does not fit together."""

import pytest

from mnist_cli.model.layers.base import UnusableModel
from mnist_cli.model.layers.convolution import Conv2D
from mnist_cli.model.layers.pooling import MaxPooling2D
from mnist_cli.model.layers.shaping import Flatten
from mnist_cli.model.network import sequential


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
