"""A reliability diagram: how often a model is right, for each degree of how sure it is."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from mnist_cli.display.prediction import percent
from mnist_cli.display.screen import room
from mnist_cli.display.tables import table
from mnist_cli.evaluation.calibration import BINS, Bin, Coverage
from mnist_cli.model.calibration import Calibration

EXPLANATION = "bar: share read right; |: mean confidence"
_BESIDE_BAR = 46
_LONGEST_BAR, _SHORTEST_BAR = 45, 10


def calibration_lines(error: float, calibration: Calibration | None, covered: Coverage | None) -> Text:
    """The expected calibration error and, where the model has a threshold, what it answers there."""
    temperature = f", at its own temperature {calibration.temperature:.4g}" if calibration else ""
    lines = [f"Expected calibration error {error:.4f} ({BINS} bins of equal width){temperature}"]
    if covered is not None:
        right = f", {_share(covered.accuracy)} of those right" if covered.accuracy is not None else ""
        answered = f"answers {_share(covered.share)} of the images{right}"
        lines.append(f"At its own threshold {covered.threshold:.4g} the model {answered}")
    return Text("\n".join(lines))


def _share(share: float) -> str:
    """A share that was counted: unlike a probability, it may be none or all."""
    return f"{share:.0%}".replace("%", " %") if share in (0, 1) else percent(share)


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
                figures = (f"{one.images:,}", percent(one.confidence), _share(one.accuracy))
                rows.add_row(f"{one.low:.2f} to {one.high:.2f}", *figures, *bar)
        yield rows


def _bar(accuracy: float, confidence: float, length: int, ascii_only: bool) -> Text:
    """The accuracy as a bar that would be `length` wide at 1, with a mark where the confidence is."""
    bar = Text(("#" if ascii_only else "━") * round(accuracy * length), "cyan", no_wrap=True)
    bar.pad_right(length - len(bar))
    mark = min(int(confidence * length), length - 1)
    return Text.assemble(bar[:mark], ("|", "bold"), bar[mark + 1 :])
