"""Learning curves: every mark where it belongs."""

import io

import pytest
from rich.console import Console

from mnist_cli.display.charts import Curves, chart
from mnist_cli.figures import Epoch


def epochs(losses: list[float], val_losses: list[float] | None = None) -> list[Epoch]:
    validated = val_losses or [None] * len(losses)
    return [
        Epoch(number, loss, 1 - loss / 10, val_loss, None if val_loss is None else 1 - val_loss / 10, 1.0)
        for number, (loss, val_loss) in enumerate(zip(losses, validated, strict=True), 1)
    ]


def drawn(history: list[Epoch], width: int = 80, encoding: str = "utf-8") -> str:
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding), width=width)
    console.print(Curves(history))
    console.file.flush()
    return console.file.buffer.getvalue().decode(encoding)


def marks(text: str) -> dict[tuple[int, int], str]:
    """The marks of a chart: (row from the top, column): mark."""
    rows = text.split("\n")[1:-2]
    return {(row, column): mark for row, line in enumerate(rows) for column, mark in enumerate(line[8:]) if mark != " "}


def test_the_highest_is_above_the_lowest_below_and_the_epochs_go_to_the_right():
    text = chart("accuracy", [1, 2, 3], [0.0, 0.5, 1.0], [None] * 3, 8 + 21, True).plain

    assert marks(text) == {(8, 0): "o", (4, 10): "o", (0, 20): "o"}
    assert text.split("\n")[1].startswith("1.0000 |") and text.split("\n")[9].startswith("0.0000 |")
    assert text.split("\n")[-1].split() == ["1", "epoch", "3"]


def test_a_loss_falls_by_as_much_as_it_is_divided_by():
    text = chart("loss", [1, 2, 3], [1e-2, 1e-1, 1.0], [None] * 3, 8 + 3, True).plain

    assert [row for row, _ in sorted(marks(text), key=lambda place: place[1])] == [8, 4, 0]
    assert "logarithmic" in text


def test_a_loss_of_nothing_has_no_logarithm():
    text = chart("loss", [1, 2], [0.0, 1.0], [None] * 2, 20, True).plain

    assert "logarithmic" not in text
    assert len(marks(text)) == 2


def test_training_and_validation_have_their_marks_and_one_for_both():
    text = chart("accuracy", [1, 2], [0.0, 1.0], [0.0, 0.0], 8 + 2, True).plain

    assert marks(text) == {(8, 0): "*", (0, 1): "o", (8, 1): "x"}


def test_a_curve_that_is_level_lies_in_the_middle():
    assert {row for row, _ in marks(chart("loss", [1, 2], [0.5, 0.5], [None] * 2, 20, True).plain)} == {4}


def test_one_epoch_makes_no_curve():
    assert drawn(epochs([0.5])) == drawn([]) == ""


def test_without_validation_there_is_no_word_of_it():
    assert "validation" in drawn(epochs([0.5, 0.2], [0.4, 0.3]))
    assert "validation" not in drawn(epochs([0.5, 0.2]))


@pytest.mark.parametrize("width", [20, 40, 59, 60, 80, 120, 300])
@pytest.mark.parametrize("number", [2, 15, 1000])
def test_it_fits(number: int, width: int):
    text = drawn(epochs([1 / (epoch + 1) for epoch in range(number)], [0.1] * number), width)

    assert max(map(len, text.splitlines())) <= width
    assert ("accuracy" in text.splitlines()[0]) == (width >= 60)


def test_where_only_ascii_can_be_shown_it_is_ascii():
    text = drawn(epochs([0.5, 0.2], [0.4, 0.3]), encoding="ascii")

    assert text.isascii() and "\\u" not in text and "|" in text
