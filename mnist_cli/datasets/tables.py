"""Files with an image in each row: CSV files with its pixels, and Parquet files with its picture."""

import hashlib
import os
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np

from mnist_cli.datasets.formats import unzipped_start
from mnist_cli.datasets.pixel_csv import looks_like_csv, read_csv
from mnist_cli.datasets.stored import (
    IMAGES_LIMIT,
    TRAIN,
    Stored,
    StoredPart,
    left_out,
    listed,
    named_parts,
    part_in,
    taken_for_training,
)
from mnist_cli.datasets.values import as_images
from mnist_cli.errors import DataError
from mnist_cli.storage.files import read_file

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".parquet")
"""The suffixes of tables in a folder, in lower case."""
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

    A part may consist of several tables. Tables without labels, and those for validation, are left out. Raises
    `DataError`.
    """
    names = [name for name in sorted(os.listdir(folder)) if name.lower().endswith(SUFFIXES)]
    if not names:
        return None
    by_part, unused = named_parts(
        {part: [name for name in names if part_in(name) == part] for part in map(part_in, names)}
    )
    digest = hashlib.sha256()
    tables: dict[str, list[StoredPart]] = {}
    others = [name for own in unused.values() for name in own]
    count = 0
    for part, name in sorted(((part, name) for part, own in by_part.items() for name in own), key=itemgetter(1)):
        content = read_file(folder / name, _FILE_LIMIT, DataError)
        table = read_table(content, folder / name) if is_table(content) else None
        if table is None:
            others.append(name)
            continue
        tables.setdefault(part, []).append(table)
        digest.update(content)
        count += len(table.labels())
        if count > IMAGES_LIMIT:
            raise DataError(f"{folder}: its tables hold more than {IMAGES_LIMIT:,} images, which are too many")
    if not tables:
        raise DataError(f"{folder}: no images with labels to train or test on in {listed(sorted(others))}")
    notes = taken_for_training(by_part.get(TRAIN, ())) + left_out(others)
    return Stored({part: _joined(own) for part, own in tables.items()}, digest.hexdigest(), notes)


def _joined(tables: Sequence[StoredPart]) -> StoredPart:
    """Several tables as one part."""
    if len(tables) == 1:
        return tables[0]
    images = np.concatenate([table.images() for table in tables])
    labels = np.concatenate([table.labels() for table in tables])
    return StoredPart(lambda: images, lambda: labels)
