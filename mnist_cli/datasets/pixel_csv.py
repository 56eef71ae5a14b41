"""CSV files with an image in each line, such as Kaggle's: the label and the 784 pixels, with or without a header."""

import csv
import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from mnist_cli.arrays import SIDE
from mnist_cli.datasets.formats import unzipped
from mnist_cli.datasets.stored import Array
from mnist_cli.datasets.values import LAST_CLASS
from mnist_cli.errors import DataError, first_line
from mnist_cli.storage.files import size_text

PIXELS = SIDE * SIDE
FILE_LIMIT = 2**28
"""In bytes, decompressed: more than twice the size of MNIST as CSV."""
_ROWS_LIMIT = 200_000
_COLUMNS_LIMIT = PIXELS + 8
_FEWEST_SEPARATORS = 10  # in the first line of a file that is taken for a CSV file of images
_LINE_LIMIT = 2**15  # bytes
_DELIMITERS = b",;\t"
_LABEL_NAMES = {"label", "labels", "digit", "class", "target", "y"}
# Columns that number the rows.
_NUMBERING = re.compile(r"|id|index|imageid|unnamed: ?0")


@dataclass(frozen=True)
class Table:
    """`pixels`: numbers, shape (n, 784). `labels`: numbers, shape (n,), or None if there is no such column."""

    pixels: Array
    labels: Array | None


def looks_like_csv(start: bytes) -> bool:
    """Whether a file that starts so, decompressed, begins with a line of text in many columns."""
    line = _first_line(start)
    printable = all(byte >= 32 or byte in b"\t\r" for byte in line)
    return printable and max(map(line.count, _separators())) >= _FEWEST_SEPARATORS


def _separators() -> Sequence[bytes]:
    return [_DELIMITERS[index : index + 1] for index in range(len(_DELIMITERS))]


def _first_line(content: bytes) -> bytes:
    start = 3 if content.startswith(b"\xef\xbb\xbf") else 0  # a byte order mark
    end = content.find(b"\n", start, start + _LINE_LIMIT)
    return content[start : end if end >= 0 else start + _LINE_LIMIT]


def read_csv(content: bytes, path: Path) -> Table:
    """The table in the content of a CSV file, gzipped or not. Raises `DataError`."""
    if len(content) > FILE_LIMIT:
        raise DataError(f"{path}: a CSV file of more than {size_text(FILE_LIMIT)}", "Save it as an .npz file.")
    content = unzipped(content, path, FILE_LIMIT)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line = _first_line(content)
    delimiter = max(_separators(), key=line.count).decode()
    fields = next(csv.reader([line.decode("latin-1")], delimiter=delimiter))
    names = [field.strip().lower() for field in fields]
    header = names if _is_header(names) else None
    if not PIXELS <= len(names) <= _COLUMNS_LIMIT:
        raise DataError(f"{path}: it has {len(names)} columns; a label and {PIXELS} pixels are needed")
    return _split(_numbers(content, delimiter, header is not None, path), header, path)


def _is_header(names: Sequence[str]) -> bool:
    """Whether the fields of the first line are names: one of the labels, or mostly no numbers.

    A few that are no numbers are bad pixels of an image.
    """
    numbers = sum(map(_is_number, names))
    return numbers < len(names) / 2 or not _LABEL_NAMES.isdisjoint(names)


def _is_number(field: str) -> bool:
    return re.fullmatch(r"[+-]?\d*\.?\d+(e[+-]?\d+)?|\d+\.", field) is not None


def _numbers(content: bytes, delimiter: str, has_header: bool, path: Path) -> Array:
    """All numbers in a table: uint8, or float32 if any has a decimal point; shape (n, columns)."""
    start = len(_first_line(content)) if has_header else 0
    is_float = content.find(b".", start) >= 0
    if not content[start : start + _LINE_LIMIT].strip(b"\xef\xbb\xbf\r\n"):
        raise DataError(f"{path}: it holds no images")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of empty lines
            numbers = np.loadtxt(
                io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "replace"),
                dtype=np.float32 if is_float else np.uint8,
                comments=None,
                delimiter=delimiter,
                skiprows=int(has_header),
                quotechar='"',
                ndmin=2,
                max_rows=_ROWS_LIMIT + 1,
            )
    except ValueError as reason:
        why = _with_line(first_line(reason), content, has_header)
        raise DataError(f"{path}: not whole numbers from 0 to 255, or fractions, in every line: {why}") from reason
    if len(numbers) > _ROWS_LIMIT:
        raise DataError(f"{path}: more than {_ROWS_LIMIT:,} images are too many", "Save them as an .npz file.")
    return numbers


def _with_line(reason: str, content: bytes, has_header: bool) -> str:
    """NumPy's reason with the number of the line, not that of the row: it counts neither the header nor empty lines.

    It counts the rows from 0 where a field is no number, and from 1 where their length differs.
    """
    reason = reason.split(";")[0].removesuffix(".")
    match = re.search(r"at row (\d+)", reason)
    if not match:
        return reason
    row = int(match[1]) - ("number of columns" in reason)
    lines = (number for number, line in enumerate(content.split(b"\n"), 1) if line and number > has_header)
    return reason.replace(match[0], f"in line {next(islice(lines, row, None), '?')}")


def _split(numbers: Array, header: Sequence[str] | None, path: Path) -> Table:
    """The pixels and the labels in a table."""
    columns = list(range(numbers.shape[1]))
    if header is not None:
        columns = [column for column in columns if not _NUMBERING.fullmatch(header[column])]
    if len(columns) == PIXELS:
        return Table(numbers[:, columns] if len(columns) < numbers.shape[1] else numbers, None)
    if len(columns) != PIXELS + 1:
        raise DataError(f"{path}: it has {len(columns)} columns; a label and {PIXELS} pixels are needed")
    label = _label_column(numbers, columns, header)
    columns.remove(label)
    return Table(
        numbers[:, columns[0] : columns[-1] + 1] if _adjoin(columns) else numbers[:, columns], numbers[:, label]
    )


def _adjoin(columns: Sequence[int]) -> bool:
    return columns[-1] - columns[0] == len(columns) - 1


def _label_column(numbers: Array, columns: Sequence[int], header: Sequence[str] | None) -> int:
    """The column of the labels: that with such a name; or the first or the last one, the first if both may be."""
    named = [column for column in columns if header is not None and header[column] in _LABEL_NAMES]
    if len(named) == 1:
        return named[0]
    first, last = columns[0], columns[-1]
    return last if _may_be_labels(numbers[:, last]) and not _may_be_labels(numbers[:, first]) else first


def _may_be_labels(column: Array) -> bool:
    """Whether a column has several small whole numbers; a pixel in a corner is the same nearly everywhere."""
    return len(column) > 1 and bool(
        (column % 1 == 0).all() and column.max() <= LAST_CLASS and column.min() < column.max()
    )
