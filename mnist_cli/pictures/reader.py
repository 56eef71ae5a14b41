"""Predicting digits: pictures in, one reading for each out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Images, Probabilities
from mnist_cli.errors import PictureError
from mnist_cli.model.calibration import UNCALIBRATED, Calibration, tempered
from mnist_cli.model.engine import Engine
from mnist_cli.pictures.preparation import Prepared, prepare_all

Status = Literal["digit", "unsure", "none", "several", "error"]

# Where it is not sure, a digit is named that is at least so likely, measured by the likeliest.
_LEAST_LIKELY = 0.1
_MOST_CANDIDATES = 3


@dataclass(frozen=True)
class Prediction:
    """What was read in one picture.

    `status`: "digit" with a `digit`; "several" with all `digits`, in reading order; "unsure" where the confidence is
    below the model's threshold; "none" where the picture shows nothing to read; "error" with the reason in `error`.
    `confidence`: the probability, 0 to 1, of the digit, or the lowest of several. `probabilities`: those of the ten
    digits, where there is one to read. `candidates`: what it may be, where that is not sure. `steps`: what was done to
    the picture before the network saw it.
    """

    path: Path
    status: Status
    digits: tuple[int, ...] = ()
    confidence: float | None = None
    probabilities: tuple[float, ...] | None = None
    steps: tuple[str, ...] = ()
    error: str | None = None
    hint: str = ""
    pixels: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    """uint8, shape (n, 28, 28): the digits as the network saw them."""

    @property
    def digit(self) -> int | None:
        return self.digits[0] if self.status == "digit" else None

    @property
    def candidates(self) -> tuple[int, ...]:
        if self.status != "unsure" or self.probabilities is None:
            return ()
        likely = [digit for digit, share in self.ranking() if share >= _LEAST_LIKELY * self.ranking()[0][1]]
        return tuple(likely[:_MOST_CANDIDATES])

    def ranking(self) -> tuple[tuple[int, float], ...]:
        """(digit, probability) of every digit, the likeliest first."""
        return tuple(sorted(enumerate(self.probabilities or ()), key=lambda pair: -pair[1]))


@dataclass(frozen=True)
class Reader:
    """Reads pictures with a model: its engine and how far its probabilities are to be trusted.

    `raw`: pictures are taken as they are.
    """

    engine: Engine
    calibration: Calibration = UNCALIBRATED
    raw: bool = False

    def read_all(self, paths: Sequence[Path]) -> Iterator[Prediction]:
        """A reading for each picture, in their order; a few pictures are prepared ahead."""
        for path, prepared in zip(paths, prepare_all(paths, self.raw), strict=True):
            yield self._read(path, prepared)

    def _read(self, path: Path, prepared: Prepared | PictureError) -> Prediction:
        if isinstance(prepared, PictureError):
            return Prediction(path, "error", error=prepared.message, hint=prepared.hint)
        if not len(prepared.pixels):
            return Prediction(path, "none", steps=prepared.steps)
        return self._judged(path, self.probabilities(prepared.pixels), prepared)

    def probabilities(self, images: Images) -> Probabilities:
        """Those of the model for some images, calibrated: float64, shape (n, 10). Raises `ModelError`."""
        return tempered(self.engine.probabilities(images), self.calibration.temperature)

    def _judged(self, path: Path, probabilities: Probabilities, prepared: Prepared) -> Prediction:
        digits = tuple(probabilities.argmax(axis=1).tolist())
        confidence = float(np.min(probabilities.max(axis=1)))
        status: Status = "digit" if len(digits) == 1 else "several"
        if confidence < self.calibration.threshold:
            status = "unsure"
        of_one = tuple(probabilities[0].tolist()) if len(digits) == 1 else None
        steps = prepared.steps + self.engine.interface.steps
        return Prediction(path, status, digits, confidence, of_one, steps, pixels=prepared.pixels)
