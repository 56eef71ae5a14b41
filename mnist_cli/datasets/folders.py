"""Labelled pictures: a folder with a subfolder for each digit, or with a `labels.csv` (columns path and label).

Such folders may also stand in another one, named after the parts: training and testing, or train and test.
"""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from mnist_cli.arrays import CLASSES, SIDE, Images, Labels
from mnist_cli.datasets.stored import (
    TEST,
    TRAIN,
    VALIDATION,
    WHOLE,
    Stored,
    StoredPart,
    checksum,
    left_out,
    listed,
)
from mnist_cli.errors import DataError, PictureError
from mnist_cli.pictures.paths import find_in_folder
from mnist_cli.storage.files import read_file
from mnist_cli.wording import count

_LABELS = "labels.csv"
_LABELS_LIMIT = 2**26  # bytes
_PICTURES_LIMIT = 100_000
_DIGITS = tuple(map(str, range(CLASSES)))
# The names of folders for parts, in lower case; those for the last part are left out.
_PARTS = {
    **dict.fromkeys(("training", "train"), TRAIN),
    **dict.fromkeys(("testing", "test"), TEST),
    **dict.fromkeys(("validation", "valid", "val"), VALIDATION),
}


@dataclass(frozen=True)
class Listing:
    """The paths and the labels, 0 to 9, of the pictures in a folder, and the names of what else is in it."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pictures:
    """The pictures that show exactly one digit.

    `images`: uint8, shape (n, 28, 28). `indices`: the position of each among all pictures. `notes`: on the others.
    """

    images: Images
    indices: tuple[int, ...]
    notes: tuple[str, ...] = ()


def read_picture_folder(folder: Path) -> Stored | None:
    """The parts in a folder of labelled pictures; None if it is not one.

    The checksum is that of the prepared images and their labels. Raises `DataError`, also if no picture can be used.
    """
    folders = {WHOLE: folder} if _is_labelled(folder) else _part_folders(folder)
    validation = folders.pop(VALIDATION, None)
    if not folders:
        return None
    listings = {part: _listing(inner) for part, inner in folders.items()}
    if sum(len(listing.paths) for listing in listings.values()) > _PICTURES_LIMIT:
        raise DataError(f"{folder}: more than {_PICTURES_LIMIT:,} pictures are too many")
    others = [name for listing in listings.values() for name in listing.others]
    notes = left_out([*others, str(validation)] if validation else others)
    parts, contents = {}, []
    for part, listing in listings.items():
        pictures = prepare_pictures(listing.paths, folders[part])
        labels = np.array([listing.labels[index] for index in pictures.indices], np.uint8)
        parts[part] = _stored_part(pictures, labels, listing.paths)
        contents += [pictures.images.tobytes(), labels.tobytes()]
    return Stored(parts, checksum(contents), notes)


def _stored_part(pictures: Pictures, labels: Labels, paths: Sequence[Path]) -> StoredPart:
    return StoredPart(
        lambda: pictures.images, lambda: labels, paths=tuple(paths), indices=pictures.indices, notes=pictures.notes
    )


def _is_labelled(folder: Path) -> bool:
    """Whether a folder has a `labels.csv` or a subfolder for a digit."""
    return os.path.isfile(folder / _LABELS) or bool(_digit_folders(folder))


def _digit_folders(folder: Path) -> list[Path]:
    return [folder / digit for digit in _DIGITS if os.path.isdir(folder / digit)]


def _part_folders(folder: Path) -> dict[str, Path]:
    """The folders of labelled pictures in a folder that are named after parts.

    Raises `DataError` if two are for the same part.
    """
    found: dict[str, Path] = {}
    for name in sorted(name for name in os.listdir(folder) if name.lower() in _PARTS):
        part, inner = _PARTS[name.lower()], folder / name
        if not _is_labelled(inner):
            continue
        if part in found:
            both = f"{found[part].name} and {name}"
            raise DataError(f"{folder}: {both} are the same part of the data set", "Give a folder with one of them.")
        found[part] = inner
    return dict(sorted(found.items(), reverse=True))  # first the training part


def _listing(folder: Path) -> Listing:
    """The pictures in a folder of labelled pictures. Raises `DataError`, also if there are none."""
    listing = read_labels(folder) if os.path.isfile(folder / _LABELS) else _by_digit(folder)
    if not listing.paths:
        raise DataError(f"{folder}: there are no pictures in it")
    return listing


def _by_digit(folder: Path) -> Listing:
    found = {digit: find_in_folder(digit) for digit in _digit_folders(folder)}
    paths = tuple(path for pictures in found.values() for path in pictures.paths)
    labels = tuple(int(digit.name) for digit, pictures in found.items() for _ in pictures.paths)
    others = [str(folder / name) for name in os.listdir(folder) if name not in _DIGITS and not name.startswith(".")]
    files = sum(pictures.left_out for pictures in found.values())
    if files:
        others.append(f"{count(files, 'file')} without the suffix of a picture")
    return Listing(paths, labels, tuple(others))


def read_labels(folder: Path) -> Listing:
    """The pictures that `labels.csv` names. Raises `DataError`."""
    path = folder / _LABELS
    try:
        lines = csv.DictReader(io.StringIO(read_file(path, _LABELS_LIMIT, DataError).decode("utf-8-sig")))
        rows = [(lines.line_num, row.get("path") or "", row.get("label")) for row in islice(lines, _PICTURES_LIMIT + 1)]
    except (ValueError, csv.Error) as reason:
        raise DataError(f"{path}: not a CSV file in UTF-8") from reason
    if any(list(lines.fieldnames or ()).count(name) != 1 for name in ("path", "label")):
        raise DataError(f"{path}: its first line must name the columns path and label, each once")
    if len(rows) > _PICTURES_LIMIT:
        raise DataError(f"{path}: more than {_PICTURES_LIMIT:,} pictures are too many")
    seen: set[str] = set()
    for number, name, label in rows:
        if name in seen:
            raise DataError(f"{path}: line {number} names a picture for the second time")
        seen.add(name)
        if name in ("", "-") or label not in _DIGITS:  # as a path, "-" would be standard input
            raise DataError(f"{path}: line {number} has no path, or a label that is not a digit")
    paths = tuple(folder / name for _, name, _ in rows)
    return Listing(paths, tuple(_DIGITS.index(label) for _, _, label in rows if label))


def prepare_pictures(paths: Sequence[Path], where: Path) -> Pictures:
    """The pictures, prepared as for `predict`. `where`: the folder or the file that they are in, for messages.

    Raises `DataError` if no picture can be used.
    """
    from mnist_cli.pictures.preparation import prepare_all  # only these data sets need OpenCV and Pillow

    images = np.empty((len(paths), SIDE, SIDE), np.uint8)
    indices: list[int] = []
    broken: list[str] = []
    without_digit: list[str] = []
    first_error = None
    for index, (path, prepared) in enumerate(zip(paths, prepare_all(paths), strict=True)):
        if isinstance(prepared, PictureError):
            broken.append(path.name)
            first_error = first_error or prepared
        elif len(prepared.pixels) != 1:
            without_digit.append(path.name)
        else:
            images[len(indices)] = prepared.pixels[0]
            indices.append(index)
    if not indices:
        why = first_error.message if first_error else "in none was exactly one digit found"
        raise DataError(f"{where}: none of its pictures can be used: {why}", first_error.hint if first_error else "")
    notes = [
        f"left out {len(names):,} of {len(paths):,} pictures of {where}, {why}: {listed(names)}"
        for names, why in ((broken, "which can't be read"), (without_digit, "as not exactly one digit was found"))
        if names
    ]
    return Pictures(images[: len(indices)], tuple(indices), tuple(notes))
