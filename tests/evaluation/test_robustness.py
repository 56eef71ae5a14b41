"""Changed images: each change does what it says, the same every time."""

import numpy as np
import pytest

from mnist_cli.datasets.dataset import Dataset, Digits
from mnist_cli.evaluation.robustness import (
    CHANGES,
    blurred,
    faded,
    inverted,
    noisy,
    robustness,
    rotated,
    shifted,
    thicker,
    thinner,
)


def chance() -> np.random.Generator:
    return np.random.default_rng(0)


def dot(row: int = 14, column: int = 14, images: int = 200) -> np.ndarray:
    """Images with one pixel of full ink."""
    pixels = np.zeros((images, 28, 28), np.uint8)
    pixels[:, row, column] = 255
    return pixels


def stroke(width: int) -> np.ndarray:
    pixels = np.zeros((1, 28, 28), np.uint8)
    pixels[:, :, 12 : 12 + width] = 255
    return pixels


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.name} {change.amount}")
def test_every_change_gives_other_images_of_the_same_kind_and_always_the_same(change, mnist: Dataset):
    images = mnist.test.images[:50]
    before = images.copy()
    once, again = (change.apply(images, chance()) for _ in range(2))

    assert (once.shape, once.dtype) == (images.shape, np.uint8)
    assert (once == again).all()
    assert (once != images).any(axis=(1, 2)).all()
    assert (images == before).all()


@pytest.mark.parametrize("pixels", [1, 4])
def test_a_shift_moves_by_so_many_pixels_in_each_of_eight_directions(pixels: int):
    moved = {tuple(place - 14) for place in np.argwhere(shifted(dot(), chance(), pixels))[:, 1:]}

    assert moved == {(y, x) for y in (-pixels, 0, pixels) for x in (-pixels, 0, pixels)} - {(0, 0)}


def test_what_is_shifted_out_is_gone_and_does_not_come_back_on_the_other_side():
    ink = shifted(dot(0, 0), chance(), 2).reshape(-1, 28 * 28).max(axis=1)

    assert set(ink.tolist()) == {0, 255}
    assert not shifted(dot(0, 0), chance(), 2)[:, -3:].any()


def test_a_rotation_turns_to_both_sides_about_the_centre():
    # A quarter turn takes row r, column c to row 27 - c, column r, or the other way round.
    turned = rotated(dot(3, 14), chance(), 90)

    assert {tuple(place) for place in np.argwhere(turned > 200)[:, 1:]} == {(13, 3), (14, 24)}


def test_noise_has_its_deviation():
    grey = np.full((20, 28, 28), 128, np.uint8)

    assert (noisy(grey, chance(), 10) - 128.0).std() == pytest.approx(25.5, rel=0.02)


def test_strokes_become_thinner_and_thicker_by_so_many_pixels():
    def width(images: np.ndarray) -> int:
        return int((images[0, 14] == 255).sum())

    assert width(thinner(stroke(3), chance(), 1)) == 2
    assert width(thicker(stroke(3), chance(), 1)) == 4
    assert width(thicker(stroke(3), chance(), 2)) == 5


def test_blur_spreads_ink_and_keeps_it():
    spread = blurred(dot(images=1), chance(), 1)

    assert spread[0, 14, 14] == pytest.approx(255 / (2 * np.pi), abs=3)  # the normal density at its centre
    assert int(spread.sum()) == pytest.approx(255, rel=0.05)


def test_inversion_and_contrast_by_hand():
    pixels = np.array([[[0, 255, 100]]], np.uint8)

    assert inverted(pixels, chance()).tolist() == [[[255, 0, 155]]]
    assert faded(pixels, chance(), 50).tolist() == [[[64, 191, 114]]]


class Dark:
    """Reads a 1 where an image is mostly ink, and a 0 elsewhere."""

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return np.eye(10)[(images.mean(axis=(1, 2)) > 128).astype(int)]


def test_there_is_a_trial_for_every_change():
    digits = Digits(dot(images=4), np.zeros(4, np.uint8))
    trials = list(robustness(Dark(), digits))

    assert [(trial.change, trial.amount) for trial in trials] == [(change.name, change.amount) for change in CHANGES]
    by_name = {trial.change: (trial.errors, trial.accuracy) for trial in trials}
    assert by_name["inversion"] == (4, 0.0)
    assert by_name["shift"] == (0, 1.0)
