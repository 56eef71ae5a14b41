"""What `predict` says of a picture, for people, as JSON and as CSV."""

from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mnist_cli.display.images import blocks, has_half_blocks
from mnist_cli.display.layout import percent
from mnist_cli.display.screen import Screen, View, clean
from mnist_cli.errors import PictureError
from mnist_cli.pictures.explanation import Explanation
from mnist_cli.pictures.reader import Prediction

COLUMNS = ("path", "status", "digit", "digits", "confidence", *(f"p{digit}" for digit in range(10)), "steps", "error")
"""The columns of the CSV."""

_BAR = 30
# The width of two images side by side.
_BESIDE = 60


class PredictionView(View):
    """A prediction with its runners-up, the `top` digits in all, and an explanation for each digit if there are any."""

    def __init__(self, prediction: Prediction, top: int, explanations: tuple[Explanation, ...] = ()) -> None:
        self._prediction, self._top, self._explanations = prediction, top, explanations

    def as_text(self, screen: Screen) -> None:
        prediction = self._prediction
        if prediction.status == "error":
            screen.error(PictureError(prediction.error or "", prediction.hint))
            return
        if prediction.is_first_of_several:
            screen.note(f"{prediction.path}: the first of several pictures taken")
        screen.result(_line(prediction, self._top))
        for explanation in self._explanations:
            show_explanation(screen, explanation, prediction.steps)

    def as_json(self) -> dict[str, Any]:
        prediction = self._prediction
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

    def as_csv(self) -> tuple[Any, ...]:
        """The values of the `COLUMNS`; empty or None where there is none."""
        prediction = self._prediction
        return (
            str(prediction.path),
            prediction.status,
            prediction.digit,
            " ".join(map(str, prediction.digits)),
            prediction.confidence,
            *(prediction.probabilities or [None] * 10),
            "; ".join(prediction.steps),
            _error(prediction) or "",
        )


def _error(prediction: Prediction) -> str | None:
    if prediction.error is None:
        return None
    return f"{prediction.error}. {prediction.hint}" if prediction.hint else prediction.error


def _line(prediction: Prediction, top: int) -> Text:
    """The digit, its probability, the picture's name, and a remark."""
    if prediction.confidence is None:
        return Text.assemble(("-", "bold"), f"          {clean(prediction.path)}  no digit found")
    sure = prediction.status != "unsure"
    answer = " ".join(map(str, prediction.digits)) if sure else "?"
    return Text.assemble(
        (answer, "bold green" if sure else "bold yellow"),
        f"  {percent(prediction.confidence):>7}  {clean(prediction.path)}",
        (_remark(prediction, top), "dim" if sure else "yellow"),
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


def show_explanation(screen: Screen, explanation: Explanation, steps: tuple[str, ...]) -> None:
    """What the network saw and where it looked, a bar for each digit, and the steps of the preparation."""
    fall = percent(float(explanation.importance.max()))
    is_beside = screen.out.width >= _BESIDE
    place = "on the right" if is_beside else "there"
    blanking = f"Blanking the brightest place {place} takes {fall} from the answer."
    images = _images(screen.out, explanation, is_beside)
    screen.result(images, Text(blanking, "dim"), "", _bars(screen.out, explanation), "")
    if steps:
        screen.result(Text(f"Prepared: {clean('; '.join(steps))}", "dim"), "")


def _images(console: Console, explanation: Explanation, is_beside: bool) -> Table:
    colour = has_half_blocks(console)
    # The square root makes places visible that matter little beside the one that matters most.
    importance = np.sqrt(explanation.importance / max(explanation.importance.max(), 1e-9))
    seen = (Text("As the network saw it", "bold"), blocks(explanation.pixels, colour))
    looked = (Text("Where it looked", "bold"), blocks(np.rint(255 * importance).astype(np.uint8), colour))
    grid = Table.grid(padding=(0, 4, 0, 0))
    if is_beside:
        for row in zip(seen, looked, strict=True):
            grid.add_row(*row)
    else:
        for line in (*seen, "", *looked):
            grid.add_row(line)
    return grid


def _bars(console: Console, explanation: Explanation) -> Text:
    full = "#" if console.options.ascii_only else "█"
    best = int(explanation.probabilities.argmax())
    lines = []
    for digit, probability in enumerate(explanation.probabilities.tolist()):
        bar = (full * round(_BAR * probability)).ljust(_BAR)
        style = "bold green" if digit == best else ""
        lines.append(Text.assemble((f"{digit}  ", "bold"), (bar, style), f"  {percent(probability):>7}"))
    return Text("\n").join(lines)
