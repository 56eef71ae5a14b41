"""Arrays of numbers in files, an `.npz` or IDX files: headers are checked before anything is made room for."""

import gzip
import io
import struct
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.errors import DataError
from mnist_cli.storage.archive import Archive, ArchiveError, read_exactly
from mnist_cli.storage.files import size_text

# Of one array: the 60,000 training images as float64, and little more.
ARRAY_LIMIT = 400_000_000
_HEADER_LIMIT = 4096  # an honest .npy header is under 200 bytes

Array = NDArray[Any]


def read_npy(archive: Archive, key: str, name: str) -> Array:
    """The array of a key in an `.npz` archive; `name` is that of the data set. Raises `DataError`."""
    if f"{key}.npy" not in archive.names():
        keys = ", ".join(sorted(entry.removesuffix(".npy") for entry in archive.names())[:8])
        raise DataError(f"{name}: the array {key} is missing (found: {keys or 'nothing'})")
    try:
        with archive.open(f"{key}.npy") as file:
            shape, fortran_order, dtype = _read_npy_header(file)
            size = prod(shape) * dtype.itemsize
            if archive.size(f"{key}.npy") != file.tell() + size:
                raise ValueError(f"it does not hold the {size} bytes that its header tells of")
            content = read_exactly(file, size)
            return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")
    except ArchiveError as reason:
        raise DataError(f"{name}: {key} is {reason}") from reason


def _read_npy_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"unknown .npy version {version[0]}.{version[1]}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read(file, max_header_size=_HEADER_LIMIT)
    if dtype.kind not in "iuf" or dtype.subdtype is not None:
        raise ValueError(f"it holds {dtype}, not numbers")
    if min(shape, default=0) < 0 or len(shape) > 4 or prod(shape) * dtype.itemsize > ARRAY_LIMIT:
        raise ValueError(
            f"its header tells of a size below 0, of too many axes, or of more than {size_text(ARRAY_LIMIT)}"
        )
    return shape, fortran_order, dtype


# IDX: the format of the original MNIST files. Two zero bytes, 8 for bytes, the number of axes; their sizes; the bytes.

_IDX_MAGIC = (b"\0\0\x08\x01", b"\0\0\x08\x03")


def read_idx(content: bytes, path: Path) -> Array:
    """The array in an IDX file, gzip or not, that was read from `path`. Raises `DataError`."""
    file: Any = gzip.GzipFile(fileobj=io.BytesIO(content)) if content[:2] == b"\x1f\x8b" else io.BytesIO(content)
    try:
        shape = _read_idx_header(file)
        return np.frombuffer(read_exactly(file, prod(shape)), np.uint8).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as reason:
        raise DataError(f"{path}: not an IDX file, or a damaged one: {reason}") from reason


def _read_idx_header(file: Any) -> tuple[int, ...]:
    magic = file.read(4)
    if magic not in _IDX_MAGIC:
        raise ValueError("it does not begin like bytes with one or three axes")
    shape = struct.unpack(f">{magic[3]}I", file.read(4 * magic[3]))
    if not 0 < prod(shape) <= ARRAY_LIMIT:
        raise ValueError(f"it tells of nothing, or of more than {size_text(ARRAY_LIMIT)}")
    return shape
