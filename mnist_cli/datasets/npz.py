"""`.npz` archives whose arrays have any sensible names: x_train, images, test_labels, arr_0 and the like."""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from mnist_cli.arrays import CLASSES
from mnist_cli.datasets.formats import read_npy, read_shape
from mnist_cli.datasets.stored import (
    IMAGES_LIMIT,
    TEST,
    TRAIN,
    WHOLE,
    Stored,
    StoredPart,
    checksum,
    left_out,
    named_parts,
    part_in,
    taken_for_training,
    unlabelled,
)
from mnist_cli.errors import DataError
from mnist_cli.storage.archive import Archive, ArchiveError
from mnist_cli.wording import count

_IMAGES = {"x", "image", "images", "img", "imgs", "data", "features", "pixels", "input", "inputs", "digits"}
_LABELS = {"y", "label", "labels", "target", "targets", "class", "classes", "digit", "t"}
# What a name may have besides: the part that it belongs to, and what separates words.
_BESIDES = re.compile(r"training|train|testing|test|validation|valid|val|set|[^a-z]")

Kind = Literal["images", "labels", ""]


def open_archive(content: bytes, path: Path) -> Archive:
    """The archive in the content of an `.npz` file. Raises `DataError`."""
    try:
        return Archive(content)
    except ArchiveError as reason:
        hint = "Give an .npz with x_train, y_train, x_test and y_test, a CSV file, or a folder."
        raise DataError(f"{path}: not an .npz file", hint) from reason


def read_npz(content: bytes, path: Path) -> Stored:
    """The parts in the content of an `.npz` file. Raises `DataError`, as may reading a part later."""
    archive = open_archive(content, path)
    kinds = {key: _kind(archive, key) for key in _keys(archive)}
    images, labels = _by_part(kinds, "images"), _by_part(kinds, "labels")
    keys, _ = named_parts({part: (images.get(part), labels.get(part)) for part in [*images, *labels]})
    if not keys:
        raise DataError(f"{path}: no images and labels that belong together (found: {_listed(kinds)})")
    parts = {part: _stored_part(archive, *own, path) for part, own in keys.items()}
    _check_count(archive, [own[0] for own in keys.values()], path)
    used = {key for own in keys.values() for key in own if key}
    unnamed = {key for own in (images, labels) for part, key in own.items() if part == WHOLE}
    assumed = taken_for_training(used & unnamed if TRAIN in parts else ())
    return Stored(parts, checksum([content]), assumed + left_out(kinds.keys() - used))


def read_images_only(archive: Archive, path: Path) -> tuple[str, ...]:
    """The keys of the arrays of images in an archive, those of the test part first. Raises `DataError`."""
    images = _by_part({key: _kind(archive, key) for key in _keys(archive)}, "images")
    keys = tuple(images[part] for part in (TEST, WHOLE, TRAIN) if part in images)
    if not keys:
        raise DataError(f"{path}: no images in it (found: {_listed(_keys(archive))})")
    return keys


def _keys(archive: Archive) -> list[str]:
    """The names of the arrays; those that end in a number in its order."""
    keys = [name.removesuffix(".npy") for name in archive.names() if name.endswith(".npy")]
    return sorted(keys, key=lambda key: (len(key), key) if key.startswith("arr_") else (0, key))


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys)[:8]) or "nothing"


def _kind(archive: Archive, key: str) -> Kind:
    """What an array holds, judged by its name, or else by its shape."""
    word = _BESIDES.sub("", key.lower())
    if word in _IMAGES:
        return "images"
    if word in _LABELS:
        return "labels"
    shape = read_shape(archive, key)
    if not shape:
        return ""
    return "labels" if shape[1:] in ((), (1,), (CLASSES,)) else "images"


def _by_part(kinds: Mapping[str, Kind], kind: Kind) -> dict[str, str]:
    """The key of the array of this kind in each part. Two arrays that name no part are the training and the test part.

    If there are several for a part, those with usual names come first.
    """
    keys = [key for key, own in kinds.items() if own == kind]
    unnamed = [key for key in keys if part_in(key) == WHOLE]
    if len(keys) == len(unnamed) == 2 and all(key.startswith("arr_") for key in keys):
        return {TRAIN: keys[0], TEST: keys[1]}
    usual = _IMAGES | _LABELS
    return {part_in(key): key for key in sorted(keys, key=lambda key: _BESIDES.sub("", key.lower()) in usual)}


def _stored_part(archive: Archive, images: str | None, labels: str | None, path: Path) -> StoredPart:
    if images is None:
        raise DataError(f"{path}: {labels} are labels without images (found: {_listed(_keys(archive))})")
    if labels is None:
        raise unlabelled(f"{path}: {images}")
    counts = [(read_shape(archive, key) or ())[:1] for key in (images, labels)]
    if all(counts) and 0 < counts[0][0] != counts[1][0]:  # known before anything large is read
        images_text, labels_text = count(counts[0][0], "image"), count(counts[1][0], "label")
        raise DataError(f"{path}: {images_text} in {images}, but {labels_text} in {labels}")
    return StoredPart(
        partial(read_npy, archive, images, str(path)), partial(read_npy, archive, labels, str(path)), images, labels
    )


def _check_count(archive: Archive, images: Iterable[str | None], path: Path) -> None:
    """Raise `DataError` if there are too many images, before any are read."""
    shapes = [read_shape(archive, key) for key in images if key]
    if sum(shape[0] for shape in shapes if shape) > IMAGES_LIMIT:
        raise DataError(f"{path}: more than {IMAGES_LIMIT:,} images are too many")
