"""Ink distinguished from paper: which pixels, of which polarity, and how much of it."""

import numpy as np
import pytest

from mnist_cli.pictures.ink import Ink, at_most, brightness, find_inks

STROKE = (slice(30, 90), slice(55, 65))


def page(paper: np.ndarray | float | tuple, ink: float | tuple) -> np.ndarray:
    """A stroke on paper, 120x120 with 1 channel, or with 3 where the ink is a colour."""
    colours = np.empty((120, 120, np.size(ink)), np.float32)
    colours[:] = paper
    colours[STROKE] = ink
    return colours


def shows_the_stroke(ink: Ink) -> bool:
    """Whether what is above the floor is the stroke, up to a pixel in twenty of it."""
    expected = np.zeros((120, 120), bool)
    expected[STROKE] = True
    return (((ink.amount > ink.floor) != expected).sum()) <= expected.sum() / 20


@pytest.mark.parametrize(("paper", "tone", "light_on_dark"), [(255, 0, False), (0, 255, True), (200, 100, False)])
def test_on_even_paper_there_is_one_ink(paper: float, tone: float, light_on_dark: bool):
    (ink,) = find_inks(page(paper, tone))

    assert shows_the_stroke(ink)
    assert (ink.light_on_dark, ink.on_even_paper) == (light_on_dark, True)
    assert ink.amount.dtype == np.float32
    assert ink.amount[STROKE] == pytest.approx(abs(paper - tone) / (max(paper, tone) + 32), rel=1e-4)
    assert not ink.amount[:30].any()


@pytest.mark.parametrize(("paper", "tone"), [((250, 240, 120), (40, 60, 160)), ((120, 120, 120), (160, 90, 110))])
def test_ink_may_differ_in_colour_more_than_in_brightness(paper: tuple, tone: tuple):
    (ink,) = find_inks(page(paper, tone))

    assert shows_the_stroke(ink)


@pytest.mark.parametrize("dark", [True, False])
def test_where_light_falls_off_one_of_the_inks_shows_the_stroke(dark: bool):
    light = np.linspace(120, 250, 120, dtype=np.float32)[:, np.newaxis, np.newaxis]
    paper = np.broadcast_to(light, (120, 120, 1))
    inks = list(find_inks(page(paper, 20) if dark else page(paper * 0.4, 220)))

    assert sorted(ink.light_on_dark for ink in inks if not ink.on_even_paper) == [False, False, True, True]
    assert any(shows_the_stroke(ink) for ink in inks if ink.light_on_dark != dark)


def test_across_the_edge_of_a_shadow_one_of_the_inks_shows_the_stroke():
    paper = np.full((120, 120, 1), 230, np.float32)
    paper[:, 20:48] = 130

    assert any(shows_the_stroke(ink) for ink in find_inks(page(paper, 20)))


def test_the_grain_of_the_paper_raises_the_floor():
    grain = np.random.default_rng(0).normal(0, 8, (120, 120, 1)).astype(np.float32)
    smooth, rough = (next(find_inks(page(200 + share * grain, 20))) for share in (0.05, 1.0))

    assert smooth.floor == pytest.approx(0.06)
    assert 2 * smooth.floor < rough.floor < 0.4
    assert shows_the_stroke(rough)


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_blank_page_has_no_ink(level: float):
    assert all(not (ink.amount > ink.floor).any() for ink in find_inks(page(level, level)))


def test_a_tiny_picture_has_even_paper():
    tiny = np.full((16, 16, 1), 250, np.float32)
    tiny[2:14, 3:13] = 10  # more than half of it

    assert [ink.on_even_paper for ink in find_inks(tiny)] == [True]


@pytest.mark.parametrize("channels", [1, 3])
def test_large_pictures_are_reduced_with_their_proportions(channels: int):
    large = np.full((400, 100, channels), 9, np.float32)

    assert at_most(large, 40).shape == (40, 10, channels)
    assert (at_most(large, 40) == 9).all()
    assert at_most(large, 400) is large


def test_brightness_is_the_mean_of_the_channels():
    assert brightness(np.array([[[0, 30, 90]]], np.float32)).tolist() == [[40]]
    assert brightness(np.array([[[7]]], np.float32)).tolist() == [[7]]
