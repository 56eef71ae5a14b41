"""Which form a data set has, judged by its content: `.npz`, CSV, Parquet, IDX files, or pictures in folders.

This is where a new form is added.
"""

import os
from dataclasses import replace
from pathlib import Path

from mnist_cli.datasets.folders import read_picture_folder
from mnist_cli.datasets.formats import GZIP_MAGIC, is_idx, unzipped_start
from mnist_cli.datasets.idx import read_idx_folder
from mnist_cli.datasets.npz import read_npz
from mnist_cli.datasets.stored import FILE_LIMIT, WHOLE, Stored, checksum, left_out, unlabelled
from mnist_cli.datasets.tables import SUFFIXES, is_table, read_table, read_table_folder
from mnist_cli.errors import DataError
from mnist_cli.storage.files import read_file

ZIP_MAGIC = b"PK"
_NPY_MAGIC = b"\x93NUMPY"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_FORMS = (
    "Give an .npz, CSV or Parquet file, or a folder with IDX files, or with pictures in subfolders 0 to 9 or a "
    "labels.csv."
)
# Where the files may lie in a folder that is given; the first is torchvision's.
_INNER_FOLDERS = ("MNIST/raw", "raw")
_DEPTH = 3


def read_stored(path: Path) -> Stored:
    """The data set in a file or a folder. Raises `DataError`, as may reading a part later."""
    if not os.path.isdir(path):
        return _read_file(path)
    try:
        stored = _read_folder(path, _DEPTH)
    except OSError as reason:
        raise DataError(f"{path}: can't be read: {reason.strerror}") from reason
    if stored is None:
        raise DataError(f"{path}: no data set in this folder", _FORMS)
    return stored


def _read_folder(folder: Path, depth: int) -> Stored | None:
    """The data set in a folder, or in the only folder in it; None if there is none."""
    stored = read_picture_folder(folder)
    if stored:
        return stored
    stored = read_idx_folder(folder)
    if stored:
        return replace(stored, notes=stored.notes + left_out(_tables_in(folder)))
    stored = read_table_folder(folder)
    if stored or not depth:
        return stored
    inner = [folder / name for name in _INNER_FOLDERS if os.path.isdir(folder / name)][:1]
    if not inner:
        inner = [folder / name for name in os.listdir(folder) if not name.startswith(".")]
        inner = [path for path in inner if os.path.isdir(path)]
    return _read_folder(inner[0], depth - 1) if len(inner) == 1 else None


def _tables_in(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.lower().endswith((*SUFFIXES, ".npz"))]


def _read_file(path: Path) -> Stored:
    content = read_file(path, FILE_LIMIT, DataError)
    if content.startswith(ZIP_MAGIC):
        return read_npz(content, path)
    if is_table(content):
        table = read_table(content, path)
        if table is None:
            raise unlabelled(str(path))
        return Stored({WHOLE: table}, checksum([content]))
    raise refusal(content, path)


def refusal(content: bytes, path: Path) -> DataError:
    """The error for a file of any other form."""
    start = unzipped_start(content)
    if start[:1] == b"\x80" and start[1:2] <= b"\x05":
        return DataError(f"{path}: this is a pickle, which can run code when it is read", _conversion(content, path))
    if is_idx(start):
        return DataError(f"{path}: this is one of several IDX files", "Give the folder that they are in.")
    if content.startswith(_NPY_MAGIC):
        hint = "Save the images with their labels: `np.savez('digits.npz', x=images, y=labels)`."
        return DataError(f"{path}: this is a single array", hint)
    if content.startswith(_UTF16_MARKS):
        return DataError(f"{path}: this is text in UTF-16", "Save it in UTF-8.")
    return DataError(f"{path}: not a data set, or a damaged one", _FORMS)


def _conversion(content: bytes, path: Path) -> str:
    """How to convert a pickle of `mnist.pkl.gz`'s form: parts, the last one to test on, each of images and labels."""
    is_zipped = content.startswith(GZIP_MAGIC)
    opened = f"gzip.open({str(path)!r})" if is_zipped else f"open({str(path)!r}, 'rb')"
    first = f"import gzip, pickle, numpy as np; *train, test = pickle.load({opened}, encoding='latin1')"
    second = (
        "np.savez('mnist.npz', x_train=np.concatenate([x for x, y in train]), "
        "y_train=np.concatenate([y for x, y in train]), x_test=test[0], y_test=test[1])"
    )
    return f"If you trust it, convert it in Python: `{first}` and then `{second}`"
