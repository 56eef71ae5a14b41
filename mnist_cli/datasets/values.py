"""Pixels and labels in all the shapes and types in which they are stored, made alike."""

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import CLASSES, SIDE, Images
from mnist_cli.datasets.stored import Array
from mnist_cli.errors import DataError

LAST_CLASS = 61
"""The highest class that stands for a digit or a letter: 0 to 9, A to Z, a to z, as in EMNIST."""

_IMAGE_SHAPES = ((SIDE, SIDE), (SIDE, SIDE, 1), (1, SIDE, SIDE), (SIDE * SIDE,))
# Images are converted in batches of this many, so that no float copy of all of them is needed.
_BATCH_SIZE = 4096

Classes = NDArray[np.int64]
"""int64, shape (n,): labels before it is known that they are digits."""


def as_images(stored: Array, what: str) -> tuple[Images, int]:
    """Images as bytes: uint8, shape (n, 28, 28); and the stored value of full ink: 255, 1, or 0 if there is no ink.

    `stored`: n images as (28, 28), (28, 28, 1), (1, 28, 28) or (784,); pixels from 0 to 255, or all of them from 0 to
    1. Raises `DataError`.
    """
    if stored.shape[1:] not in _IMAGE_SHAPES or stored.dtype.kind not in "biuf":
        raise DataError(f"{what} has {stored.dtype} in the shape {stored.shape}; numbers in (n, 28, 28) are needed")
    if not len(stored):
        raise DataError(f"{what} holds no images")
    images = stored.reshape(-1, SIDE, SIDE)
    full_ink = _full_ink(images, what)
    return _as_bytes(images, full_ink or 255), full_ink


def _full_ink(images: Array, what: str) -> int:
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


def as_classes(stored: Array, what: str) -> Classes:
    """Labels as whole numbers from 0 to 61: int64, shape (n,).

    `stored`: numbers or text, shape (n,) or (n, 1), or one-hot rows, shape (n, 10). Letters become 10 to 61. Raises
    `DataError`.
    """
    labels = stored[:, 0] if stored.ndim == 2 and stored.shape[1] == 1 else stored
    if labels.ndim == 2 and labels.shape[1] == CLASSES and labels.dtype.kind in "biuf":
        return _from_one_hot(labels, what)
    if labels.ndim != 1 or labels.dtype.kind not in "iufUS":
        raise DataError(f"{what} has {stored.dtype} in the shape {stored.shape}; digits in the shape (n,) are needed")
    if labels.dtype.kind in "US":
        return _from_text(labels, what)
    if not ((labels >= 0) & (labels <= LAST_CLASS)).all() or (labels % 1).any():  # also for NaN
        raise DataError(f"{what} holds labels from {labels.min():g} to {labels.max():g}; digits are 0 to 9")
    return labels.astype(np.int64)


def _from_one_hot(rows: Array, what: str) -> Classes:
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
        raise DataError(f"{what} has ten numbers for each image, but not a single 1 among zeros")
    classes: Classes = rows.argmax(axis=1).astype(np.int64)
    return classes


def _from_text(labels: Array, what: str) -> Classes:
    texts, positions = np.unique(labels, return_inverse=True)
    return np.array([_class(text, what) for text in texts.tolist()], np.int64)[positions]


def _class(text: str | bytes, what: str) -> int:
    """The class that a label such as "7" or "A" names. Raises `DataError`."""
    word = (text.decode("latin-1") if isinstance(text, bytes) else text).strip()
    if len(word) == 1 and word.isascii() and word.isalnum():
        return int(word, 36) + (26 if word.islower() else 0)
    raise DataError(f"{what} holds the label {word[:20]!r}; digits are 0 to 9")
