"""Arrays in `.npz` archives and IDX files, whose headers are checked before memory is allocated."""

import gzip
import io
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.errors import DataError
from mnist_cli.storage.archive import Archive, ArchiveError, read_exactly
from mnist_cli.storage.files import size_text

# Bytes: enough for the 60,000 training images as float64.
ARRAY_LIMIT = 400_000_000
_AXES_LIMIT = 4
_HEADER_LIMIT = 4096  # an honest .npy header has under 200 bytes
_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

_GZIP_MAGIC = b"\x1f\x8b"
# IDX is the format of the original MNIST files: two zero bytes, 8 for the type uint8, the number of axes; the size of
# each axis as a big-endian 32-bit number; the values.
_IDX_MAGIC = (b"\0\0\x08\x01", b"\0\0\x08\x03")

Array = NDArray[Any]


def read_npy(archive: Archive, key: str, name: str) -> Array:
    """The array with this key in an `.npz` archive: integers or floats, at most 4 axes and `ARRAY_LIMIT` bytes.

    `name`: the name of the data set, for messages. Raises `DataError`.
    """
    member = f"{key}.npy"
    if member not in archive.names():
        keys = ", ".join(sorted(entry.removesuffix(".npy") for entry in archive.names())[:8])
        raise DataError(f"{name}: the array {key} is missing (found: {keys or 'nothing'})")
    try:
        with archive.open(member) as file:
            shape, fortran_order, dtype = _read_npy_header(file)
            size = prod(shape) * dtype.itemsize
            if archive.size(member) != file.tell() + size:
                raise ValueError(f"it does not hold the {size} bytes that its header declares")
            return np.ndarray(shape, dtype, read_exactly(file, size), order="F" if fortran_order else "C")
    except ArchiveError as reason:
        raise DataError(f"{name}: {key} is {reason}") from reason


def _read_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The shape, whether the order is Fortran's, and the dtype. Raises `ValueError`."""
    major, minor = np.lib.format.read_magic(file)
    if (major, minor) not in _HEADER_READERS:
        raise ValueError(f"unknown .npy version {major}.{minor}")
    shape, fortran_order, dtype = _HEADER_READERS[major, minor](file, max_header_size=_HEADER_LIMIT)
    if dtype.kind not in "iuf" or dtype.subdtype is not None:
        raise ValueError(f"it holds {dtype}, not numbers")
    if min(shape, default=0) < 0 or len(shape) > _AXES_LIMIT or prod(shape) * dtype.itemsize > ARRAY_LIMIT:
        limit = size_text(ARRAY_LIMIT)
        raise ValueError(f"its header declares a negative size, more than {_AXES_LIMIT} axes, or more than {limit}")
    return shape, fortran_order, dtype


def read_idx(content: bytes, path: Path) -> Array:
    """The array in the content of an IDX file, gzipped or not: uint8, 1 or 3 axes.

    `path`: the file, for messages. Raises `DataError`.
    """
    file: Any = io.BytesIO(content)
    if content.startswith(_GZIP_MAGIC):
        file = gzip.GzipFile(fileobj=file)
    try:
        shape = _read_idx_header(file)
        return np.ndarray(shape, np.uint8, read_exactly(file, prod(shape)))
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as reason:
        raise DataError(f"{path}: not an IDX file, or a damaged one: {reason}") from reason


def _read_idx_header(file: IO[bytes]) -> tuple[int, ...]:
    """The shape. Raises `ValueError` or `struct.error`."""
    magic = file.read(4)
    if magic not in _IDX_MAGIC:
        raise ValueError("it does not begin like bytes with one or three axes")
    axes = magic[3]
    shape = struct.unpack(f">{axes}I", file.read(4 * axes))
    if not 0 < prod(shape) <= ARRAY_LIMIT:
        raise ValueError(f"it declares nothing, or more than {size_text(ARRAY_LIMIT)}")
    return shape
