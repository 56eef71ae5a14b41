"""Prediction digits: pictures in, one reading for each out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mnist_cli.engine import Engine
from mnist_cli.errors import PictureError
from mnist_cli.pictures import prepare

Status = Literal["digit", "none", "error"]


@dataclass(frozen=True)
class Prediction:
    """What was read in one picture.

    `status`: "digit" with a `digit` and its `confidence` (the network's probability for it, 0 to 1), "none" where
    the picture shows nothing to read, "error" with the reason in `error`. `probabilities`: those of the ten
    digits, or None. `steps`: what was done to the picture before the network saw it.
    """

    path: Path
    status: Status
    digit: int | None = None
    confidence: float | None = None
    probabilities: tuple[float, ...] | None = None
    steps: tuple[str, ...] = ()
    error: str | None = None
    hint: str = ""

    @property
    def digits(self) -> tuple[int, ...]:
        """All digits that were read, in reading order."""
        return () if self.digit is None else (self.digit,)

    def ranking(self) -> tuple[tuple[int, float], ...]:
        """(digit, probability) of every digit, the likeliest first."""
        return tuple(sorted(enumerate(self.probabilities or ()), key=lambda pair: -pair[1]))


def predict_pictures(engine: Engine, paths: Iterable[Path]) -> Iterator[Prediction]:
    """A reading for each picture file, in order; a picture that can't be read gives one with status "error"."""
    for path in paths:
        yield predict_picture(engine, path)


def predict_picture(engine: Engine, path: Path) -> Prediction:
    """The reading of one picture file; never raises `PictureError`."""
    try:
        prepared = prepare(path)
    except PictureError as error:
        return Prediction(path, "error", error=error.message, hint=error.hint)
    if prepared.pixels is None:
        return Prediction(path, "none", steps=prepared.steps)
    probabilities = engine.probabilities(prepared.pixels[None])[0]
    digit = int(probabilities.argmax())
    return Prediction(
        path, "digit", digit, float(probabilities[digit]), tuple(map(float, probabilities)), prepared.steps
    )
