"""Pictures in the terminal, down to the single pixel."""

import io

import numpy as np
import pytest
from rich.console import Console

from mnist_cli.datasets.dataset import Dataset
from mnist_cli.display.images import blocks


def shown(pixels: np.ndarray, colour: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=80)
    console.print(blocks(pixels, colour))
    return console.file.getvalue()


def test_a_half_block_shows_the_upper_pixel_in_front_and_the_lower_behind():
    assert shown(np.array([[255], [7]], np.uint8), True) == "\x1b[38;2;255;255;255;48;2;7;7;7m▀\x1b[0m\n"


def test_without_colour_ink_is_denser_the_more_of_it_there_is():
    pixels = np.array([[0, 60, 130, 255], [0, 60, 130, 255]], np.uint8)

    assert shown(pixels, False) == " :+@\n"


def test_half_of_two_pixels_is_half_the_ink():
    assert blocks(np.array([[255], [0]], np.uint8), False).plain == "="
    assert blocks(np.array([[255], [255]], np.uint8), False).plain == "@"


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize(("height", "lines"), [(28, 14), (3, 2), (1, 1)])
def test_every_line_is_as_wide_as_the_picture(height: int, lines: int, colour: bool):
    text = blocks(np.full((height, 28), 200, np.uint8), colour).plain.split("\n")

    assert [len(line) for line in text] == [28] * lines


def test_a_row_that_is_missing_is_background():
    assert blocks(np.full((1, 1), 255, np.uint8), False).plain == "="


def test_a_digit_is_ascii_without_colour_and_nowhere_else_where_there_is_no_ink(mnist: Dataset):
    text = blocks(mnist.test.images[0], False).plain

    assert text.isascii()
    drawn = np.array([[character != " " for character in line] for line in text.split("\n")])
    inked = mnist.test.images[0].reshape(14, 2, 28).mean(axis=1) >= 26
    assert (drawn == inked).all()
