"""Charts in the terminal: learning curves, reliability diagram, and confusion matrix."""

from collections.abc import Sequence
from math import log, log10

from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from mnist_cli.arrays import CLASSES
from mnist_cli.display.layout import counted_share, percent, room, table
from mnist_cli.evaluation.calibration import Bin
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.figures import Epoch

TRAINING, VALIDATION, BOTH = "o", "x", "*"
_STYLES = {TRAINING: "cyan", VALIDATION: "magenta", BOTH: "bold"}
_HEIGHT = 9  # of a chart in lines; odd, so that there is a middle line
_LABEL_WIDTH = len("0.0000 ")
_GAP = 3
_MAX_WIDTH = 60
_MIN_WIDTH_OF_TWO = 60  # in less, the second chart goes below the first

_FIGURES_WIDTH = 46  # of a reliability diagram, without its bars
_LONGEST_BAR, _SHORTEST_BAR = 45, 10

_BLACK, _WHITE = "#000000", "#ffffff"
# Correct answers, by their share of the row: below 90 %, below 98 %, and from there on.
_CORRECT_STYLES = (
    Style(color=_BLACK, bgcolor="#d4ecd0"),
    Style(color=_BLACK, bgcolor="#7cc47f"),
    Style(color=_WHITE, bgcolor="#0b7d2c"),
)
# Wrong answers, by their share of the row: around 0.1 %, 0.3 %, 1 %, 3 %, and 10 % or more.
_WRONG_STYLES = (
    Style(color=_BLACK, bgcolor="#fff3b8"),
    Style(color=_BLACK, bgcolor="#ffcb6b"),
    Style(color=_BLACK, bgcolor="#ff9345"),
    Style(color=_WHITE, bgcolor="#d01818"),
    Style(color=_WHITE, bgcolor="#7d0a1c"),
)

Series = Sequence[float | None]
"""A value for each epoch; None without validation."""


class Curves:
    """Charts of loss and accuracy over the epochs; nothing if there is only one epoch."""

    def __init__(self, history: Sequence[Epoch]) -> None:
        self._history = history

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if len(self._history) < 2:
            return
        width = room(options)
        is_wide = width >= _MIN_WIDTH_OF_TWO
        if is_wide:
            width = (width - _GAP) // 2
        width = min(width, _MAX_WIDTH)
        epochs = [epoch.epoch for epoch in self._history]
        losses = [epoch.loss for epoch in self._history]
        val_losses = [epoch.val_loss for epoch in self._history]
        accuracies = [epoch.accuracy for epoch in self._history]
        val_accuracies = [epoch.val_accuracy for epoch in self._history]
        loss_chart = chart("loss", epochs, losses, val_losses, width, options.ascii_only)
        accuracy_chart = chart("accuracy", epochs, accuracies, val_accuracies, width, options.ascii_only)
        grid = Table.grid(padding=(0, _GAP, 0, 0))
        if is_wide:
            grid.add_row(loss_chart, accuracy_chart)
        else:
            grid.add_row(loss_chart)
            grid.add_row(accuracy_chart)
        yield grid
        yield _legend(is_validated=any(loss is not None for loss in val_losses))


def _legend(is_validated: bool) -> Text:
    names = {TRAINING: "training"}
    if is_validated:
        names |= {VALIDATION: "validation", BOTH: "both"}
    return Text("   ").join(Text.assemble((mark, _STYLES[mark]), f" {name}") for mark, name in names.items())


def chart(name: str, epochs: Sequence[int], training: Series, validation: Series, width: int, ascii_only: bool) -> Text:
    """A chart of two series over two or more epochs, `width` columns wide, with different marks for each.

    The axis of a loss is logarithmic if all values are above 0: on a linear one, the last epochs would look flat.
    """
    values = [value for value in (*training, *validation) if value is not None]
    low, high = min(values), max(values)
    logarithmic = name == "loss" and low > 0
    columns = max(width - _LABEL_WIDTH - 1, 2)
    cells: dict[tuple[int, int], str] = {}
    for mark, series in ((TRAINING, training), (VALIDATION, validation)):
        for epoch, value in zip(epochs, series, strict=True):
            if value is not None:
                row = _HEIGHT - 1 - round(_height(value, low, high, logarithmic) * (_HEIGHT - 1))
                column = round((epoch - epochs[0]) / (epochs[-1] - epochs[0]) * (columns - 1))
                is_taken = cells.get((row, column), mark) != mark
                cells[row, column] = BOTH if is_taken else mark
    title = Text(f"{name}, logarithmic" if logarithmic else name, "bold")
    return Text("\n", no_wrap=True).join([title, *_framed(cells, columns, low, high, epochs, ascii_only)])


def _height(value: float, low: float, high: float, logarithmic: bool) -> float:
    """The height of a value in the chart: 0 for the lowest, 1 for the highest."""
    if low == high:
        return 0.5
    if logarithmic:
        return log(value / low) / log(high / low)
    return (value - low) / (high - low)


def _framed(
    cells: dict[tuple[int, int], str], columns: int, low: float, high: float, epochs: Sequence[int], ascii_only: bool
) -> list[Text]:
    """The lines of a chart with its axes; `cells` has the marks by row and column."""
    vertical, corner, horizontal = "|+-" if ascii_only else "│└─"
    labels = {0: _label(high), _HEIGHT - 1: _label(low)} if low < high else {_HEIGHT // 2: _label(low)}
    lines = []
    for row in range(_HEIGHT):
        line = Text.assemble((f"{labels.get(row, ''):>{_LABEL_WIDTH - 1}} {vertical}", "dim"))
        for column in range(columns):
            mark = cells.get((row, column), " ")
            line.append(mark, _STYLES.get(mark))
        lines.append(line)
    first, last = str(epochs[0]), f"epoch {epochs[-1]}"
    ends = f"{first}{last:>{max(columns - len(first), len(last) + 1)}}"
    margin = " " * _LABEL_WIDTH
    return [*lines, Text(f"{margin}{corner}{horizontal * columns}", "dim"), Text(f"{margin} {ends}", "dim")]


def _label(value: float) -> str:
    """A value in six characters or fewer."""
    if value < 10:
        return f"{value:.4f}"
    return f"{value:.4g}" if value < 1e4 else f"{value:.0e}"


class ReliabilityDiagram:
    """A line for each bin that has images: its figures, and a bar if it fits."""

    def __init__(self, bins: tuple[Bin, ...]) -> None:
        self._bins = bins

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        length = min(room(options) - _FIGURES_WIDTH, _LONGEST_BAR)
        has_bars = length >= _SHORTEST_BAR
        columns = ["confidence", "images", "mean", "right"]
        if has_bars:
            columns.append("<")
        rows = table(*columns)
        for bin in self._bins:
            if bin.confidence is None or bin.accuracy is None:
                continue
            cells: list[str | Text] = [f"{bin.low:.2f} to {bin.high:.2f}", f"{bin.images:,}"]
            cells += [percent(bin.confidence), counted_share(bin.accuracy)]
            if has_bars:
                cells.append(_bar(bin.accuracy, bin.confidence, length, options.ascii_only))
            rows.add_row(*cells)
        yield rows


def _bar(accuracy: float, confidence: float, length: int, ascii_only: bool) -> Text:
    """The accuracy as a bar, `length` columns long for 1, with a mark at the confidence."""
    bar = Text(("#" if ascii_only else "━") * round(accuracy * length), "cyan", no_wrap=True)
    bar.pad_right(length - len(bar))
    mark = min(int(confidence * length), length - 1)
    return Text.assemble(bar[:mark], ("|", "bold"), bar[mark + 1 :])


def heat_map(evaluation: Evaluation) -> Table:
    """The confusion matrix: a row for each label, with counts that are coloured by their share of the row."""
    counts = evaluation.confusion
    width = max(len(str(counts.max())), 3)
    grid = Table.grid()
    for _ in range(CLASSES + 1):
        grid.add_column(overflow="fold")
    grid.add_row("   ", *(Text(f" {answer:>{width}} ", "bold") for answer in range(CLASSES)))
    for label, row in enumerate(counts.tolist()):
        cells = (_cell(count, sum(row), width, is_correct=answer == label) for answer, count in enumerate(row))
        grid.add_row(Text(f"{label}  ", "bold"), *cells)
    return grid


def _cell(count: int, images: int, width: int, is_correct: bool) -> Text:
    if not count:
        return Text(f" {'.':>{width}} ")
    share = count / images
    return Text(f" {count:>{width}} ", _correct_style(share) if is_correct else _wrong_style(share))


def _correct_style(share: float) -> Style:
    low, middle, high = _CORRECT_STYLES
    if share < 0.9:
        return low
    return middle if share < 0.98 else high


def _wrong_style(share: float) -> Style:
    step = round(2 * (log10(share) + 3))  # two steps for each power of ten from 0.001 on
    return _WRONG_STYLES[min(max(step, 0), len(_WRONG_STYLES) - 1)]
