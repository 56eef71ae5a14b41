"""Folders with IDX files, under the names of MNIST, EMNIST, QMNIST, Kaggle's archive and torchvision."""

import os
import re
from functools import partial
from pathlib import Path

from mnist_cli.datasets.formats import read_idx
from mnist_cli.datasets.stored import FILE_LIMIT, TEST, TRAIN, Array, Stored, StoredPart, checksum, left_out
from mnist_cli.errors import DataError
from mnist_cli.storage.files import read_file

# As in train-images-idx3-ubyte, t10k-labels.idx1-ubyte, emnist-digits-test-images-idx3-ubyte.gz and
# qmnist-train-labels-idx2-int.gz. QMNIST's labels have eight columns, of which the first is the digit.
_NAME = re.compile(r"(?P<set>.*?)-?(?P<part>train|test|t10k)-(?P<kind>images|labels)[-.]idx\d-(ubyte|int)(\.gz)?")
# Of several sets in one folder, the first of these is taken.
_PREFERRED = ("", "emnist-digits", "emnist-mnist", "qmnist")

Files = dict[tuple[str, str], Path]
"""The files of a set, by their part and kind."""


def read_idx_folder(folder: Path) -> Stored | None:
    """The parts in a folder with IDX files; None if there are none. Raises `DataError`, as may reading a part later."""
    sets = _find_sets(folder)
    if not sets:
        return None
    name = min(sets, key=lambda name: (_PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED), name))
    contents = {key: read_file(path, FILE_LIMIT, DataError) for key, path in sorted(sets[name].items())}
    parts = {
        part: _stored_part(folder, part, sets[name], contents)
        for part in (TRAIN, TEST)
        if any(key[0] == part for key in contents)
    }
    others = {path.name for other, files in sets.items() if other != name for path in files.values()}
    return Stored(parts, checksum(contents.values()), left_out(others))


def _find_sets(folder: Path) -> dict[str, Files]:
    """The files of each set in a folder, by its name, which is empty for MNIST's own names.

    Some archives hold each file in a folder of the same name. A file that is gzipped is taken if there is no other.
    """
    sets: dict[str, Files] = {}
    for name in sorted(os.listdir(folder), key=lambda name: (name.endswith(".gz"), name)):
        match = _NAME.fullmatch(name)
        path = folder / name if os.path.isfile(folder / name) else _inner_file(folder / name)
        if match and path:
            part = TRAIN if match["part"] == "train" else TEST
            sets.setdefault(match["set"], {}).setdefault((part, match["kind"]), path)
    return sets


def _inner_file(folder: Path) -> Path | None:
    """The file of the same name, possibly with another dot or dash, in a folder that stands around it."""
    if not os.path.isdir(folder):
        return folder  # no regular file: reading it tells why
    inner = (folder / name for name in sorted(os.listdir(folder)) if _NAME.fullmatch(name))
    return next((path for path in inner if os.path.isfile(path)), None)


def _stored_part(folder: Path, part: str, paths: Files, contents: dict[tuple[str, str], bytes]) -> StoredPart:
    if (part, "images") not in contents:
        raise DataError(f"{folder}: the images of its {part} part are missing", _hint(part, "images"))
    if (part, "labels") not in contents:
        raise DataError(f"{folder}: the labels of its {part} part are missing", _hint(part, "labels"))
    images, labels = (partial(_read, contents[part, kind], paths[part, kind]) for kind in ("images", "labels"))
    return StoredPart(images, labels, paths[part, "images"].name, paths[part, "labels"].name)


def _hint(part: str, kind: str) -> str:
    name = f"{'train' if part == TRAIN else 't10k'}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
    return f"Put {name} or {name}.gz there."


def _read(content: bytes, path: Path) -> Array:
    stored = read_idx(content, path)
    return stored[:, 0] if stored.dtype.kind == "i" and stored.ndim == 2 else stored
