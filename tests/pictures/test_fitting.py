"""Digits made like MNIST's: size, place and the width of their strokes."""

import numpy as np
import pytest

from mnist_cli.datasets.dataset import Dataset
from mnist_cli.pictures.fitting import fitted, is_mnist_like


@pytest.mark.parametrize("width", [4, 30, 80])
def test_strokes_come_out_about_as_wide_as_those_learned(width: int):
    ink = np.zeros((300, 300), np.float32)
    ink[:, 150 - width // 2 : 150 + width // 2] = ink[-width:, :] = 1

    pixels, steps = fitted(ink)

    columns = (pixels[8:14] > 127).sum(axis=1)
    assert 1 <= columns.min() <= columns.max() <= 4
    assert ("strokes thickened" in steps) == (width == 4)


def test_what_is_fitted_is_like_mnist():
    ink = np.zeros((120, 90), np.float32)
    ink[10:110, 40:52] = 1

    pixels, _ = fitted(ink[10:110, 40:52])

    assert is_mnist_like(pixels.astype(np.float32))


def test_a_stretched_scan_is_narrowed():
    frame = np.zeros((16, 16), np.float32)
    frame[[0, -1]] = frame[:, [0, -1]] = 1

    narrow, wide = (np.ptp(np.nonzero(fitted(frame, stretched)[0] > 60), axis=1) for stretched in (True, False))

    assert narrow.tolist() == [19, 13]
    assert wide.tolist() == [19, 19]


@pytest.mark.parametrize("shift", [0, 3])
def test_only_what_is_centred_is_like_mnist(shift: int, mnist: Dataset):
    image = np.roll(mnist.test.images[0], shift, axis=1).astype(np.float32)

    assert is_mnist_like(image) == (shift == 0)


def test_an_empty_image_is_not_like_mnist():
    assert not is_mnist_like(np.zeros((28, 28), np.float32))
