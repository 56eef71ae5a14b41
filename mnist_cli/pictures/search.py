"""The pictures that names on a command line stand for: files, folders, glob patterns, and `-` for standard input."""

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

STANDARD_INPUT = Path("-")
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
"""The endings of the file names that count as pictures in a folder."""


def find_pictures(names: Iterable[Path]) -> list[Path]:
    """The pictures, in the order of their names on the command line; those of a folder as by `find_in_folder`.

    An existing file is never taken for a pattern. A name that stands for no picture is returned as it is, so that its
    error is reported in its turn.
    """
    return [picture for name in names for picture in _pictures_of(name)]


def _pictures_of(name: Path) -> list[Path]:
    if name == STANDARD_INPUT or not os.path.lexists(name):
        matches = sorted(_matching(name)) if glob.has_magic(os.fspath(name)) else []
        return [picture for match in matches for picture in _pictures_of(match)] or [name]
    if not os.path.isdir(name):
        return [name]
    return find_in_folder(name) or [name]


def _matching(pattern: Path) -> Iterator[Path]:
    """The matches of a pattern: as in a shell no hidden files; `**` follows no links, which may run in a circle."""
    hidden = _is_hidden(pattern)
    with suppress(ValueError, NotImplementedError, OSError):  # from a malformed pattern
        for match in Path(pattern.anchor).glob(os.fspath(pattern.relative_to(pattern.anchor))):
            if hidden or not _is_hidden(match):
                yield match


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def find_in_folder(folder: Path) -> list[Path]:
    """The pictures in a folder and in all folders below it, sorted by path; also the folders that can't be read."""
    unreadable: list[OSError] = []
    pictures = [
        Path(parent, name)
        for parent, _, names in os.walk(folder, onerror=unreadable.append)
        for name in names
        if name.lower().endswith(SUFFIXES)
    ]
    return sorted([*pictures, *(Path(error.filename) for error in unreadable)])
