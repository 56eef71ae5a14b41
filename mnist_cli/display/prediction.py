"""What `predict` says."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from mnist_cli.display.screen import Screen, clean
from mnist_cli.errors import PictureError
from mnist_cli.pictures.reader import Prediction

# From so many pictures on a bar is worth its line.
_MANY = 20
COLUMNS = ("path", "status", "digit", "digits", "confidence", *(f"p{digit}" for digit in range(10)), "steps", "error")


def show_prediction(screen: Screen, prediction: Prediction, top: int) -> None:
    """One picture on one line: the digit, how sure, its name, and the runners-up."""
    if prediction.status == "error":
        screen.error(PictureError(prediction.error or "", prediction.hint))
        return
    if prediction.is_first_of_several:
        screen.note(f"{prediction.path}: the first of several pictures taken")
    if prediction.confidence is None:
        screen.result(Text.assemble(("-", "bold"), f"          {clean(prediction.path)}  no digit found"))
        return
    sure = prediction.status != "unsure"
    answer = " ".join(map(str, prediction.digits)) if sure else "?"
    screen.result(
        Text.assemble(
            (answer, "bold green" if sure else "bold yellow"),
            f"  {percent(prediction.confidence):>7}  {clean(prediction.path)}",
            (_remark(prediction, top), "dim" if sure else "yellow"),
        )
    )


def _remark(prediction: Prediction, top: int) -> str:
    if prediction.candidates:
        return f"  not sure: {' or '.join(map(str, prediction.candidates))}"
    if prediction.status == "unsure":
        return f"  not sure: {' '.join(map(str, prediction.digits))}"
    if prediction.status == "several":
        return f"  {len(prediction.digits)} digits"
    runners_up = ", ".join(f"{digit} {percent(share)}" for digit, share in prediction.ranking()[1:top])
    return f"  then {runners_up}" if runners_up else ""


def percent(share: float) -> str:
    """A share of 1 with one decimal; what is not quite all never reads as 100 %."""
    if share > 0.999:
        return ">99.9 %"
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else "<0.1 %"


def prediction_json(prediction: Prediction) -> dict[str, Any]:
    return {
        "path": str(prediction.path),
        "status": prediction.status,
        "digit": prediction.digit,
        "digits": list(prediction.digits),
        "candidates": list(prediction.candidates),
        "confidence": prediction.confidence,
        "probabilities": list(prediction.probabilities) if prediction.probabilities else None,
        "steps": list(prediction.steps),
        "error": _error(prediction),
    }


def _error(prediction: Prediction) -> str | None:
    return f"{prediction.error}. {prediction.hint}".removesuffix(". ") if prediction.error else None


def csv_line(values: Iterable[Any]) -> str:
    """The values as a line of CSV, without its end; control characters are escaped, so that it is one line."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(clean(value) if isinstance(value, str) else value for value in values)
    return line.getvalue()


def prediction_csv(prediction: Prediction) -> str:
    """The prediction as a line of CSV, in the order of `COLUMNS`; empty for what there is not."""
    return csv_line(
        (
            str(prediction.path),
            prediction.status,
            prediction.digit,
            " ".join(map(str, prediction.digits)),
            prediction.confidence,
            *(prediction.probabilities or [None] * 10),
            "; ".join(prediction.steps),
            _error(prediction) or "",
        )
    )


def with_progress(screen: Screen, predictions: Iterable[Prediction], total: int) -> Iterator[Prediction]:
    """The same, with a bar on a terminal where there are many and the lines themselves don't show how far it is."""
    if total < _MANY or not screen.live or screen.out.is_terminal:
        yield from predictions
        return
    columns = (TextColumn("Pictures"), BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen.err, transient=True) as progress:
        yield from progress.track(predictions, total=total)
