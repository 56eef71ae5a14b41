"""The pixels that a model expects, and the kind of outputs that it gives.

A model from elsewhere does not say what pixels it was trained on. So it is shown digits whose labels are known, with
pixels in every range that people scale them to; the range with the best answers is taken.
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
"""Probabilities; ten shares that need not sum to 1; or any other numbers."""

Raw = NDArray[np.floating[Any]]
"""The output of the last layer: float64, shape (n, 10), any numbers."""

Run = Callable[[Images, Pixels], Raw]
"""Runs a model on images whose pixels are prepared like this."""

# Known digits: to compare the likely ranges, to try the usual one and drop bad ones, and the minimum for large models.
_ALL_DIGITS, _QUICK_DIGITS, _FEWEST_DIGITS = 512, 64, 8
# With a mean loss of at most this, the usual range is right, and no other is tried...
_GOOD_LOSS = 0.01
# ...but for these, which are no mere rescaling: models that were trained on them may read well from 0 to 1 too.
_RIVALS = (Pixels("columns of length 1"), Pixels("rows of length 1"))
# In standard errors: how much worse a range must be to be dropped after few digits, and how much better than the usual
# range a mere rescaling must be to be taken.
_CLEARLY_WORSE, _BETTER = 3.0, 1.0
# An underconfident model seems to read better when pixels are further apart. So another range must be better than the
# usual one also when the logits of each are divided by the best of these temperatures for it.
_TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0)
# The work of each comparison of ranges, in multiply-adds: about half a second.
_WORK = 2 * 10**10
# Shares of the known digits that are read right: below the first a note says how many, below the second a warning.
_MOST_READ, _LEAST_READ = 0.9, 0.5


@dataclass(frozen=True)
class Interface:
    """How to use a model.

    `digits_read`: how many known digits it reads right, and out of how many; None if it was not tried.
    """

    pixels: Pixels = PLAIN
    outputs: Outputs = "softmax"
    digits_read: tuple[int, int] | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """How pixels are prepared, if not as for mnistcli's own models."""
        return () if self.pixels == PLAIN else (f"pixels {self.pixels}",)

    @property
    def notes(self) -> tuple[str, ...]:
        """What differs from mnistcli's own models, as predicates of sentences about the model."""
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
        """A predicate likewise; empty if the model reads digits."""
        right, known = self.digits_read or (1, 1)
        if right >= _LEAST_READ * known:
            return ""
        return f"reads only {right} of {known} known digits; it may not be a digit model"


def as_probabilities(raw: Raw, outputs: Outputs) -> Probabilities:
    """The outputs of a last layer as probabilities. If all sigmoids are 0, all digits are equally likely."""
    match outputs:
        case "softmax":
            return raw
        case "logits":
            return softmax(raw)
    sums = raw.sum(axis=1, keepdims=True)
    return np.where(sums > 0, raw / np.where(sums > 0, sums, 1), 1 / CLASSES)


def detect_interface(run: Run, work: int) -> Interface:
    """Find out how to use a model; `work` is that of its network for one image."""
    answers = _Answers(run)
    quick = _affordable(3 * work, _QUICK_DIGITS)
    good = answers.losses(PLAIN, quick).mean() <= _GOOD_LOSS
    if good and answers.best((PLAIN, *_RIVALS), quick) == PLAIN:
        return answers.interface(PLAIN, quick)
    every = [Pixels(*each) for each in product(SCALES, (False, True), (False, True))]
    few = _affordable(len(every) * work, _QUICK_DIGITS)
    best = answers.best(every, few)
    likely = {PLAIN, *(each for each in every if not answers.is_better(best, each, few, _CLEARLY_WORSE))}
    many = _affordable(len(likely) * work, _ALL_DIGITS)
    best = answers.best(likely, many)
    errors = 0.0 if best in _RIVALS else _BETTER
    if answers.is_better(best, PLAIN, many, errors) and answers.is_better(best, PLAIN, many, 0.0, _TEMPERATURES):
        interface = answers.interface(best, many)
        return answers.interface(PLAIN, many) if interface.warning else interface
    return answers.interface(PLAIN, many)


def _affordable(work: int, most: int) -> int:
    """How many digits may be tried if one costs so much work."""
    return max(_FEWEST_DIGITS, min(most, _WORK // max(1, work)))


class _Answers:
    """A model's answers to the known digits, each computed once."""

    def __init__(self, run: Run) -> None:
        self._images, self._labels = known_digits()
        self._raw = cache(lambda pixels, count: run(self._images[:count], pixels))

    def losses(self, pixels: Pixels, count: int, temperatures: Sequence[float] = (1.0,)) -> NDArray[np.float64]:
        """The squared distance of each answer from the truth, from 0 to 2, at the best of the temperatures.

        Brier 1950, "Verification of forecasts expressed in terms of probability". Unlike with cross-entropy, a few
        answers that are wrong and very confident, as of models trained on pixels from 0 to 255, do not outweigh all
        others.
        """
        raw = self._raw(pixels, count)
        probabilities = as_probabilities(raw, _outputs(raw))
        powers = (probabilities ** (1 / temperature) for temperature in temperatures)
        return min((self._distances(each / each.sum(axis=1, keepdims=True), count) for each in powers), key=np.mean)

    def _distances(self, probabilities: Probabilities, count: int) -> NDArray[np.float64]:
        """The squared distances of answers from the truth; the largest possible for one that is not finite."""
        distances = np.square(probabilities - np.eye(CLASSES)[self._labels[:count]]).sum(axis=1)
        return np.where(np.isfinite(distances), distances, 2.0)

    def best(self, ranges: Iterable[Pixels], count: int) -> Pixels:
        return min(ranges, key=lambda pixels: float(self.losses(pixels, count).mean()))

    def is_better(
        self, one: Pixels, other: Pixels, count: int, errors: float, temperatures: Sequence[float] = (1.0,)
    ) -> bool:
        """Whether the losses of one range are smaller, by so many standard errors of the difference."""
        differences = self.losses(other, count, temperatures) - self.losses(one, count, temperatures)
        return bool(differences.mean() > errors * differences.std() / count**0.5)

    def interface(self, pixels: Pixels, count: int) -> Interface:
        raw = self._raw(pixels, count)
        right = int((raw.argmax(axis=1) == self._labels[:count]).sum())
        return Interface(pixels, _outputs(raw), (right, count))


def _outputs(raw: Raw) -> Outputs:
    """The kind of outputs, judged by their numbers. If some are not finite, a softmax would not help."""
    if not np.isfinite(raw).all():
        return "softmax"
    if (raw < 0).any():
        return "logits"
    if np.allclose(raw.sum(axis=1), 1, atol=1e-3):
        return "softmax"
    return "sigmoids" if (raw <= 1).all() else "logits"


@cache
def known_digits() -> tuple[Images, Labels]:
    """The first training images of MNIST, and their labels, read without those that follow."""
    with zipfile.ZipFile(MNIST_PATH) as archive:
        return _first(archive, "x_train", _ALL_DIGITS), _first(archive, "y_train", _ALL_DIGITS)


def _first(archive: zipfile.ZipFile, key: str, count: int) -> NDArray[np.uint8]:
    """The first items of an array in an `.npz` file."""
    with archive.open(f"{key}.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return np.frombuffer(file.read(count * prod(shape[1:])), dtype).reshape(count, *shape[1:])
