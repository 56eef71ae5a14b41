"""What a model expects of the pixels that go in, and what comes out of it.

Of a model from elsewhere nobody tells, so it is asked: it is given digits whose labels are known, with pixels in every
range that people scale them to, and the range is taken with which it reads them best.
"""

import zipfile
from collections.abc import Callable
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
"""What the last layer gives: shape (n, 10)."""

# Digits that a model is asked: all; with every range, unless its first answers are close to the truth; and at least.
_KNOWN, _FIRST, _LEAST = 512, 64, 8
# How close: a mean loss.
_WELL = 0.01
# In standard errors: what a range must be worse by not to be tried with all digits, and what another must be better by
# than the usual one to be taken.
_CLEARLY, _MARGIN = 3.0, 1.0
# What trying them may cost, first on few digits and then on more: a second or two each.
_WORK = 10**11
# With a smaller share read right it may not be a digit model at all.
_LEAST_READ = 0.5


@dataclass(frozen=True)
class Interface:
    """How a model is used. `read`: of how many known digits it read how many right; None where it was not asked."""

    pixels: Pixels = PLAIN
    outputs: Outputs = "softmax"
    read: tuple[int, int] | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """What is done to the pixels that is not done for mnistcli's own models, in words."""
        return () if self.pixels == PLAIN else (f"pixels {self.pixels}",)

    @property
    def notes(self) -> tuple[str, ...]:
        """What has been found out and is not as in mnistcli's own models, in sentences about "it"."""
        told = []
        if self.read is not None and self.pixels != PLAIN:
            told.append(f"expects pixels {self.pixels}: so it reads {self.read[0]} of {self.read[1]} digits right")
        if self.outputs == "logits":
            told.append("gives logits: a softmax is added")
        if self.outputs == "sigmoids":
            told.append("gives ten sigmoids: they are scaled to the sum 1")
        return tuple(told)

    @property
    def warning(self) -> str:
        if self.read is None or self.read[0] >= _LEAST_READ * self.read[1]:
            return ""
        return f"reads only {self.read[0]} of {self.read[1]} known digits right: it may not be a digit model"


def as_probabilities(raw: Raw, outputs: Outputs) -> Probabilities:
    """What a last layer gives as probabilities. Of shares that are all 0, each is as likely as the others."""
    match outputs:
        case "softmax":
            return raw
        case "logits":
            return softmax(raw)
    sums = raw.sum(axis=1, keepdims=True)
    return np.where(sums > 0, raw / np.where(sums > 0, sums, 1), 1 / CLASSES)


def asked(run: Callable[[Images, Pixels], Raw], work: int) -> Interface:
    """The interface of a model; `work` is that of `Network.work`.

    `run` gives what its last layer makes of images with their pixels put like this.
    """
    images, labels = known_digits()

    def losses(pixels: Pixels, count: int) -> NDArray[np.float64]:
        raw = run(images[:count], pixels)
        return _losses(as_probabilities(raw, _outputs(raw)), labels[:count])

    if losses(PLAIN, _FIRST).mean() <= _WELL:
        return _told(run, PLAIN, images[:_FIRST], labels[:_FIRST])
    found = _told(run, _likeliest(losses, work, len(labels)), images, labels)
    return _told(run, PLAIN, images, labels) if found.warning else found


def _told(run: Callable[[Images, Pixels], Raw], pixels: Pixels, images: Images, labels: Labels) -> Interface:
    raw = run(images, pixels)
    return Interface(pixels, _outputs(raw), (int((raw.argmax(axis=1) == labels).sum()), len(labels)))


def _likeliest(losses: Callable[[Pixels, int], NDArray[np.float64]], work: int, known: int) -> Pixels:
    """The range with the smallest losses: of all on a few digits, and of those that may be best on more."""
    every = [Pixels(*each) for each in product(SCALES, (False, True), (False, True))]
    few = _affordable(len(every) * work, _LEAST, _FIRST)
    tried = {pixels: losses(pixels, few) for pixels in every}
    best = min(tried.values(), key=np.mean)
    likely = [pixels for pixels in every if pixels == PLAIN or not _is_better(best, tried[pixels], _CLEARLY)]
    many = _affordable(len(likely) * work, _FIRST, known)
    tried = {pixels: losses(pixels, many) for pixels in likely}
    found = min(tried, key=lambda pixels: float(tried[pixels].mean()))
    return found if _is_better(tried[found], tried[PLAIN], _MARGIN) else PLAIN


def _affordable(work: int, least: int, most: int) -> int:
    return max(least, min(most, _WORK // max(1, work)))


def _is_better(losses: NDArray[np.float64], others: NDArray[np.float64], errors: float) -> bool:
    """Whether losses of the same digits are smaller, by so many standard errors of the difference."""
    differences = others - losses
    return bool(differences.mean() > errors * differences.std() / len(differences) ** 0.5)


def _losses(probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """The squared distance of each answer from the truth: from 0 to 2, and 2 where it is no number.

    Brier 1950, "Verification of forecasts expressed in terms of probability". A few answers that are wrong and very
    sure, as models give that were trained on pixels from 0 to 255, do not outweigh all others as in a cross-entropy.
    """
    distances = np.square(probabilities - np.eye(CLASSES)[labels]).sum(axis=1)
    return np.where(np.isfinite(distances), distances, 2.0)


def _outputs(raw: Raw) -> Outputs:
    """What a last layer gives, judging by its numbers."""
    if (raw < 0).any() or not np.isfinite(raw).all():
        return "logits"
    if np.allclose(raw.sum(axis=1), 1, atol=1e-3):
        return "softmax"
    return "sigmoids" if (raw <= 1).all() else "logits"


@cache
def known_digits() -> tuple[Images, Labels]:
    """The first training images of MNIST, and their labels, which are read without those that follow."""
    with zipfile.ZipFile(MNIST_PATH) as archive:
        return _beginning(archive, "x_train", _KNOWN), _beginning(archive, "y_train", _KNOWN)


def _beginning(archive: zipfile.ZipFile, key: str, count: int) -> NDArray[np.uint8]:
    with archive.open(f"{key}.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return np.frombuffer(file.read(count * prod(shape[1:])), dtype).reshape(count, *shape[1:])
