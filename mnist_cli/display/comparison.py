"""Two models beside each other."""

from rich.console import Group
from rich.table import Table

from mnist_cli.display.screen import fields
from mnist_cli.display.tables import table
from mnist_cli.evaluation.comparison import Comparison

_SHOWN = 10
_LEVEL = 0.05


def comparison_part(comparison: Comparison) -> Group:
    """Both models' figures, the test between them, and the first of the images on which they differ."""
    own, other = comparison.evaluation.metrics, comparison.other.metrics
    differing = len(comparison.disagreements)
    rows = {
        "Other": str(comparison.path),
        "Accuracy": f"{own.accuracy:.4f} against {other.accuracy:.4f}: {comparison.difference:+.4f}",
        "Loss": f"{own.loss:.4f} against {other.loss:.4f}",
        "Errors": f"{comparison.evaluation.errors:,} against {comparison.other.errors:,}",
        "Alone right": f"on {_images(comparison.only_right)}; the other on {_images(comparison.only_other_right)}",
        "McNemar": f"p = {comparison.p_value:.2g} (exact): {_verdict(comparison)}",
        "Differing": _images(differing) + (f"; the first {_SHOWN}:" if differing > _SHOWN else ""),
    }
    return Group(fields(rows), "", _table(comparison)) if differing else Group(fields(rows))


def _images(number: int) -> str:
    return "1 image" if number == 1 else f"{number:,} images"


def _verdict(comparison: Comparison) -> str:
    if comparison.p_value >= _LEVEL:
        return "no difference at the 5 % level"
    return f"{'this model' if comparison.difference > 0 else 'the other'} is better at the 5 % level"


def _table(comparison: Comparison) -> Table:
    rows = table("image", "label", "answer", "other's")
    for one in comparison.disagreements[:_SHOWN]:
        answers = (
            f"{answer} right" if answer == one.label else f"{answer}      " for answer in (one.answer, one.other_answer)
        )
        rows.add_row(f"{one.index:,}", str(one.label), *answers)
    return rows
