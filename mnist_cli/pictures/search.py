"""The pictures that names on a command line stand for: files, folders, glob patterns, and `-` for standard input."""

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STANDARD_INPUT = Path("-")
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".gif", ".bmp", ".webp", ".avif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
"""The endings of the file names that count as pictures in a folder."""


@dataclass(frozen=True)
class Found:
    """The pictures that were found, and how many files of their folders were left out, as they are not pictures."""

    pictures: list[Path]
    left_out: int = 0


def find_pictures(names: Iterable[Path]) -> Found:
    """The pictures, in the order of their names on the command line; those of a folder as by `find_in_folder`.

    An existing file is never taken for a pattern. A name that stands for no picture is returned as it is, so that its
    error is reported in its turn.
    """
    return _joined(map(_meant_by, names))


def _joined(parts: Iterable[Found]) -> Found:
    parts = list(parts)
    return Found([picture for part in parts for picture in part.pictures], sum(part.left_out for part in parts))


def _meant_by(name: Path) -> Found:
    if name == STANDARD_INPUT or not os.path.lexists(name):
        matches = sorted(_matching(name)) if glob.has_magic(os.fspath(name)) else []
        found = _joined(map(_meant_by, matches))
    else:
        found = find_in_folder(name) if os.path.isdir(name) else Found([name])
    return found if found.pictures else Found([name])


def _matching(pattern: Path) -> Iterator[Path]:
    """The matches of a pattern: as in a shell no hidden files; `**` follows no links, which may run in a circle."""
    hidden = _is_hidden(pattern)
    with suppress(ValueError, NotImplementedError, OSError):  # from a malformed pattern
        for match in Path(pattern.anchor).glob(os.fspath(pattern.relative_to(pattern.anchor))):
            if hidden or not _is_hidden(match):
                yield match


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def find_in_folder(folder: Path) -> Found:
    """The pictures in a folder and in all folders below it, sorted by path; also the folders that can't be read.

    Files such as `._seven.png`, in which a Mac keeps notes on others, are not pictures.
    """
    pictures: list[Path] = []
    left_out = 0
    for parent, _, names in os.walk(folder, onerror=lambda error: pictures.append(Path(error.filename))):
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("._"):
                pictures.append(Path(parent, name))
            elif not name.startswith("."):
                left_out += 1
    return Found(sorted(pictures), left_out)
