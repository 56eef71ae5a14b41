"""What a model expects of the pixels that go in, and what comes out of it.

Of a model from elsewhere nobody tells, so it is asked: it is given digits whose labels are known, with pixels in every
range that people scale them to, and the range is taken with which it reads them best.
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
"""What the last layer gives: probabilities; ten shares that need not sum to 1; or neither."""

Raw = NDArray[np.floating[Any]]
"""What the last layer gives: float64, shape (n, 10), any numbers."""

Run = Callable[[Images, Pixels], Raw]
"""What the last layer gives for images whose pixels are put before the model like this."""

# Digits with which every range is compared; with fewer, the usual one is tried first; and the fewest for large models.
_ALL_DIGITS, _QUICK_DIGITS, _FEWEST_DIGITS = 512, 64, 8
# A model with such a mean loss reads well, and is asked no further.
_GOOD_LOSS = 0.01
# But models trained on these, which are no mere rescaling, may read well from 0 to 1 too.
_RIVALS = (Pixels("columns of length 1"), Pixels("rows of length 1"))
# In standard errors: by how much a range must be worse for it to be dropped after few digits, and by how much a mere
# rescaling must be better to be taken for the usual range.
_CLEARLY_WORSE, _BETTER = 3.0, 1.0
# A model that is less sure than it could be seems to read better where pixels are further apart. So another range must
# be better than the usual one also where the logits of both are divided by the temperature that suits them best.
_TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0)
# What each comparison of ranges may cost, in multiply-adds: half a second or so.
_WORK = 2 * 10**10
# With a smaller share of the digits read right it is told how many they are; or it may not be a digit model at all.
_MOST_READ, _LEAST_READ = 0.9, 0.5


@dataclass(frozen=True)
class Interface:
    """How a model is used.

    `digits_read`: how many known digits it read right, and of how many; None where it was not asked.
    """

    pixels: Pixels = PLAIN
    outputs: Outputs = "softmax"
    digits_read: tuple[int, int] | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """What is done to the pixels that is not done for mnistcli's own models, in words."""
        return () if self.pixels == PLAIN else (f"pixels {self.pixels}",)

    @property
    def notes(self) -> tuple[str, ...]:
        """What has been found out and is not as in mnistcli's own models: ends of sentences about the model."""
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
        """Likewise; empty where it reads digits."""
        right, known = self.digits_read or (1, 1)
        if right >= _LEAST_READ * known:
            return ""
        return f"reads only {right} of {known} known digits; it may not be a digit model"


def as_probabilities(raw: Raw, outputs: Outputs) -> Probabilities:
    """What a last layer gives as probabilities. Of shares that are all 0, each is as likely as the others."""
    match outputs:
        case "softmax":
            return raw
        case "logits":
            return softmax(raw)
    sums = raw.sum(axis=1, keepdims=True)
    return np.where(sums > 0, raw / np.where(sums > 0, sums, 1), 1 / CLASSES)


def detected(run: Run, work: int) -> Interface:
    """The interface of a model, found by asking it; `work` is that of its network for one image."""
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
        found = answers.interface(best, many)
        return answers.interface(PLAIN, many) if found.warning else found
    return answers.interface(PLAIN, many)


def _affordable(work: int, most: int) -> int:
    """How many digits may be tried, where one costs so much."""
    return max(_FEWEST_DIGITS, min(most, _WORK // max(1, work)))


class _Answers:
    """What a model answers to the known digits; to each question it is asked once."""

    def __init__(self, run: Run) -> None:
        self._images, self._labels = known_digits()
        self._raw = cache(lambda pixels, count: run(self._images[:count], pixels))

    def losses(self, pixels: Pixels, count: int, temperatures: Sequence[float] = (1.0,)) -> NDArray[np.float64]:
        """The squared distance of each answer from the truth, from 0 to 2, at the temperature that suits them best.

        Brier 1950, "Verification of forecasts expressed in terms of probability". A few answers that are wrong and very
        sure, as models give that were trained on pixels from 0 to 255, do not outweigh all others as in a
        cross-entropy.
        """
        raw = self._raw(pixels, count)
        probabilities = as_probabilities(raw, _outputs(raw))
        powers = (probabilities ** (1 / temperature) for temperature in temperatures)
        return min((self._distances(each / each.sum(axis=1, keepdims=True), count) for each in powers), key=np.mean)

    def _distances(self, probabilities: Probabilities, count: int) -> NDArray[np.float64]:
        """Where an answer is not finite, the largest possible."""
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
    """What a last layer gives, judging by its numbers. What is not finite can't be mended by a softmax."""
    if not np.isfinite(raw).all():
        return "softmax"
    if (raw < 0).any():
        return "logits"
    if np.allclose(raw.sum(axis=1), 1, atol=1e-3):
        return "softmax"
    return "sigmoids" if (raw <= 1).all() else "logits"


@cache
def known_digits() -> tuple[Images, Labels]:
    """The first training images of MNIST, and their labels, which are read without those that follow."""
    with zipfile.ZipFile(MNIST_PATH) as archive:
        return _beginning(archive, "x_train", _ALL_DIGITS), _beginning(archive, "y_train", _ALL_DIGITS)


def _beginning(archive: zipfile.ZipFile, key: str, count: int) -> NDArray[np.uint8]:
    with archive.open(f"{key}.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return np.frombuffer(file.read(count * prod(shape[1:])), dtype).reshape(count, *shape[1:])
