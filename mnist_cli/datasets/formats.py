"""Arrays in `.npz` archives and IDX files, whose headers are checked before memory is allocated."""

import gzip
import io
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from mnist_cli.datasets.stored import Array
from mnist_cli.errors import DataError, first_line
from mnist_cli.storage.archive import Archive, ArchiveError, read_exactly
from mnist_cli.storage.files import size_text

# Bytes: enough for the 60,000 training images as float64.
ARRAY_LIMIT = 400_000_000
_AXES_LIMIT = 4
_HEADER_LIMIT = 4096  # an honest .npy header has under 200 bytes
_START = 2**15  # bytes of a file by which its form is known
_TEXT_LIMIT = 64  # bytes of a label
_CHUNK_SIZE = 2**20  # bytes; gzip needs several times as much memory as it reads at once
_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

GZIP_MAGIC = b"\x1f\x8b"
# IDX is the format of the original MNIST files: two zero bytes, the type, the number of axes; the size of each axis as
# a big-endian 32-bit number; the values, big-endian too.
_IDX_TYPES: dict[int, np.dtype[Any]] = {8: np.dtype("u1"), 12: np.dtype(">i4")}

Header = tuple[tuple[int, ...], bool, np.dtype[Any]]
"""Of an array: its shape, whether its order is Fortran's, and its dtype."""


def read_npy(archive: Archive, key: str, name: str) -> Array:
    """The array with this key in an `.npz` archive: numbers or short texts, at most 4 axes and `ARRAY_LIMIT` bytes.

    `name`: the name of the data set, for messages. Raises `DataError`.
    """
    member = f"{key}.npy"
    try:
        with archive.open(member) as file:
            shape, fortran_order, dtype = _read_npy_header(file)
            size = prod(shape) * dtype.itemsize
            surplus = archive.size(member) - file.tell() - size
            if surplus:
                more = "more" if surplus > 0 else "less"
                raise ValueError(f"it holds {more} than the {size} bytes that its header declares")
            return np.ndarray(shape, dtype, read_exactly(file, size), order="F" if fortran_order else "C")
    except ArchiveError as reason:
        raise DataError(f"{name}: {key} is {reason}") from reason


def read_shape(archive: Archive, key: str) -> tuple[int, ...] | None:
    """The shape that the header of such an array declares; None if `read_npy` would refuse the array."""
    try:
        with archive.open(f"{key}.npy") as file:
            return _read_npy_header(file)[0]
    except ArchiveError:
        return None


def _read_npy_header(file: IO[bytes]) -> Header:
    """The header of an array. Raises `ValueError`."""
    major, minor = np.lib.format.read_magic(file)
    if (major, minor) not in _HEADER_READERS:
        raise ValueError(f"unknown .npy version {major}.{minor}")
    shape, fortran_order, dtype = _HEADER_READERS[major, minor](file, max_header_size=_HEADER_LIMIT)
    is_text = dtype.kind in "US" and dtype.itemsize <= _TEXT_LIMIT
    if not (dtype.kind in "biuf" or is_text) or dtype.subdtype is not None:
        raise ValueError(f"it holds {dtype}, not numbers")
    if min(shape, default=0) < 0 or len(shape) > _AXES_LIMIT or prod(shape) * dtype.itemsize > ARRAY_LIMIT:
        limit = size_text(ARRAY_LIMIT)
        raise ValueError(f"its header declares a negative size, more than {_AXES_LIMIT} axes, or more than {limit}")
    return shape, fortran_order, dtype


def is_idx(content: bytes) -> bool:
    """Whether a file begins like an IDX file."""
    return len(content) > 4 and content[:2] == b"\0\0" and content[2] in _IDX_TYPES and 1 <= content[3] <= _AXES_LIMIT


def read_idx(content: bytes, path: Path) -> Array:
    """The array in the content of an IDX file, gzipped or not: bytes or 32-bit integers, 1 to 4 axes.

    `path`: the file, for messages. Raises `DataError`.
    """
    plain = io.BytesIO(content)
    file: Any = gzip.GzipFile(fileobj=plain) if content.startswith(GZIP_MAGIC) else plain
    try:
        shape, dtype = _read_idx_header(file)
        size = prod(shape) * dtype.itemsize
        if file is plain and len(content) > file.tell() + size:
            raise ValueError(f"it holds more than the {size} bytes that it declares")
        return np.ndarray(shape, dtype, read_exactly(file, size))
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as reason:
        raise DataError(f"{path}: not an IDX file, or a damaged one: {reason}") from reason


def _read_idx_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and the dtype. Raises `ValueError` or `struct.error`."""
    magic = file.read(4)
    if not is_idx(magic + b"\0"):
        raise ValueError("it does not begin like bytes or 32-bit integers with one to four axes")
    axes, dtype = magic[3], _IDX_TYPES[magic[2]]
    shape = struct.unpack(f">{axes}I", file.read(4 * axes))
    if not 0 < prod(shape) * dtype.itemsize <= ARRAY_LIMIT:
        raise ValueError(f"it declares nothing, or more than {size_text(ARRAY_LIMIT)}")
    return shape, dtype


def unzipped(content: bytes, path: Path, limit: int) -> bytes:
    """The content of a file, decompressed if it is gzipped: at most `limit` bytes. Raises `DataError`."""
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            inner = bytearray()
            while len(inner) <= limit and (chunk := file.read(_CHUNK_SIZE)):
                inner += chunk
    except (OSError, EOFError, zlib.error) as reason:
        raise DataError(f"{path}: a damaged gzip file: {first_line(reason)}") from reason
    if len(inner) > limit:
        raise DataError(f"{path}: decompressed, it holds more than {size_text(limit)}")
    return bytes(inner)


def unzipped_start(content: bytes) -> bytes:
    """The first bytes of a file, decompressed if it is gzipped; at most 32 KB, and none if that fails."""
    if not content.startswith(GZIP_MAGIC):
        return content[:_START]
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(_START)
    except (OSError, EOFError, zlib.error):
        return b""
