"""Data sets to train and evaluate on: the MNIST that comes with mnistcli, an `.npz` file, IDX files or pictures.

`open_dataset` is where a new format is added.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from mnist_cli.arrays import CLASSES, SIDE, Images, Labels
from mnist_cli.data import MNIST_PATH
from mnist_cli.datasets.folders import find_labelled, is_picture_folder, read_images
from mnist_cli.datasets.formats import Array, read_idx, read_npy
from mnist_cli.errors import DataError
from mnist_cli.storage.archive import Archive, ArchiveError
from mnist_cli.storage.files import read_file

MNIST_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"

FILE_LIMIT = 2**29
# Images are converted in batches of this many, so that no float copy of all of them is needed.
_BATCH_SIZE = 4096


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
class Source:
    """The arrays of a data set, as they are stored.

    `keys`: those of "x_train", "y_train", "x_test" and "y_test" that exist. `read` returns the array of any of these
    keys, or raises `DataError`. `full_ink`: the pixel value of full ink; None: 1 or 255, depending on the images.
    """

    keys: frozenset[str]
    read: Callable[[str], Array]
    full_ink: int | None = 255


@dataclass(frozen=True)
class Dataset:
    """A data set with a training and a test part. Each is read at its first use, which may raise `DataError`.

    `sha256`: the checksum of the `.npz` file; or of the IDX files that exist, joined in the order of `IDX_NAMES`; or of
    the paths and labels of the pictures.
    """

    name: str
    sha256: str
    source: Source = field(repr=False)

    @cached_property
    def train(self) -> Digits:
        return self._digits("train", self.train_labels)

    @cached_property
    def test(self) -> Digits:
        return self._digits("test", self.test_labels)

    @cached_property
    def train_labels(self) -> Labels:
        """The labels of the training part, which are quick to read without the images."""
        return self._labels("train")

    @cached_property
    def test_labels(self) -> Labels:
        return self._labels("test")

    def check(self) -> None:
        """Read both parts. Raises `DataError` if either can't be used."""
        _ = self.train, self.test

    def _digits(self, part: str, labels: Labels) -> Digits:
        full_ink = self._full_ink  # may read all images; so it comes first, or else memory would hold them twice
        images = _as_bytes(self._images(f"x_{part}"), full_ink)
        if len(images) != len(labels):
            raise DataError(f"{self.name}: {len(images)} images in x_{part}, but {len(labels)} labels in y_{part}")
        return Digits(images, labels)

    def _images(self, key: str) -> Array:
        return _checked_images(self.source.read(key), f"{self.name}: {key}")

    def _labels(self, part: str) -> Labels:
        return _checked_labels(self.source.read(f"y_{part}"), f"{self.name}: y_{part}")

    @cached_property
    def _full_ink(self) -> int:
        """The pixel value of full ink, 1 or 255. Raises `DataError` if the two parts differ in it."""
        if self.source.full_ink is not None:
            return self.source.full_ink
        keys = [key for key in ("x_train", "x_test") if key in self.source.keys]
        values = {_highest_value(self._images(key), f"{self.name}: {key}") for key in keys} - {0}
        if len(values) > 1:
            raise DataError(f"{self.name}: pixels go from 0 to 1 in one of x_train and x_test, to 255 in the other")
        return max(values, default=255)


def open_dataset(path: Path | None = None) -> Dataset:
    """Open the data set at `path`; None: MNIST.

    `path` is an `.npz` file with the keys of Keras' MNIST, a folder with IDX files, or a folder with pictures, which
    have a test part only. Raises `DataError`, as may reading a part later.
    """
    if path is None:
        dataset = _open_npz(MNIST_PATH, "MNIST", full_ink=255)
        if dataset.sha256 != MNIST_SHA256:
            reason = "its SHA-256 is not the known one"
            raise DataError(f"the MNIST on board is damaged: {reason}", "Install mnistcli again.")
        return dataset
    if os.path.isdir(path):
        return _open_pictures(path) if is_picture_folder(path) else _open_idx(path)
    return _open_npz(path, str(path))


def _open_npz(path: Path, name: str, full_ink: int | None = None) -> Dataset:
    content = read_file(path, FILE_LIMIT, DataError)
    try:
        archive = Archive(content)
    except ArchiveError as reason:
        hint = "Give an .npz with x_train, y_train, x_test and y_test, or a folder with IDX files."
        raise DataError(f"{path}: not an .npz file", hint) from reason
    keys = frozenset(member.removesuffix(".npy") for member in archive.names())
    source = Source(keys, lambda key: read_npy(archive, key, name), full_ink)
    return Dataset(name, hashlib.sha256(content).hexdigest(), source)


IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def _open_idx(folder: Path) -> Dataset:
    paths = {key: path for key, name in IDX_NAMES.items() if (path := _find_idx(folder, name))}
    if not paths:
        hint = f"Give a folder with {', '.join(IDX_NAMES.values())} (each may end in .gz), or an .npz file."
        raise DataError(f"{folder}: no IDX files in this folder", hint)
    contents = {key: read_file(path, FILE_LIMIT, DataError) for key, path in paths.items()}
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()

    def read(key: str) -> Array:
        if key not in contents:
            raise DataError(f"{folder}: {IDX_NAMES[key]} is missing")
        return read_idx(contents[key], paths[key])

    return Dataset(str(folder), digest, Source(frozenset(contents), read))


def _find_idx(folder: Path, name: str) -> Path | None:
    """The path of an IDX file, gzipped or not; None if it doesn't exist.

    Some archives write the name with a dot in place of the last dash: `train-images.idx3-ubyte`.
    """
    dotted = name.replace("-idx", ".idx")
    names = (name, f"{name}.gz", dotted, f"{dotted}.gz")
    return next((folder / name for name in names if os.path.exists(folder / name)), None)


def _open_pictures(folder: Path) -> Dataset:
    pictures = find_labelled(folder)
    names = "".join(f"{path}\0{label}\0" for path, label in pictures)

    def read(key: str) -> Array:
        if key == "x_test":
            return read_images([path for path, _ in pictures])
        if key == "y_test":
            return np.array([label for _, label in pictures], np.uint8)
        raise DataError(f"{folder}: pictures are for evaluating a model, not for training one", "Give an .npz file.")

    digest = hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()
    return Dataset(str(folder), digest, Source(frozenset(("x_test", "y_test")), read))


def _checked_images(images: Array, what: str) -> Array:
    """The images in the shape (n, 28, 28), n at least 1. Raises `DataError` for other shapes."""
    if images.shape[1:] not in ((SIDE, SIDE), (SIDE, SIDE, 1)):
        raise DataError(f"{what} has the shape {images.shape}; (n, 28, 28) is needed")
    if not len(images):
        raise DataError(f"{what} holds no images")
    return images.reshape(-1, SIDE, SIDE)


def _highest_value(images: Array, what: str) -> int:
    """The pixel value of full ink in some images: 255, 1, or 0 if there is no ink. Raises `DataError`."""
    low, high = images.min(), images.max()  # both are NaN if any pixel is
    if not (np.isfinite(low) and np.isfinite(high) and low >= 0 and high <= 255):
        raise DataError(f"{what}: pixels must be finite and lie in 0 to 255, or in 0 to 1")
    if high <= 1:
        return 1 if high > 0 else 0
    highest = images.max(axis=(1, 2))
    if images.dtype.kind == "f" and ((highest > 0) & (highest <= 1)).any():
        raise DataError(f"{what}: pixels go from 0 to 1 in some images, to 255 in others")
    return 255


def _as_bytes(images: Array, full_ink: int) -> Images:
    """The images as uint8, scaled from 0 to `full_ink` to 0 to 255 and rounded to the nearest level."""
    if images.dtype == np.uint8 and full_ink == 255:
        return images
    pixels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _BATCH_SIZE):
        batch = slice(start, start + _BATCH_SIZE)
        pixels[batch] = np.rint(images[batch] * (255 / full_ink))
    return pixels


def _checked_labels(labels: Array, what: str) -> Labels:
    """The labels as uint8, shape (n,), 0 to 9. Raises `DataError` for any others."""
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"{what} has {labels.dtype} in the shape {labels.shape}; integers in the shape (n,) are needed")
    if len(labels) and not 0 <= labels.min() <= labels.max() < CLASSES:
        raise DataError(f"{what} holds labels from {labels.min()} to {labels.max()}; digits are 0 to 9")
    return labels.astype(np.uint8)
