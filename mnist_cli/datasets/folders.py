"""Labelled pictures: a folder with a subfolder for each digit, or with a `labels.csv` (columns path and label)."""

import csv
import io
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from mnist_cli.arrays import CLASSES, SIDE, Images
from mnist_cli.errors import DataError, PictureError
from mnist_cli.pictures.paths import find_in_folder
from mnist_cli.storage.files import read_file

_LABELS = "labels.csv"
_LABELS_LIMIT = 2**26  # bytes
_PICTURES_LIMIT = 100_000
_DIGITS = tuple(map(str, range(CLASSES)))


def is_picture_folder(folder: Path) -> bool:
    """Whether a folder has a `labels.csv` or a subfolder for a digit."""
    return os.path.isfile(folder / _LABELS) or bool(_digit_folders(folder))


def find_labelled(folder: Path) -> list[tuple[Path, int]]:
    """The path and the label, 0 to 9, of each picture in such a folder. Raises `DataError`, also if there are none."""
    if os.path.isfile(folder / _LABELS):
        pictures = _read_labels(folder)
    else:
        pictures = [(path, int(digit.name)) for digit in _digit_folders(folder) for path in find_in_folder(digit).paths]
    if not pictures:
        raise DataError(f"{folder}: there are no pictures in it")
    return pictures


def _digit_folders(folder: Path) -> list[Path]:
    return [folder / digit for digit in _DIGITS if os.path.isdir(folder / digit)]


def _read_labels(folder: Path) -> list[tuple[Path, int]]:
    """The path and the label of each picture in `labels.csv`. Raises `DataError`."""
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
    for number, name, label in rows:
        if name in ("", "-") or label not in _DIGITS:  # as a path, "-" would be standard input
            raise DataError(f"{path}: line {number} has no path, or a label that is not a digit")
    return [(folder / name, _DIGITS.index(label)) for _, name, label in rows]


def read_images(paths: Sequence[Path]) -> Images:
    """The pictures, prepared as for `predict`: uint8, shape (n, 28, 28). Raises `DataError` if one can't be read.

    A picture without exactly one digit becomes an empty image.
    """
    from mnist_cli.pictures.preparation import prepare_all  # only these data sets need OpenCV and Pillow

    images = np.zeros((len(paths), SIDE, SIDE), np.uint8)
    for image, prepared in zip(images, prepare_all(paths), strict=True):
        if isinstance(prepared, PictureError):
            raise DataError(prepared.message, prepared.hint)
        if len(prepared.pixels) == 1:
            image[:] = prepared.pixels[0]
    return images
