"""The pictures that somebody means by files, folders, glob patterns and `-` for standard input."""

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mnist_cli.pictures.preparation import STANDARD_INPUT

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
"""What the names of pictures in a folder end in."""


def find_pictures(names: Iterable[Path]) -> list[Path]:
    """The pictures, each where its name stands; those of a folder, with all folders in it, in the order of their names.

    A file that is there is never taken for a pattern. What is nothing of all this, and a folder without pictures, is
    returned as it is, so that it is told of in its place.
    """
    return [picture for name in names for picture in _meant(name)]


def _meant(name: Path) -> list[Path]:
    if name == STANDARD_INPUT or not os.path.lexists(name):
        matches = sorted(_matching(name)) if glob.has_magic(os.fspath(name)) else []
        return [picture for match in matches for picture in _meant(match)] or [name]
    if not os.path.isdir(name):
        return [name]
    return find_in_folder(name) or [name]


def _matching(pattern: Path) -> Iterator[Path]:
    """What a pattern matches; as in a shell no hidden files, and `**` follows no links, which may run in a circle."""
    hidden = any(part.startswith(".") for part in pattern.parts)
    with suppress(ValueError, NotImplementedError, OSError):  # of a pattern that is none
        for match in Path(pattern.anchor).glob(os.fspath(pattern.relative_to(pattern.anchor))):
            if hidden or not any(part.startswith(".") for part in match.parts):
                yield match


def find_in_folder(folder: Path) -> list[Path]:
    """The pictures in a folder and all folders in it, in the order of their names; and folders that can't be read."""
    return sorted(_inside(folder))


def _inside(folder: Path) -> Iterator[Path]:
    unread: list[OSError] = []
    for parent, _, names in os.walk(folder, onerror=unread.append):
        for name in names:
            if name.lower().endswith(SUFFIXES):
                yield Path(parent, name)
    yield from (Path(error.filename) for error in unread)
