"""Distorted digits: how far, in which range, and as the seed says."""

import numpy as np
import pytest
import tensorflow as tf

from mnist_cli.datasets.dataset import Dataset
from mnist_cli.training import augmentation
from mnist_cli.training.augmentation import Distortion, distorted

NONE = Distortion(rotation=0, shear=0, scale=0, shift=0, bend=0, stroke=0)
SEED = (0, 1)


@pytest.fixture(scope="module")
def digits(mnist: Dataset) -> np.ndarray:
    return mnist.train.images[:300].astype("f4") / 255


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch):
    """Distort in one way only, and as far as told."""

    def limit(**most: float) -> None:
        monkeypatch.setattr(augmentation, "_MOST", Distortion(**vars(NONE) | most))

    return limit


def test_distorted_digits_are_images_still(digits: np.ndarray):
    result = distorted(digits, 1.0, SEED).numpy()

    assert (result.shape, result.dtype) == (digits.shape, digits.dtype)
    assert result.min() >= 0 and result.max() <= 1
    assert result.sum() == pytest.approx(digits.sum(), rel=0.1)
    assert np.mean(np.abs(result - digits).max(axis=(1, 2)) > 0.5) > 0.9


def test_the_seed_decides(digits: np.ndarray):
    first, again, other = (distorted(digits, 1.0, seed).numpy() for seed in ((0, 1), (0, 1), (0, 2)))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_equal_images_are_distorted_each_in_its_own_way(digits: np.ndarray):
    same = np.repeat(digits[:1], 5, axis=0)

    assert len(np.unique(distorted(same, 1.0, SEED).numpy(), axis=0)) == 5


def test_a_small_amount_changes_little(digits: np.ndarray):
    change = [np.abs(distorted(digits, amount, SEED) - digits).mean() for amount in (1e-4, 0.1, 0.5, 1.0)]

    assert change[0] < 1e-4
    assert change == sorted(change)


def test_nothing_distorted_is_the_same_to_the_last_pixel(digits: np.ndarray, only):
    only()

    np.testing.assert_allclose(distorted(digits, 1.0, SEED), digits, atol=1e-5)


def test_between_pixels_the_neighbours_share(digits: np.ndarray):
    row, column = (np.broadcast_to(axis, digits.shape).astype("f4") for axis in np.mgrid[0:28, 0:28])
    right = augmentation._sampled(tf.constant(digits), column + 1, row).numpy()
    half = augmentation._sampled(tf.constant(digits), column, row + 0.5).numpy()

    np.testing.assert_allclose(right[:, :, :-1], digits[:, :, 1:], atol=1e-6)
    np.testing.assert_allclose(half[:, :-1], (digits[:, :-1] + digits[:, 1:]) / 2, atol=1e-6)
    assert not right[:, :, -1].any()


def grid(count: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = augmentation._affine(count, 1.0, SEED)
    return x.numpy() - 13.5, y.numpy() - 13.5


def test_turning_keeps_distances(only):
    only(rotation=0.5)
    x, y = grid(200)
    row, column = np.mgrid[0:28, 0:28] - 13.5
    angle = np.arctan2(y[:, 0, 0], x[:, 0, 0]) - np.arctan2(-13.5, -13.5)

    np.testing.assert_allclose(x**2 + y**2, np.broadcast_to(row**2 + column**2, x.shape), rtol=1e-4)
    assert 0.4 < np.abs(angle).max() <= 0.5


def test_shifts_scales_and_shears_stay_within_their_limits(only):
    row, column = np.mgrid[0:28, 0:28] - 13.5
    only(shift=2)
    shift = grid(500)[0] - column
    only(scale=0.2)
    scale = grid(500)[1] / row
    only(shear=0.3)
    sheared = grid(500)
    shear = (sheared[0] - column) / row

    for values, most in ((shift, 2), (np.log(scale), 0.2), (shear, 0.3)):
        assert np.ptp(values, axis=(1, 2)).max() < 1e-4
        assert 0.9 * most < np.abs(values).max() <= most + 1e-5
    np.testing.assert_allclose(sheared[1], np.broadcast_to(row, (500, 28, 28)), atol=1e-5)


def test_strokes_become_thicker_and_thinner(digits: np.ndarray, only):
    only(stroke=1)
    ink = distorted(digits, 1.0, SEED).numpy().sum(axis=(1, 2)) / digits.sum(axis=(1, 2))

    assert ink.min() < 0.6
    assert ink.max() > 1.5
    assert 0.35 < np.mean(ink > 1) < 0.65


def test_a_bend_is_smooth(only):
    only(bend=1)
    pull = augmentation._bend(200, 1.0, SEED).numpy()

    assert pull.std() == pytest.approx(0.8, abs=0.2)
    assert np.abs(np.diff(pull, axis=-1)).mean() < 0.3 * pull.std()
    assert np.abs(np.diff(pull, axis=-2)).mean() < 0.3 * pull.std()


def test_a_bend_interpolates_as_tensorflow_does():
    coarse = np.random.default_rng(0).normal(size=(6, 6))
    between = augmentation._cubic(6, 28)
    theirs = tf.image.resize(coarse[..., None], (28, 28), "bicubic").numpy()[..., 0]

    np.testing.assert_allclose(
        between @ coarse @ between.T, theirs, atol=5e-3
    )  # TensorFlow looks its weights up in a table
