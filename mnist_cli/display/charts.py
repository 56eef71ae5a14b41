"""Charts in the terminal: learning curves, and how often a model is right at each confidence."""

from collections.abc import Sequence
from math import log

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from mnist_cli.display.layout import percent, room, table
from mnist_cli.evaluation.calibration import Bin
from mnist_cli.figures import Epoch

TRAINING, VALIDATION, BOTH = "o", "x", "*"
_STYLES = {TRAINING: "cyan", VALIDATION: "magenta", BOTH: "bold"}
_HEIGHT = 9  # odd, so that there is a middle
_LABEL = len("0.0000 ")
_GAP = 3
_WIDEST = 60
# Narrower, two charts stand below each other.
_WIDTH_OF_TWO = 60

# Beside its bars, a reliability diagram takes so many columns for figures.
_BESIDE_BAR = 46
_LONGEST_BAR, _SHORTEST_BAR = 45, 10

Series = Sequence[float | None]


class Curves:
    """Two charts, with marks that differ without colour as well. One epoch makes no curve: nothing is drawn."""

    def __init__(self, history: Sequence[Epoch]) -> None:
        self._history = history

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if len(self._history) < 2:
            return
        beside = room(options) >= _WIDTH_OF_TWO
        width = min((room(options) - _GAP) // 2 if beside else room(options), _WIDEST)
        epochs = [epoch.epoch for epoch in self._history]
        losses = [epoch.loss for epoch in self._history], [epoch.val_loss for epoch in self._history]
        shares = [epoch.accuracy for epoch in self._history], [epoch.val_accuracy for epoch in self._history]
        charts = (
            chart("loss", epochs, *losses, width, options.ascii_only),
            chart("accuracy", epochs, *shares, width, options.ascii_only),
        )
        grid = Table.grid(padding=(0, _GAP, 0, 0))
        if beside:
            grid.add_row(*charts)
        else:
            for one in charts:
                grid.add_row(one)
        yield grid
        yield _legend(any(loss is not None for loss in losses[1]))


def _legend(validated: bool) -> Text:
    marks = {TRAINING: "training"} | ({VALIDATION: "validation", BOTH: "both"} if validated else {})
    return Text("   ").join(Text.assemble((mark, _STYLES[mark]), f" {name}") for mark, name in marks.items())


def chart(name: str, epochs: Sequence[int], training: Series, validation: Series, width: int, ascii_only: bool) -> Text:
    """A chart of two series over the epochs, at least two, `width` columns wide.

    A loss stands on a logarithmic axis, where all are above 0: what it does at the end would be flat on another.
    """
    known = [value for value in (*training, *validation) if value is not None]
    low, high = min(known), max(known)
    logarithmic = name == "loss" and low > 0
    columns = max(width - _LABEL - 1, 2)
    cells: dict[tuple[int, int], str] = {}
    for mark, series in ((TRAINING, training), (VALIDATION, validation)):
        for epoch, value in zip(epochs, series, strict=True):
            if value is not None:
                row = _HEIGHT - 1 - round(_height(value, low, high, logarithmic) * (_HEIGHT - 1))
                column = round((epoch - epochs[0]) / (epochs[-1] - epochs[0]) * (columns - 1))
                cells[row, column] = mark if cells.get((row, column), mark) == mark else BOTH
    title = Text(f"{name}{', logarithmic' if logarithmic else ''}", "bold")
    return Text("\n", no_wrap=True).join([title, *_framed(cells, columns, low, high, epochs, ascii_only)])


def _height(value: float, low: float, high: float, logarithmic: bool) -> float:
    """Where a value lies between the lowest, 0, and the highest, 1."""
    if low == high:
        return 0.5
    if logarithmic:
        return log(value / low) / log(high / low)
    return (value - low) / (high - low)


def _framed(
    cells: dict[tuple[int, int], str], columns: int, low: float, high: float, epochs: Sequence[int], ascii_only: bool
) -> list[Text]:
    """The lines of a chart, with its axes."""
    upright, corner, level = "|+-" if ascii_only else "│└─"
    labels = {0: _figure(high), _HEIGHT - 1: _figure(low)} if low < high else {_HEIGHT // 2: _figure(low)}
    lines = []
    for row in range(_HEIGHT):
        marks = (cells.get((row, column), " ") for column in range(columns))
        parts = ((mark, _STYLES.get(mark, "")) for mark in marks)
        lines.append(Text.assemble((f"{labels.get(row, ''):>{_LABEL - 1}} {upright}", "dim"), *parts))
    first, last = str(epochs[0]), f"epoch {epochs[-1]}"
    ends = f"{first}{last:>{max(columns - len(first), len(last) + 1)}}"
    margin = " " * (_LABEL - 1)
    return [*lines, Text(f"{margin} {corner}{level * columns}", "dim"), Text(f"{margin}  {ends}", "dim")]


def _figure(value: float) -> str:
    """Six characters at the most."""
    return f"{value:.4f}" if value < 10 else f"{value:.4g}" if value < 1e4 else f"{value:.0e}"


class ReliabilityDiagram:
    """A line for each bin with images: in figures, and as a bar where there is room for one."""

    def __init__(self, bins: tuple[Bin, ...]) -> None:
        self._bins = bins

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        length = min(room(options) - _BESIDE_BAR, _LONGEST_BAR)
        with_bars = length >= _SHORTEST_BAR
        rows = table("confidence", "images", "mean", "right", *(["<"] if with_bars else []))
        for one in self._bins:
            if one.confidence is not None and one.accuracy is not None:
                bar = [_bar(one.accuracy, one.confidence, length, options.ascii_only)] if with_bars else []
                figures = (f"{one.images:,}", percent(one.confidence), counted_share(one.accuracy))
                rows.add_row(f"{one.low:.2f} to {one.high:.2f}", *figures, *bar)
        yield rows


def _bar(accuracy: float, confidence: float, length: int, ascii_only: bool) -> Text:
    """The accuracy as a bar that would be `length` wide at 1, with a mark where the confidence is."""
    bar = Text(("#" if ascii_only else "━") * round(accuracy * length), "cyan", no_wrap=True)
    bar.pad_right(length - len(bar))
    mark = min(int(confidence * length), length - 1)
    return Text.assemble(bar[:mark], ("|", "bold"), bar[mark + 1 :])


def counted_share(share: float) -> str:
    """A share that was counted: unlike a probability, it may be none or all."""
    return f"{share:.0%}".replace("%", " %") if share in (0, 1) else percent(share)
