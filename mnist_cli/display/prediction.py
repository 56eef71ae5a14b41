"""The output of `predict` for a picture, as text, JSON and CSV."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.text import Text

from mnist_cli.display.images import blocks, has_half_blocks
from mnist_cli.display.layout import Beside, percent
from mnist_cli.display.screen import Screen, View, clean
from mnist_cli.errors import PictureError
from mnist_cli.pictures.explanation import Explanation
from mnist_cli.pictures.reader import Prediction

COLUMNS = ("path", "status", "digit", "digits", "confidence", *(f"p{digit}" for digit in range(10)), "steps", "error")
"""The columns of the CSV."""

KAGGLE_COLUMNS = ("ImageId", "Label")
"""The columns of a submission to Kaggle's digit recognizer."""

_BAR_WIDTH = 30


class PredictionView(View):
    """A prediction with its `top` likeliest digits, and the explanations of its digits, if any."""

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
            screen.result(*_explanation_parts(screen.out, explanation, prediction.steps))

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
        """The values of the `COLUMNS`; missing ones are None or empty."""
        prediction = self._prediction
        return (
            str(prediction.path),
            prediction.status,
            prediction.digit,
            _joined(prediction.digits),
            prediction.confidence,
            *(prediction.probabilities or [None] * 10),
            "; ".join(prediction.steps),
            _error(prediction) or "",
        )


class KaggleView(PredictionView):
    """A line of a submission to Kaggle: the number of the image, from 1, and its digit; empty if it has none."""

    def __init__(self, prediction: Prediction, number: int) -> None:
        super().__init__(prediction, 1)
        self._number = number

    def as_csv(self) -> tuple[Any, ...]:
        digits = self._prediction.digits
        return self._number, digits[0] if len(digits) == 1 else ""


def _error(prediction: Prediction) -> str | None:
    if prediction.error is None:
        return None
    return f"{prediction.error}. {prediction.hint}" if prediction.hint else prediction.error


def _line(prediction: Prediction, top: int) -> Text:
    """The digit, its probability, the picture's path, and a remark."""
    if prediction.confidence is None:
        return Text.assemble(("-", "bold"), f"          {clean(prediction.path)}  no digit found")
    if prediction.status == "unsure":
        answer, remark = ("?", "bold yellow"), (_remark(prediction, top), "yellow")
    else:
        answer, remark = (_joined(prediction.digits), "bold green"), (_remark(prediction, top), "dim")
    return Text.assemble(answer, f"  {percent(prediction.confidence):>7}  {clean(prediction.path)}", remark)


def _joined(digits: Sequence[int], separator: str = " ") -> str:
    return separator.join(map(str, digits))


def _remark(prediction: Prediction, top: int) -> str:
    if prediction.candidates:
        return f"  not sure: {_joined(prediction.candidates, ' or ')}"
    if prediction.status == "unsure":
        return f"  not sure: {_joined(prediction.digits)}"
    if prediction.status == "several":
        return f"  {len(prediction.digits)} digits"
    runners_up = ", ".join(f"{digit} {percent(share)}" for digit, share in prediction.ranking()[1:top])
    return f"  then {runners_up}" if runners_up else ""


def _explanation_parts(console: Console, explanation: Explanation, steps: tuple[str, ...]) -> Iterator[RenderableType]:
    """The network's input and the spots that mattered, a bar for each digit, and the steps of the preparation."""
    yield _images(console, explanation)
    fall = percent(float(explanation.importance.max()))
    yield Text(f"The brightest spot matters most: without it, the probability falls by {fall}.", "dim")
    yield from ("", _bars(console, explanation), "")
    if steps:
        yield from (Text(f"Prepared: {clean('; '.join(steps))}", "dim"), "")


def _images(console: Console, explanation: Explanation) -> RenderableType:
    # The square root makes spots of low importance visible too.
    importance = np.sqrt(explanation.importance / max(explanation.importance.max(), 1e-9))
    colour = has_half_blocks(console)
    pixels = Group(Text("As the network saw it", "bold"), blocks(explanation.pixels, colour))
    spots = Group(Text("Where it looked", "bold"), blocks(np.rint(255 * importance).astype(np.uint8), colour))
    return Beside(pixels, spots)


def _bars(console: Console, explanation: Explanation) -> Text:
    full = "#" if console.options.ascii_only else "█"
    best = int(explanation.probabilities.argmax())
    lines = []
    for digit, probability in enumerate(explanation.probabilities.tolist()):
        bar = (full * round(_BAR_WIDTH * probability)).ljust(_BAR_WIDTH)
        style = "bold green" if digit == best else ""
        lines.append(Text.assemble((f"{digit}  ", "bold"), (bar, style), f"  {percent(probability):>7}"))
    return Text("\n").join(lines)
