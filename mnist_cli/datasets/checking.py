"""From stored arrays to digits: what is wrong with a set is put right, left out or refused, and a note says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mnist_cli.arrays import CLASSES, Images
from mnist_cli.datasets.digits import Digits, Indices, Part
from mnist_cli.datasets.orientation import Change, Finding, examine
from mnist_cli.datasets.stored import IMAGES_LIMIT, TEST, TRAIN, WHOLE, Stored, StoredPart, checksum
from mnist_cli.datasets.values import LAST_CLASS, Classes, as_classes, as_images
from mnist_cli.errors import DataError
from mnist_cli.wording import count

# The digits that labels from 1 to 10 may stand for; there is no label 0.
_MEANINGS = {
    "10 is taken for 0": np.arange(CLASSES + 1) % CLASSES,
    "each is taken for one less": np.maximum(np.arange(CLASSES + 1) - 1, 0),
}
_NOUNS = {TRAIN: "training images", TEST: "test images", WHOLE: "images"}


@dataclass
class _Part:
    """A part on its way: images, labels that may be no digits yet, and the positions of the images in the file."""

    stored: StoredPart
    images: Images = field(repr=False)
    classes: Classes = field(repr=False)
    indices: Indices = field(repr=False)

    def keep(self, chosen: Indices) -> None:
        self.images, self.classes, self.indices = self.images[chosen], self.classes[chosen], self.indices[chosen]


@dataclass(frozen=True)
class Checked:
    """The parts of a data set as digits, its checksum, and notes on what was done to it.

    The checksum of a set that was put right depends on how.
    """

    parts: Mapping[str, Part]
    sha256: str
    notes: tuple[str, ...]


def check(stored: Stored, name: str, as_is: bool = False) -> Checked:
    """The digits of a data set. `name`: that of the set, for messages. `as_is`: nothing is put right.

    Raises `DataError`.
    """
    parts = _read(stored, name)
    notes = (*stored.notes, *(note for part in parts.values() for note in part.stored.notes))
    changes = _settle_labels(parts, name, as_is)
    doubts: tuple[str, ...] = ()
    if not as_is:
        findings = {key: _put_right(part) for key, part in parts.items()}
        changes += _changes(findings, name)
        doubts = _doubts(findings, name)
    digits = {key: Digits(part.images, part.classes.astype(np.uint8)) for key, part in parts.items()}
    sha256 = checksum(text.encode() for text in (stored.sha256, *changes)) if changes else stored.sha256
    return Checked(
        {key: Part(digits[key], part.indices, part.stored.paths) for key, part in parts.items()},
        sha256,
        (*notes, *changes, *doubts, *_duplicates(digits, name)),
    )


def _read(stored: Stored, name: str) -> dict[str, _Part]:
    """The images and the labels of all parts."""
    parts, inks = {}, {}
    for key, part in stored.parts.items():
        images, inks[part.images_name] = as_images(part.images(), f"{name}: {part.images_name}")
        classes = as_classes(part.labels(), f"{name}: {part.labels_name}")
        if len(images) != len(classes):
            images_text, labels_text = count(len(images), "image"), count(len(classes), "label")
            raise DataError(f"{name}: {images_text} in {part.images_name}, but {labels_text} in {part.labels_name}")
        indices = np.array(part.indices, np.intp) if part.indices else np.arange(len(images))
        parts[key] = _Part(part, images, classes, indices)
    if sum(len(part.images) for part in parts.values()) > IMAGES_LIMIT:
        raise DataError(f"{name}: more than {IMAGES_LIMIT:,} images are too many")
    if len(set(inks.values()) - {0}) > 1:
        raise DataError(f"{name}: pixels go from 0 to 1 in one of {' and '.join(inks)}, to 255 in the other")
    return parts


def _settle_labels(parts: Mapping[str, _Part], name: str, as_is: bool) -> tuple[str, ...]:
    """Make labels digits where it is clear what they mean, and note it. Raises `DataError` where it is not."""
    highest = max(int(part.classes.max()) for part in parts.values())
    if highest < CLASSES:
        return ()
    if all(part.classes.min() == 1 and part.classes.max() == CLASSES for part in parts.values()) and not as_is:
        return _from_ten(parts, name)
    if CLASSES < highest <= LAST_CLASS and all((part.classes == 0).any() for part in parts.values()):
        return _without_letters(parts, name)
    raise _no_digits(parts, name)


def _no_digits(parts: Mapping[str, _Part], name: str) -> DataError:
    low = min(part.classes.min() for part in parts.values())
    high = max(part.classes.max() for part in parts.values())
    return DataError(f"{name}: {_labels_name(parts)} holds labels from {low} to {high}; digits are 0 to 9")


def _labels_name(parts: Mapping[str, _Part]) -> str:
    return " and ".join(part.stored.labels_name for part in parts.values() if part.classes.max() >= CLASSES)


def _from_ten(parts: Mapping[str, _Part], name: str) -> tuple[str, ...]:
    """Make labels from 1 to 10 digits: 10 may stand for 0, or each for one less. The images tell."""
    part = max(parts.values(), key=lambda part: len(part.images))
    findings = {words: examine(part.images, meaning[part.classes]) for words, meaning in _MEANINGS.items()}
    best = max(findings, key=lambda words: findings[words].right)
    if findings[best].is_doubtful:
        raise _no_digits(parts, name)
    for part in parts.values():
        part.classes = _MEANINGS[best][part.classes]
    return (f"{name} has labels from 1 to 10: {best}",)


def _without_letters(parts: Mapping[str, _Part], name: str) -> tuple[str, ...]:
    """Leave out images with labels over 9, which are letters if the others are digits."""
    letters = 0
    for part in parts.values():
        digits = np.flatnonzero(part.classes < CLASSES)
        if examine(part.images[digits], part.classes[digits]).is_doubtful:
            raise _no_digits(parts, name)
        letters += len(part.classes) - len(digits)
    for part in parts.values():
        part.keep(np.flatnonzero(part.classes < CLASSES))
    return (f"{name} has letters among its digits (labels over 9); left out: {count(letters, 'image')}",)


def _put_right(part: _Part) -> Finding:
    """Turn the images of a part upright, if they are not."""
    finding = examine(part.images, part.classes)
    if finding.change != Change():
        part.images = finding.change.applied(part.images)
    return finding


def _changes(findings: Mapping[str, Finding], name: str) -> tuple[str, ...]:
    """A note for each kind of change, or for each part if they were changed differently."""
    nouns: dict[str, list[str]] = {}
    for key, finding in findings.items():
        nouns.setdefault(str(finding.change), []).append(_NOUNS[key])
    nouns.pop("", None)
    return tuple(
        f"the {' and '.join(own)} of {name} are {change}; they are put right (--as-is leaves them as they are)"
        for change, own in nouns.items()
    )


def _doubts(findings: Mapping[str, Finding], name: str) -> tuple[str, ...]:
    """A note on images that the model on board can't read, or reads otherwise than they are labelled."""
    right, sample = (sum(getattr(finding, field) for finding in findings.values()) for field in ("right", "sample"))
    if not any(finding.is_doubtful for finding in findings.values()):
        return ()
    reads = f"the model that comes with mnistcli reads only {right} of {sample} images of {name} as they are labelled"
    return (f"{reads}: they may not be digits, or have wrong labels",)


def _duplicates(parts: Mapping[str, Digits], name: str) -> tuple[str, ...]:
    """A note on test images that are among the training images too."""
    if TEST not in parts or TRAIN not in parts:
        return ()
    known = set(map(bytes, parts[TRAIN].images))
    count = sum(bytes(image) in known for image in parts[TEST].images)
    if not count:
        return ()
    return (f"{count:,} of the {len(parts[TEST]):,} test images of {name} are among its training images too",)
