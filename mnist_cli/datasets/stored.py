"""What the readers of all forms give: the arrays of a data set, as they are stored."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from mnist_cli.errors import DataError

TRAIN, TEST, WHOLE = "train", "test", "all"
"""The names of parts. A set without parts has only the last one."""
VALIDATION = "validation"
"""The part of images that are neither trained nor tested on."""
IMAGES_LIMIT = 1_000_000
"""The most images of a data set."""
FILE_LIMIT = 2**29
"""The most bytes of a file."""
# A note names so many things, and counts the others.
_NAMED = 5

Array = NDArray[Any]
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class StoredPart:
    """The images and the labels of a part, read at the first use, which may raise `DataError`.

    `images_name`, `labels_name`: what the two are called in the file, for messages. `paths`: the pictures, if each
    image is one. `indices`: the positions of the images in the file, or among the paths; empty: there are no others.
    `notes`: on what was left out.
    """

    images: Callable[[], Array]
    labels: Callable[[], Array]
    images_name: str = "images"
    labels_name: str = "labels"
    paths: tuple[Path, ...] = ()
    indices: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stored:
    """A data set as it is stored: its parts by their names, its checksum, and notes on what was left out of the set."""

    parts: Mapping[str, StoredPart]
    sha256: str
    notes: tuple[str, ...] = ()


def checksum(contents: Iterable[bytes]) -> str:
    """The SHA-256 of the contents, joined."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def part_in(name: str) -> str:
    """The part that the name of an array, a file or a folder speaks of; all if of none.

    Only words count: "latest" and "contest" speak of no test.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    if re.search(r"(?<![a-z])([xy]|mnist)?train", words):
        return TRAIN
    if re.search(r"(?<![a-z])([xy]|mnist)?(test|t10k)", words):
        return TEST
    return VALIDATION if re.search(r"(?<![a-z])([xy]|mnist)?val(id(ation)?)?(?![a-z])", words) else WHOLE


def named_parts(parts: Mapping[str, Kind]) -> tuple[dict[str, Kind], dict[str, Kind]]:
    """The training and the test part, or the only one; and what is left out.

    What names no part is the training part of a set that only has a test part besides.
    """
    found = {part: parts[part] for part in (TRAIN, TEST, WHOLE) if part in parts}
    if TEST in found and WHOLE in found and TRAIN not in found:
        found = {TRAIN: found[WHOLE], TEST: found[TEST]}
    elif len(found) > 1:
        found.pop(WHOLE, None)
    kept = list(found.values())
    return found, {part: own for part, own in parts.items() if not any(own is other for other in kept)}


def left_out(names: Iterable[str]) -> tuple[str, ...]:
    """A note on what was left out, if anything was."""
    names = sorted(names)
    return (f"left out: {listed(names)}",) if names else ()


def listed(names: Sequence[str]) -> str:
    """The first names, and the number of the others."""
    others = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {others:,} more" if others > 0 else "")


def taken_for_training(names: Iterable[str]) -> tuple[str, ...]:
    """A note on what is trained on although its name does not say so; `names`: those of the training part."""
    unnamed = sorted(name for name in names if part_in(name) == WHOLE)
    return (f"taken for the training part: {listed(unnamed)}",) if unnamed else ()


def unlabelled(name: str) -> DataError:
    """The error for images without labels."""
    return DataError(f"{name}: its images have no labels", "`mnistcli predict` reads them.")
