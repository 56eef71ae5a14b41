"""Labelled digits to train and judge on: the MNIST on board, or the user's own `.npz`, IDX files or pictures."""

import gzip
import hashlib
import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.architecture import CLASSES, IMAGE_SHAPE
from mnist_cli.archive import Archive, ArchiveError
from mnist_cli.arrays import Images, Labels
from mnist_cli.data import MNIST_PATH
from mnist_cli.errors import DataError
from mnist_cli.files import read_file, size_text
from mnist_cli.picturefolder import find_labelled, is_picture_folder, read_images

MNIST_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"

FILE_LIMIT = 2**30
ARRAY_LIMIT = 2**30
_HEADER_LIMIT = 4096  # an honest .npy header is under 200 bytes

Array = NDArray[Any]


@dataclass(frozen=True)
class Digits:
    """Images with their labels."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice) -> "Digits":
        return Digits(self.images[part], self.labels[part])


@dataclass(frozen=True)
class Dataset:
    """A data set with a training and a test part, each read when it is asked for.

    `sha256` is that of the file, or of the IDX files that are there, one after the other in the order of `IDX_NAMES`;
    of pictures, that of their names and labels.
    """

    name: str
    sha256: str
    _read: Callable[[str], Array] = field(repr=False)

    @cached_property
    def train(self) -> Digits:
        return self._digits("x_train", self.train_labels, "y_train")

    @cached_property
    def test(self) -> Digits:
        return self._digits("x_test", self.test_labels, "y_test")

    @cached_property
    def train_labels(self) -> Labels:
        """The labels alone, which are read in no time."""
        return _checked_labels(self._read("y_train"), f"{self.name}: y_train")

    @cached_property
    def test_labels(self) -> Labels:
        return _checked_labels(self._read("y_test"), f"{self.name}: y_test")

    def _digits(self, images_key: str, labels: Labels, labels_key: str) -> Digits:
        images = _checked_images(self._read(images_key), f"{self.name}: {images_key}")
        if len(images) != len(labels):
            raise DataError(
                f"{self.name}: {len(images)} images in {images_key}, but {len(labels)} labels in {labels_key}"
            )
        return Digits(images, labels)


def open_dataset(path: Path | None = None) -> Dataset:
    """The data set at `path`: an `.npz` with the keys of Keras' MNIST, or a folder with IDX files, or with pictures,
    which make a test part only; None: MNIST.

    Raises `DataError`, here or when a part is read.
    """
    if path is None:
        return _open_bundled()
    if os.path.isdir(path):
        return _open_pictures(path) if is_picture_folder(path) else _open_idx(path)
    return _open_npz(path, str(path))


def _open_bundled() -> Dataset:
    dataset = _open_npz(MNIST_PATH, "MNIST")
    if dataset.sha256 != MNIST_SHA256:
        raise DataError("the MNIST on board is damaged: its SHA-256 is not the known one", "Install mnistcli again.")
    return dataset


# .npz: a zip archive of .npy files


def _open_npz(path: Path, name: str) -> Dataset:
    content = read_file(path, FILE_LIMIT, DataError)
    try:
        archive = Archive(content)
    except ArchiveError as reason:
        hint = "Give an .npz with x_train, y_train, x_test and y_test, or a folder with IDX files."
        raise DataError(f"{path}: not an .npz file", hint) from reason
    return Dataset(name, hashlib.sha256(content).hexdigest(), lambda key: _read_npy(archive, key, name))


def _read_npy(archive: Archive, key: str, name: str) -> Array:
    if f"{key}.npy" not in archive.names():
        keys = ", ".join(sorted(entry.removesuffix(".npy") for entry in archive.names())[:8])
        raise DataError(f"{name}: the array {key} is missing (found: {keys or 'nothing'})")
    try:
        with archive.open(f"{key}.npy") as file:
            shape, fortran_order, dtype = _read_npy_header(file)
            size = prod(shape) * dtype.itemsize
            content = file.read(size + 1)
            if len(content) != size:
                raise ValueError(f"it does not hold the {size} bytes that its header tells of")
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
        raise ValueError(f"it tells of the shape {shape}")
    return shape, fortran_order, dtype


# IDX: the format of the original MNIST files. Two zero bytes, 8 for bytes, the number of axes; their sizes; the bytes.

IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
_IDX_MAGIC = (b"\0\0\x08\x01", b"\0\0\x08\x03")


def _open_idx(folder: Path) -> Dataset:
    paths = {key: found for key, name in IDX_NAMES.items() if (found := _find_idx(folder, name))}
    if not paths:
        hint = f"Give a folder with {', '.join(IDX_NAMES.values())} (each may end in .gz), or an .npz file."
        raise DataError(f"{folder}: no IDX files in this folder", hint)
    contents = {key: read_file(path, FILE_LIMIT, DataError) for key, path in paths.items()}
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()

    def read(key: str) -> Array:
        if key not in contents:
            raise DataError(f"{folder}: {IDX_NAMES[key]} is missing")
        return _read_idx(contents[key], paths[key])

    return Dataset(str(folder), digest, read)


def _open_pictures(folder: Path) -> Dataset:
    pictures = find_labelled(folder)
    names = "".join(f"{path}\0{label}\0" for path, label in pictures)

    def read(key: str) -> Array:
        if key == "x_test":
            return read_images([path for path, _ in pictures])
        if key == "y_test":
            return np.array([label for _, label in pictures], np.uint8)
        raise DataError(f"{folder}: pictures are for judging a model, not for training one", "Give an .npz file.")

    return Dataset(str(folder), hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest(), read)


def _find_idx(folder: Path, name: str) -> Path | None:
    """The file under its usual name, gzip or not, also with the dot that some archives put for the last dash."""
    candidates = (folder / f"{base}{suffix}" for base in (name, name.replace("-idx", ".idx")) for suffix in ("", ".gz"))
    return next((path for path in candidates if os.path.exists(path)), None)


def _read_idx(content: bytes, path: Path) -> Array:
    file: Any = gzip.GzipFile(fileobj=io.BytesIO(content)) if content[:2] == b"\x1f\x8b" else io.BytesIO(content)
    try:
        shape = _read_idx_header(file)
        content = file.read(prod(shape) + 1)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as reason:
        raise DataError(f"{path}: not an IDX file, or a damaged one: {reason}") from reason
    if len(content) != prod(shape):
        raise DataError(f"{path}: damaged: it does not hold the {prod(shape)} bytes that its header tells of")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_idx_header(file: Any) -> tuple[int, ...]:
    magic = file.read(4)
    if magic not in _IDX_MAGIC:
        raise ValueError("it does not begin like bytes with one or three axes")
    shape = struct.unpack(f">{magic[3]}I", file.read(4 * magic[3]))
    if not 0 < prod(shape) <= ARRAY_LIMIT:
        raise ValueError(f"it tells of nothing, or of more than {size_text(ARRAY_LIMIT)}")
    return shape


# What every source has to hold to


def _checked_images(images: Array, what: str) -> Images:
    if images.shape[1:] not in (IMAGE_SHAPE, IMAGE_SHAPE[:2]):
        raise DataError(f"{what} has the shape {images.shape}; (n, 28, 28) is needed")
    if not len(images):
        raise DataError(f"{what} holds no images")
    images = images.reshape(-1, *IMAGE_SHAPE[:2])
    return images if images.dtype == np.uint8 else _as_bytes(images, what)


def _as_bytes(images: Array, what: str) -> Images:
    """Pixels 0 to 255, or 0 to 1 where they are floats, as uint8; floats between two of the 256 levels are rounded."""
    low, high = images.min(), images.max()  # either is NaN where any pixel is
    if not (np.isfinite(low) and np.isfinite(high) and low >= 0 and high <= 255):
        raise DataError(f"{what}: pixels must be finite and lie in 0 to 255, or in 0 to 1")
    scale = 255 if images.dtype.kind == "f" and high <= 1 else 1
    pixels: Images = np.rint(images * scale).astype(np.uint8)
    return pixels


def _checked_labels(labels: Array, what: str) -> Labels:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(
            f"{what} is {labels.dtype} of the shape {labels.shape}; whole numbers of the shape (n,) are needed"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < CLASSES:
        raise DataError(f"{what} holds labels from {labels.min()} to {labels.max()}; digits are 0 to 9")
    return labels.astype(np.uint8)
