"""Arrays in `.npz` and IDX files: they come back as they were, and headers that lie are refused."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hostile_data import header, idx, npy, npy_of
from hostile_models import archive_of

from mnist_cli.datasets.formats import ARRAY_LIMIT, read_idx, read_npy
from mnist_cli.errors import DataError
from mnist_cli.storage.archive import Archive

PATH = Path("the-file")


def read(member: bytes) -> np.ndarray:
    return read_npy(Archive(archive_of({"x.npy": member})), "x", "the-data")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i4", "<f2", ">f8"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3, 4), (2, 1, 3, 2)])
def test_an_array_comes_back_as_it_was(shape: tuple[int, ...], dtype: str, order: str):
    array = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape), dtype, order=order)
    found = read(npy(array))

    assert (found.shape, found.dtype) == (array.shape, array.dtype)
    assert np.array_equal(found, array)


def test_both_versions_of_headers_are_read():
    later = io.BytesIO()
    np.lib.format.write_array(later, np.arange(3), version=(2, 0))

    assert read(later.getvalue()).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (b"", "magic"),
        (npy(np.arange(9))[:-1], "less than the 72 bytes"),
        (npy(np.arange(9)) + b"x", "more than the 72 bytes"),
        (npy_of(header((3,)), b"abcd"), "more than the 3 bytes"),
        (npy_of(header((-3,)), b"abc"), "negative"),
        (npy_of(header((1,) * 5), b"a"), "axes"),
        (npy_of(header((ARRAY_LIMIT + 1,))), "381.5 MB"),
        (npy_of(header((2,), "'|O'"), b"ab"), "not numbers"),
        (npy_of(header((2,), "'<U99'"), bytes(8 * 99)), "not numbers"),
        (npy_of(header((2,), "('|u1', (2,))"), bytes(4)), "not numbers"),
        (npy_of(header((2,), "'<c8'"), bytes(16)), "not numbers"),
        (npy_of(header((2,)), b"ab", version=b"\3\0"), "version 3.0"),
        (npy_of(" " * 5000), "header"),
    ],
)
def test_an_array_that_is_not_what_it_declares_is_refused(member: bytes, reason: str):
    with pytest.raises(DataError, match=f"the-data: x is .*(?i:{reason})"):
        read(member)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("shape", [(3,), (2, 28, 28), (1, 1, 1)])
def test_idx_comes_back_as_it_was(shape: tuple[int, ...], compress):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    found = read_idx(compress(idx(array.tobytes(), *shape)), PATH)

    assert found.dtype == np.uint8
    assert np.array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "begin"),
        (b"\0\0\x08", "begin"),
        (idx(b"abcde", 1, 1, 1, 1, 5), "begin"),
        (idx(bytes(4), 1, kind=13), "begin"),
        (idx(b"ab", 3), "the 3 bytes"),
        (idx(b"abcd", 3), "more than the 3 bytes"),
        (idx(b"", 0), "nothing"),
        (idx(b"", 2**32 - 1, 2**32 - 1, 2**32 - 1), "more than"),
        (struct.pack(">HBBI", 0, 8, 3, 5), "12 bytes"),
        (gzip.compress(idx(b"abc", 3))[:-4], "end-of-stream"),
        (gzip.compress(idx(b"abc", 3)) + b"more", "gzip"),
    ],
)
def test_idx_that_is_not_what_it_declares_is_refused(content: bytes, reason: str):
    with pytest.raises(DataError, match=f"the-file: not an IDX file.*{reason}"):
        read_idx(content, PATH)
