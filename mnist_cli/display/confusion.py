"""Which digits are read as which: the confusion matrix as a heat map, and in words."""

from math import log10

from rich.style import Style
from rich.table import Table
from rich.text import Text

from mnist_cli.arrays import CLASSES
from mnist_cli.evaluation.metrics import Evaluation

_NAMED_PAIRS = 5
_BLACK, _WHITE = "#000000", "#ffffff"
# For the share of a row that was read right: little, much, nearly all.
_RIGHT = tuple(
    Style(color=ink, bgcolor=ground) for ground, ink in (("#d4ecd0", _BLACK), ("#7cc47f", _BLACK), ("#0b7d2c", _WHITE))
)
# For the share that was read wrong, from a thousandth to a tenth, each step about three times the one before.
_WRONG = tuple(
    Style(color=ink, bgcolor=ground)
    for ground, ink in (
        ("#fff3b8", _BLACK),
        ("#ffcb6b", _BLACK),
        ("#ff9345", _BLACK),
        ("#d01818", _WHITE),
        ("#7d0a1c", _WHITE),
    )
)


def confusion_table(evaluation: Evaluation) -> Table:
    """The matrix with a row for each true digit; numbers in the cells, their share of the row as colour."""
    counts = evaluation.confusion
    width = max(len(str(counts.max())), 3)
    grid = Table.grid()
    for _ in range(CLASSES + 1):
        grid.add_column(overflow="fold")
    grid.add_row("   ", *(Text(f" {answer:>{width}} ", "bold") for answer in range(CLASSES)))
    for label, row in enumerate(counts.tolist()):
        cells = (_cell(count, sum(row), width, answer == label) for answer, count in enumerate(row))
        grid.add_row(Text(f"{label}  ", "bold"), *cells)
    return grid


def _cell(count: int, images: int, width: int, right: bool) -> Text:
    if not count:
        return Text(f" {'.':>{width}} ")
    share = count / images
    return Text(f" {count:>{width}} ", _right_style(share) if right else _wrong_style(share))


def _right_style(share: float) -> Style:
    return _RIGHT[(share >= 0.9) + (share >= 0.98)]


def _wrong_style(share: float) -> Style:
    return _WRONG[min(max(round(2 * log10(share) + 6), 0), len(_WRONG) - 1)]


def confusion_lines(evaluation: Evaluation) -> Text:
    """The most frequent confusions in words, one to a line."""
    pairs = evaluation.confusions
    lines = [Text(f"{pair.label} read as {pair.answer}: {pair.count:,} of {pair.support:,}") for pair in pairs]
    if not lines:
        return Text("No image was misread.")
    return Text("\n").join([Text("Most often confused:", "bold"), *lines[:_NAMED_PAIRS]])
