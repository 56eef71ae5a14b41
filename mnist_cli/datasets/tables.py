"""Files with an image in each row: CSV files with its pixels, and Parquet files with its picture."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mnist_cli.datasets.formats import unzipped_start
from mnist_cli.datasets.pixel_csv import looks_like_csv, read_csv
from mnist_cli.datasets.stored import Stored, StoredPart, left_out, listed, part_in
from mnist_cli.datasets.values import as_images
from mnist_cli.errors import DataError
from mnist_cli.storage.files import read_file

_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".parquet")
_PARQUET_MAGIC = b"PAR1"
_FILE_LIMIT = 2**28  # bytes


def is_table(content: bytes) -> bool:
    """Whether a file begins like a CSV or a Parquet file of images."""
    return content.startswith(_PARQUET_MAGIC) or looks_like_csv(unzipped_start(content))


def read_table(content: bytes, path: Path) -> StoredPart | None:
    """The part in the content of a table; None if its images have no labels. Raises `DataError`."""
    if content.startswith(_PARQUET_MAGIC):
        from mnist_cli.datasets.parquet import read_parquet  # which starts child processes

        return read_parquet(content, path)
    table = read_csv(content, path)
    if table.labels is None:
        return None
    images, labels = as_images(table.pixels, str(path))[0], table.labels
    return StoredPart(lambda: images, lambda: labels)


def read_table_folder(folder: Path) -> Stored | None:
    """The parts in a folder with tables that are named after parts; None if there are no tables.

    A part may consist of several tables. Tables without labels are left out. Raises `DataError`.
    """
    tables: dict[str, list[StoredPart]] = {}
    digest = hashlib.sha256()
    others = []
    for name in sorted(name for name in os.listdir(folder) if name.endswith(_SUFFIXES)):
        content = read_file(folder / name, _FILE_LIMIT, DataError)
        table = read_table(content, folder / name) if is_table(content) else None
        if table:
            tables.setdefault(part_in(name), []).append(table)
            digest.update(content)
        else:
            others.append(name)
    if others and not tables:
        raise DataError(f"{folder}: no images with labels in {listed(others)}")
    notes = left_out(others)
    return Stored({part: _joined(own) for part, own in tables.items()}, digest.hexdigest(), notes) if tables else None


def _joined(tables: Sequence[StoredPart]) -> StoredPart:
    """Several tables as one part."""
    if len(tables) == 1:
        return tables[0]
    images = np.concatenate([table.images() for table in tables])
    labels = np.concatenate([table.labels() for table in tables])
    return StoredPart(lambda: images, lambda: labels)
