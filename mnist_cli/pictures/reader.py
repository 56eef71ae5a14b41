"""Reading the digits in pictures with a model: one prediction for each picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from mnist_cli.arrays import Images, Probabilities
from mnist_cli.errors import PictureError
from mnist_cli.model.calibration import UNCALIBRATED, Calibration, tempered
from mnist_cli.model.engine import Engine
from mnist_cli.pictures.explanation import Explanation, explain
from mnist_cli.pictures.preparation import Preparation, Prepared, prepare, prepare_all

Status = Literal["digit", "unsure", "none", "several", "error"]

# An unsure prediction names the digits that are at least this likely, as a share of the likeliest one's probability.
_LEAST_LIKELY = 0.1
_MOST_CANDIDATES = 3
_IMAGES_AT_ONCE = 1024  # of a file of images


@dataclass(frozen=True)
class Prediction:
    """The digits that were read in one picture.

    `status`: "digit" if one was read; "several" if more; "unsure" if the confidence is below the model's threshold;
    "none" if no digit was found; "error" if the picture can't be read, with the message in `error` and the `hint`.
    `digits`: the likeliest ones, in reading order. `confidence`: the probability, 0 to 1, of the digit; of several, the
    lowest. `probabilities`: those of the ten digits, if the picture shows a single one. `steps`: what was done to the
    picture before the network saw it. `is_first_of_several`: the file holds more pictures than this one.
    """

    path: Path
    status: Status
    digits: tuple[int, ...] = ()
    confidence: float | None = None
    probabilities: tuple[float, ...] | None = None
    steps: tuple[str, ...] = ()
    error: str | None = None
    hint: str = ""
    is_first_of_several: bool = False
    pixels: Images | None = field(default=None, repr=False, compare=False)
    """uint8, shape (n, 28, 28): the digits as the network saw them."""

    @property
    def digit(self) -> int | None:
        """The digit, if exactly one was read with enough confidence."""
        return self.digits[0] if self.status == "digit" else None

    @property
    def candidates(self) -> tuple[int, ...]:
        """The likeliest digits of an unsure prediction, the likeliest first; empty if there is more than one digit."""
        if self.status != "unsure" or self.probabilities is None:
            return ()
        least = _LEAST_LIKELY * max(self.probabilities)
        likely = [digit for digit, probability in self.ranking() if probability >= least]
        return tuple(likely[:_MOST_CANDIDATES])

    def ranking(self) -> tuple[tuple[int, float], ...]:
        """(digit, probability) for each of the ten digits, the likeliest first."""
        return tuple(sorted(enumerate(self.probabilities or ()), key=lambda pair: -pair[1]))


@dataclass(frozen=True)
class Reader:
    """Reads pictures with the engine of a model, a calibration of its probabilities, and a preparation of pictures."""

    engine: Engine
    calibration: Calibration = UNCALIBRATED
    preparation: Preparation = prepare

    def read_all(self, paths: Sequence[Path]) -> Iterator[Prediction]:
        """Yield a prediction for each picture, in order. A few pictures are prepared ahead. Raises `ModelError`."""
        for path, prepared in zip(paths, prepare_all(paths, self.preparation), strict=True):
            yield self._read(path, prepared)

    def _read(self, path: Path, prepared: Prepared | PictureError) -> Prediction:
        if isinstance(prepared, PictureError):
            return Prediction(path, "error", error=prepared.message, hint=prepared.hint)
        if not len(prepared.pixels):
            return Prediction(path, "none", steps=prepared.steps, is_first_of_several=prepared.is_first_of_several)
        probabilities = self.probabilities(prepared.pixels)
        digits = tuple(probabilities.argmax(axis=1).tolist())
        confidence = float(np.min(probabilities.max(axis=1)))
        return Prediction(
            path,
            self._status(digits, confidence),
            digits,
            confidence,
            tuple(probabilities[0].tolist()) if len(digits) == 1 else None,
            prepared.steps + self.engine.interface.steps,
            is_first_of_several=prepared.is_first_of_several,
            pixels=prepared.pixels,
        )

    def read_images(self, path: Path, images: Images) -> Iterator[Prediction]:
        """Yield a prediction for each image in a file: uint8, shape (n, 28, 28). Raises `ModelError`.

        The path of each has its position in square brackets.
        """
        for start in range(0, len(images), _IMAGES_AT_ONCE):
            batch = images[start : start + _IMAGES_AT_ONCE]
            for index, probabilities in enumerate(self.probabilities(batch)):
                digit, confidence = int(probabilities.argmax()), float(probabilities.max())
                yield Prediction(
                    Path(f"{path}[{start + index}]"),
                    self._status((digit,), confidence),
                    (digit,),
                    confidence,
                    tuple(probabilities.tolist()),
                    self.engine.interface.steps,
                    pixels=batch[index : index + 1],
                )

    def _status(self, digits: tuple[int, ...], confidence: float) -> Status:
        if confidence < self.calibration.threshold:
            return "unsure"
        return "digit" if len(digits) == 1 else "several"

    def probabilities(self, images: Images) -> Probabilities:
        """The calibrated probabilities for images, uint8, shape (n, 28, 28): float64, (n, 10). Raises `ModelError`."""
        return tempered(self.engine.probabilities(images), self.calibration.temperature)

    def explain(self, prediction: Prediction) -> tuple[Explanation, ...]:
        """Where the network looked, for each digit of a prediction. Raises `ModelError`."""
        images = () if prediction.pixels is None else prediction.pixels
        return tuple(explain(self.probabilities, image) for image in images)
