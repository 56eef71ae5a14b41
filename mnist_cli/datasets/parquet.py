"""Parquet files as Hugging Face writes them: a column of encoded pictures, and a column of labels.

pyarrow and Pillow read them in child processes with limits, as their native code may have flaws.
"""

import io
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mnist_cli.arrays import SIDE, Images
from mnist_cli.datasets.folders import Pictures, prepare_pictures
from mnist_cli.datasets.stored import Array, StoredPart
from mnist_cli.errors import DataError, first_line
from mnist_cli.storage.workers import Limits, WorkError, in_child, in_order

_ROWS_LIMIT = 200_000
_PICTURES_LIMIT = 2**28  # bytes of all pictures in a file
_LIMITS = Limits(seconds=4, memory=600_000_000)
_CHUNK = 500  # pictures that a child decodes at once
_LABEL_NAMES = ("label", "labels", "digit", "class", "target")

Columns = tuple[list[bytes], Array]
"""The encoded pictures, and their labels."""


def read_parquet(content: bytes, path: Path) -> StoredPart:
    """The part in the content of a Parquet file. Raises `DataError`.

    Grey pictures of 28x28 keep their pixels; if any is different, all are prepared as for `predict`.
    """
    if find_spec("pyarrow") is None:
        raise DataError(f"{path}: reading Parquet needs pyarrow", "Install it: `pip install 'mnistcli[parquet]'`.")
    encoded, labels = _columns(content, path)
    images = _plain_images(encoded)
    if images is not None:
        return StoredPart(lambda: images, lambda: labels)
    pictures = _prepared(encoded, path)
    own_labels = labels[list(pictures.indices)]
    return StoredPart(lambda: pictures.images, lambda: own_labels, indices=pictures.indices, notes=pictures.notes)


def _columns(content: bytes, path: Path) -> Columns:
    try:
        return in_child(_read_columns, content, _LIMITS)
    except WorkError as reason:
        raise DataError(f"{path}: it {reason}") from reason
    except Exception as reason:  # a damaged file makes pyarrow raise almost anything
        raise DataError(f"{path}: not a Parquet file of labelled images: {first_line(reason)}") from reason


def _read_columns(content: bytes) -> Columns:
    """The columns of a Parquet file, in a child process. Raises `ValueError`, or almost anything."""
    import pyarrow
    from pyarrow import parquet

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    file = parquet.ParquetFile(pyarrow.BufferReader(content))
    if not 0 < file.metadata.num_rows <= _ROWS_LIMIT:
        raise ValueError(f"it has {file.metadata.num_rows:,} rows; 1 to {_ROWS_LIMIT:,} are read")
    schema = file.schema_arrow
    labels = [
        name for name in schema.names if name in _LABEL_NAMES and pyarrow.types.is_integer(schema.field(name).type)
    ]
    pictures = [name for name in schema.names if _holds_pictures(schema.field(name).type)]
    if len(labels) != 1 or len(pictures) != 1:
        raise ValueError("a column of pictures (image.bytes) and one of whole numbers (label) are needed")
    encoded: list[bytes] = []
    found: list[int] = []
    for batch in file.iter_batches(batch_size=1024, columns=[pictures[0], labels[0]], use_threads=False):
        encoded += [_bytes_of(entry) for entry in batch.column(pictures[0]).to_pylist()]
        found += batch.column(labels[0]).to_pylist()
        if sum(map(len, encoded[-len(batch) :])) > _PICTURES_LIMIT:
            raise ValueError("its pictures are too large")
    return encoded, np.array(found, np.int64)


def _holds_pictures(kind: Any) -> bool:
    """Whether a column of this type holds bytes, or structures with a field of bytes."""
    from pyarrow import types

    if types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _holds_pictures(kind.field(index).type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _bytes_of(entry: Any) -> bytes:
    content = entry.get("bytes") if isinstance(entry, dict) else entry
    if not isinstance(content, bytes):
        raise ValueError("a row has no picture")
    return content


def _plain_images(encoded: Sequence[bytes]) -> Images | None:
    """The images, if all are grey and 28x28: uint8, shape (n, 28, 28)."""
    chunks = [encoded[start : start + _CHUNK] for start in range(0, len(encoded), _CHUNK)]
    decoded = list(in_order(_decode, chunks, _LIMITS))
    images = [images for images in decoded if isinstance(images, np.ndarray)]
    return np.concatenate(images) if len(images) == len(chunks) else None


def _decode(encoded: Sequence[bytes]) -> Images | None:
    """The images, if all are grey and 28x28, in a child process."""
    from PIL import Image

    images = np.empty((len(encoded), SIDE, SIDE), np.uint8)
    for image, content in zip(images, encoded, strict=True):
        try:
            with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
                if picture.size != (SIDE, SIDE) or picture.mode != "L":
                    return None
                image[:] = np.asarray(picture)
        except Exception:  # what is wrong with it, its preparation will say
            return None
    return images


def _prepared(encoded: Sequence[bytes], path: Path) -> Pictures:
    """The pictures, prepared as for `predict`, which reads files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"image {index}") for index in range(len(encoded))]
        for file, content in zip(paths, encoded, strict=True):
            file.write_bytes(content)
        return prepare_pictures(paths, path)
