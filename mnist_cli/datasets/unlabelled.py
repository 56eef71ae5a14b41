"""Reading the images in CSV, `.npz` and IDX files, with or without labels, for `predict`."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from mnist_cli.arrays import Images
from mnist_cli.datasets.formats import is_idx, read_idx, read_npy, unzipped_start
from mnist_cli.datasets.forms import ZIP_MAGIC, refusal
from mnist_cli.datasets.npz import open_archive, read_images_only
from mnist_cli.datasets.pixel_csv import looks_like_csv, read_csv
from mnist_cli.datasets.stored import FILE_LIMIT
from mnist_cli.datasets.values import as_images
from mnist_cli.errors import DataError
from mnist_cli.pictures.paths import holds_images
from mnist_cli.pictures.reader import Prediction, Reader
from mnist_cli.storage.files import read_file


def read_files(reader: Reader, paths: Sequence[Path]) -> Iterator[Prediction]:
    """Yield a prediction for each picture and for each image in a file of images, in order. Raises `ModelError`."""
    for are_files, group in groupby(paths, holds_images):
        if not are_files:
            yield from reader.read_all(list(group))
            continue
        for path in group:
            yield from _read_file(reader, path)


def _read_file(reader: Reader, path: Path) -> Iterator[Prediction]:
    try:
        images = read_images(path)
    except DataError as error:
        yield Prediction(path, "error", error=error.message, hint=error.hint)
        return
    yield from reader.read_images(path, images)


def read_images(path: Path) -> Images:
    """The images in a file: uint8, shape (n, 28, 28). Of an `.npz` with parts, these are the test images.

    Raises `DataError`.
    """
    content = read_file(path, FILE_LIMIT, DataError)
    start = unzipped_start(content)
    if content.startswith(ZIP_MAGIC):
        archive = open_archive(content, path)
        stored = read_npy(archive, read_images_only(archive, path)[0], str(path))
    elif is_idx(start):
        stored = read_idx(content, path)
    elif looks_like_csv(start):
        stored = read_csv(content, path).pixels
    else:
        raise refusal(content, path)
    return as_images(stored, str(path))[0]
