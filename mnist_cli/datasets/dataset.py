"""Labelled digits to train and judge on: the MNIST on board, or the user's own `.npz`, IDX files or pictures."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import CLASSES, SIDE, Images, Labels
from mnist_cli.data import MNIST_PATH
from mnist_cli.datasets.folders import find_labelled, is_picture_folder, read_images
from mnist_cli.datasets.formats import read_idx, read_npy
from mnist_cli.errors import DataError
from mnist_cli.storage.archive import Archive, ArchiveError
from mnist_cli.storage.files import read_file

MNIST_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"

FILE_LIMIT = 2**29
# Images that are converted at once, so that this takes no second array of floats.
_AT_ONCE = 4096

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
    _keys: frozenset[str] = field(repr=False)
    _read: Callable[[str], Array] = field(repr=False)
    _white: int | None = field(default=None, repr=False)
    """What stands for ink, in images that are bytes; None: that is to be found out, and is the same in both parts."""

    def check(self) -> None:
        """Read both parts. Raises `DataError` for whatever is wrong with them."""
        _ = self.train, self.test

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
        highest = self._highest  # before the images are read, for which there need not be room twice
        images = _as_bytes(self._images(images_key), highest)
        if len(images) != len(labels):
            raise DataError(
                f"{self.name}: {len(images)} images in {images_key}, but {len(labels)} labels in {labels_key}"
            )
        return Digits(images, labels)

    def _images(self, key: str) -> Array:
        return _checked_images(self._read(key), f"{self.name}: {key}")

    @cached_property
    def _highest(self) -> int:
        """What stands for ink in all images: 255, or 1. Raises `DataError` where it is not the same in all of them."""
        if self._white is not None:
            return self._white
        there = [key for key in ("x_train", "x_test") if key in self._keys]
        highest = {_highest(self._images(key), f"{self.name}: {key}") for key in there} - {0}
        if len(highest) > 1:
            raise DataError(f"{self.name}: pixels go from 0 to 1 in one of x_train and x_test, to 255 in the other")
        return max(highest, default=255)


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
    return replace(dataset, _white=255)


def _open_npz(path: Path, name: str) -> Dataset:
    content = read_file(path, FILE_LIMIT, DataError)
    try:
        archive = Archive(content)
    except ArchiveError as reason:
        hint = "Give an .npz with x_train, y_train, x_test and y_test, or a folder with IDX files."
        raise DataError(f"{path}: not an .npz file", hint) from reason
    keys = frozenset(entry.removesuffix(".npy") for entry in archive.names())
    return Dataset(name, hashlib.sha256(content).hexdigest(), keys, lambda key: read_npy(archive, key, name))


IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


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
        return read_idx(contents[key], paths[key])

    return Dataset(str(folder), digest, frozenset(contents), read, _white=255)


def _open_pictures(folder: Path) -> Dataset:
    pictures = find_labelled(folder)
    names = "".join(f"{path}\0{label}\0" for path, label in pictures)

    def read(key: str) -> Array:
        if key == "x_test":
            return read_images([path for path, _ in pictures])
        if key == "y_test":
            return np.array([label for _, label in pictures], np.uint8)
        raise DataError(f"{folder}: pictures are for judging a model, not for training one", "Give an .npz file.")

    digest = hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()
    return Dataset(str(folder), digest, frozenset(("x_test", "y_test")), read, _white=255)


def _find_idx(folder: Path, name: str) -> Path | None:
    """The file under its usual name, gzip or not, also with the dot that some archives put for the last dash."""
    candidates = (folder / f"{base}{suffix}" for base in (name, name.replace("-idx", ".idx")) for suffix in ("", ".gz"))
    return next((path for path in candidates if os.path.exists(path)), None)


# What every source has to hold to


def _checked_images(images: Array, what: str) -> Array:
    """The same in the shape (n, 28, 28)."""
    if images.shape[1:] not in ((SIDE, SIDE), (SIDE, SIDE, 1)):
        raise DataError(f"{what} has the shape {images.shape}; (n, 28, 28) is needed")
    if not len(images):
        raise DataError(f"{what} holds no images")
    return images.reshape(-1, SIDE, SIDE)


def _highest(images: Array, what: str) -> int:
    """What stands for ink in some images: 255, 1, or 0 where there is none."""
    low, high = images.min(), images.max()  # either is NaN where any pixel is
    if not (np.isfinite(low) and np.isfinite(high) and low >= 0 and high <= 255):
        raise DataError(f"{what}: pixels must be finite and lie in 0 to 255, or in 0 to 1")
    if high <= 1:
        return 1 if high > 0 else 0
    highest = images.max(axis=(1, 2))
    if images.dtype.kind == "f" and ((highest > 0) & (highest <= 1)).any():
        raise DataError(f"{what}: pixels go from 0 to 1 in some images, to 255 in others")
    return 255


def _as_bytes(images: Array, highest: int) -> Images:
    """Images as uint8; numbers between two of the 256 levels are rounded."""
    if images.dtype == np.uint8 and highest == 255:
        return images
    pixels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        pixels[part] = np.rint(images[part] * (255 / highest))
    return pixels


def _checked_labels(labels: Array, what: str) -> Labels:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(
            f"{what} is {labels.dtype} of the shape {labels.shape}; whole numbers of the shape (n,) are needed"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < CLASSES:
        raise DataError(f"{what} holds labels from {labels.min()} to {labels.max()}; digits are 0 to 9")
    return labels.astype(np.uint8)
