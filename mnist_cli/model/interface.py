"""Detecting which pixels a model expects and which kind of outputs it gives.

A model from elsewhere does not say which pixels it was trained on. So it is shown digits with known labels, with pixels
in every usual range, and the range with the best answers is taken.
"""

import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import CLASSES, Images, Labels, Probabilities
from mnist_cli.data import MNIST_PATH
from mnist_cli.model.images import PLAIN, SCALES, Pixels
from mnist_cli.model.layers.activations import softmax

Outputs = Literal["softmax", "sigmoids", "logits"]
"""The kinds of outputs: probabilities; ten numbers from 0 to 1 with any sum; any other numbers."""

Raw = NDArray[np.floating[Any]]
"""The output of the last layer: float64, shape (n, 10), any numbers."""

Run = Callable[[Images, Pixels], Raw]
"""Runs a model on images that are prepared in the given way: `Engine.raw`."""

# Numbers of known digits: for comparing the likely ranges, for first tests of all ranges, and the least in any case.
_ALL_DIGITS, _QUICK_DIGITS, _FEWEST_DIGITS = 512, 64, 8
# If the mean loss is at most this, the plain range is right, and only the rivals are tried too.
_GOOD_LOSS = 0.01
# Ranges that are not mere rescalings: models that were trained on them may also read well from 0 to 1.
_RIVALS = (Pixels("columns of length 1"), Pixels("rows of length 1"))
# In standard errors of the difference in loss: how much worse a range must be to be dropped after the first test, and
# how much better than the plain range a mere rescaling must be to be taken.
_CLEARLY_WORSE, _BETTER = 3.0, 1.0
# A larger range makes an underconfident model more confident, and so its loss smaller. So another range must also be
# better than the plain one when each has its best temperature of these.
_TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0)
# The most work for each comparison of ranges, in multiply-adds: about half a second.
_WORK = 2 * 10**10
# The accuracy on the known digits below which there is a note, and below which there is a warning.
_MOST_READ, _LEAST_READ = 0.9, 0.5


@dataclass(frozen=True)
class Interface:
    """The pixels that a model expects and the outputs that it gives.

    `digits_read`: the number of known digits that it reads right and the number tried; None without detection.
    """

    pixels: Pixels = PLAIN
    outputs: Outputs = "softmax"
    digits_read: tuple[int, int] | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """The preparation of pixels in words, if it differs from that for mnistcli's own models."""
        return () if self.pixels == PLAIN else (f"pixels {self.pixels}",)

    @property
    def notes(self) -> tuple[str, ...]:
        """The differences from mnistcli's own models, each as the predicate of a sentence about the model."""
        notes = []
        right, known = self.digits_read or (1, 1)
        if self.pixels != PLAIN:
            notes.append(f"probably expects pixels {self.pixels} (with these it reads {right} of {known} known digits)")
        elif _LEAST_READ <= right / known < _MOST_READ:
            notes.append(f"reads {right} of {known} known digits at best; it may expect other pixels")
        if self.outputs == "logits":
            notes.append("gives logits; a softmax is added")
        if self.outputs == "sigmoids":
            notes.append("gives ten sigmoids; they are scaled to sum to 1")
        return tuple(notes)

    @property
    def warning(self) -> str:
        """The same for a model that does not read digits; empty if it does."""
        right, known = self.digits_read or (1, 1)
        if right >= _LEAST_READ * known:
            return ""
        return f"reads only {right} of {known} known digits; it may not be a digit model"


def as_probabilities(raw: Raw, outputs: Outputs) -> Probabilities:
    """The outputs of the last layer as probabilities, shape (n, 10); ten sigmoids of 0 mean a uniform distribution."""
    match outputs:
        case "softmax":
            return raw
        case "logits":
            return softmax(raw)
    sums = raw.sum(axis=1, keepdims=True)
    return np.where(sums > 0, raw / np.where(sums > 0, sums, 1), 1 / CLASSES)


def detect_interface(run: Run, work: int) -> Interface:
    """Detect the interface of a model. `work`: `Network.work`, the cost of one image in multiply-adds."""
    answers = _Answers(run)
    quick = _affordable(3 * work, _QUICK_DIGITS)
    is_good = answers.losses(PLAIN, quick).mean() <= _GOOD_LOSS
    if is_good and answers.best((PLAIN, *_RIVALS), quick) == PLAIN:
        return answers.interface(PLAIN, quick)
    ranges = [Pixels(*fields) for fields in product(SCALES, (False, True), (False, True))]
    few = _affordable(len(ranges) * work, _QUICK_DIGITS)
    best = answers.best(ranges, few)
    likely = {PLAIN, *(pixels for pixels in ranges if not answers.is_better(best, pixels, few, _CLEARLY_WORSE))}
    many = _affordable(len(likely) * work, _ALL_DIGITS)
    best = answers.best(likely, many)
    margin = 0.0 if best in _RIVALS else _BETTER
    if answers.is_better(best, PLAIN, many, margin) and answers.is_better(best, PLAIN, many, 0.0, _TEMPERATURES):
        interface = answers.interface(best, many)
        if not interface.warning:
            return interface
    return answers.interface(PLAIN, many)


def _affordable(work: int, most: int) -> int:
    """The number of digits to try, at most `most`, if each costs so much work."""
    return max(_FEWEST_DIGITS, min(most, _WORK // max(1, work)))


class _Answers:
    """A model's answers to the known digits, each computed once."""

    def __init__(self, run: Run) -> None:
        self._images, self._labels = known_digits()
        self._raw = cache(lambda pixels, count: run(self._images[:count], pixels))

    def losses(self, pixels: Pixels, count: int, temperatures: Sequence[float] = (1.0,)) -> NDArray[np.float64]:
        """The Brier score of each answer, from 0 to 2, at the best of the temperatures: shape (count,).

        Brier 1950, "Verification of forecasts expressed in terms of probability". With cross-entropy, a few wrong and
        very confident answers, which models trained on pixels from 0 to 255 give, would outweigh all others.
        """
        raw = self._raw(pixels, count)
        probabilities = as_probabilities(raw, _outputs(raw))
        losses = []
        for temperature in temperatures:
            powers = probabilities ** (1 / temperature)
            losses.append(self._brier_scores(powers / powers.sum(axis=1, keepdims=True), count))
        return min(losses, key=np.mean)

    def _brier_scores(self, probabilities: Probabilities, count: int) -> NDArray[np.float64]:
        """The squared distance of each answer from the one-hot label; 2, the worst, if it is not finite."""
        scores = np.square(probabilities - np.eye(CLASSES)[self._labels[:count]]).sum(axis=1)
        return np.where(np.isfinite(scores), scores, 2.0)

    def best(self, ranges: Iterable[Pixels], count: int) -> Pixels:
        """The range with the lowest mean loss on the first `count` digits."""
        return min(ranges, key=lambda pixels: float(self.losses(pixels, count).mean()))

    def is_better(
        self, pixels: Pixels, other: Pixels, count: int, margin: float, temperatures: Sequence[float] = (1.0,)
    ) -> bool:
        """Whether the mean loss of a range is lower than that of another, by more than `margin` standard errors."""
        differences = self.losses(other, count, temperatures) - self.losses(pixels, count, temperatures)
        return bool(differences.mean() > margin * differences.std() / count**0.5)

    def interface(self, pixels: Pixels, count: int) -> Interface:
        """The interface with these pixels, judged by the first `count` digits."""
        raw = self._raw(pixels, count)
        right = int((raw.argmax(axis=1) == self._labels[:count]).sum())
        return Interface(pixels, _outputs(raw), (right, count))


def _outputs(raw: Raw) -> Outputs:
    """The kind of outputs, judged by their values. Infinite ones count as "softmax": a softmax would not help."""
    if not np.isfinite(raw).all():
        return "softmax"
    if (raw < 0).any():
        return "logits"
    if np.allclose(raw.sum(axis=1), 1, atol=1e-3):
        return "softmax"
    return "sigmoids" if (raw <= 1).all() else "logits"


@cache
def known_digits() -> tuple[Images, Labels]:
    """The first training images of MNIST and their labels: uint8, shapes (512, 28, 28) and (512,)."""
    with zipfile.ZipFile(MNIST_PATH) as archive:
        return _first(archive, "x_train", _ALL_DIGITS), _first(archive, "y_train", _ALL_DIGITS)


def _first(archive: zipfile.ZipFile, key: str, count: int) -> NDArray[np.uint8]:
    """The first items of an array in an `.npz` file, without reading the rest."""
    with archive.open(f"{key}.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return np.frombuffer(file.read(count * prod(shape[1:])), dtype).reshape(count, *shape[1:])
