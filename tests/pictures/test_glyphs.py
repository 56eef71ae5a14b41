"""Ink taken apart: which pieces make one digit, in which order they are read, and how plausible each is."""

import numpy as np
import pytest

from mnist_cli.pictures.glyphs import find_glyphs
from mnist_cli.pictures.ink import Ink
from mnist_cli.pictures.pieces import Box, find_groups, stroke_width

Rectangle = tuple[int, int, int, int]


def drawn(*boxes: Rectangle, shape: tuple[int, int] = (200, 300)) -> np.ndarray:
    """Filled rectangles, (left, top, right, bottom) each: bool, of that shape."""
    mask = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask


def groups_in(*boxes: Rectangle) -> list[Box]:
    return [group.box for group in find_groups(drawn(*boxes))[1]]


def test_digits_are_read_line_by_line_and_from_left_to_right():
    upper, lower = [(30, 22, 40, 80), (90, 18, 100, 78), (150, 25, 160, 85)], [(20, 120, 30, 180), (80, 125, 90, 185)]

    assert groups_in(*reversed(upper + lower)) == upper + lower


@pytest.mark.parametrize(("gap", "digits"), [(2, 1), (12, 1), (20, 2)])
def test_parts_above_each_other_are_one_digit_unless_far_apart(gap: int, digits: int):
    top, bottom = (50, 20, 90, 28), (55, 28 + gap, 85, 78 + gap)

    assert len(groups_in(top, bottom)) == digits


def test_a_broken_stroke_is_one_digit():
    assert groups_in((50, 20, 60, 60), (50, 64, 60, 100)) == [(50, 20, 60, 100)]


def test_specks_ruled_lines_and_the_edge_of_a_table_are_left_out():
    digit, speck, line, edge = (100, 60, 110, 130), (200, 150, 203, 153), (10, 140, 290, 143), (280, 0, 300, 200)

    assert groups_in(digit, speck, line, edge) == [digit]


def test_a_digit_that_fills_its_crop_is_read_though_it_touches_the_edges():
    assert groups_in((0, 0, 40, 200), (40, 0, 300, 30)) == [(0, 0, 300, 200)]


def test_nothing_is_found_without_ink_and_in_a_cloud_of_specks():
    random = np.random.default_rng(0)

    assert find_groups(drawn())[1] == []
    assert find_groups(random.random((400, 400)) < 0.02)[1] == []
    assert find_glyphs(Ink(np.zeros((50, 50), np.float32), 0.06, False, True)) == ()


@pytest.mark.parametrize("width", [1, 7, 20])
def test_the_width_of_a_stroke_is_measured(width: int):
    assert stroke_width(drawn((50, 20, 50 + width, 180))) == pytest.approx(width, abs=2)


def plausibility(amount: np.ndarray) -> float:
    (glyph,) = find_glyphs(Ink(amount.astype(np.float32), 0.06, False, True))
    return glyph.plausibility


def test_an_even_dark_stroke_on_clean_paper_is_the_most_plausible():
    stroke = drawn((140, 40, 155, 160)).astype(np.float32)
    at_the_edge = np.roll(stroke, -40, axis=0)

    assert plausibility(stroke) == pytest.approx(0.875)
    assert plausibility(0.2 * stroke) == pytest.approx(0.2 * 0.875)
    assert plausibility(stroke + 0.3 * (1 - stroke)) < 0.5 * plausibility(stroke)
    assert plausibility(at_the_edge) == pytest.approx(0.4 * plausibility(stroke))


def test_what_is_uneven_or_too_thick_for_a_pen_is_not_plausible():
    uneven = drawn((140, 40, 155, 100)) + 0.45 * drawn((140, 100, 155, 160))

    assert plausibility(uneven) == 0
    assert plausibility(drawn((100, 50, 200, 150))) == 0


def test_a_glyph_is_its_ink_alone_cropped_and_from_0_to_1():
    amount = 0.8 * drawn((100, 50, 110, 150)).astype(np.float32)
    amount[50:150, 110] = 0.4  # a soft edge
    amount[80:84, 130:134] = 0.8  # a speck
    (glyph,) = find_glyphs(Ink(amount, 0.06, False, True))

    assert (glyph.amount.dtype, glyph.amount.shape) == (np.float32, (100, 11))
    assert glyph.amount[:, :10] == pytest.approx(1)
    assert glyph.amount[:, 10] == pytest.approx((0.5 - 0.2) / (1 - 0.2))
