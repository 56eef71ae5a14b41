"""The paths of the pictures that arguments of a command stand for: files, folders, glob patterns, and `-` for stdin."""

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
"""The suffixes of the files in a folder that count as pictures."""
_IMAGE_FILE_SUFFIXES = (".csv", ".csv.gz", ".npz", "-ubyte", "-ubyte.gz")


def holds_images(path: Path) -> bool:
    """Whether a file holds the pixels of many images, by its name."""
    return path.name.lower().endswith(_IMAGE_FILE_SUFFIXES)


@dataclass(frozen=True)
class FoundPictures:
    """The paths of pictures, and the number of other files in the folders that were searched."""

    paths: list[Path]
    left_out: int = 0


def find_pictures(arguments: Iterable[Path]) -> FoundPictures:
    """The pictures that the arguments stand for, in the order of the arguments.

    An existing file is never taken for a pattern. An argument without any picture is returned itself, so that its error
    is reported in its turn.
    """
    return _joined(map(_find, arguments))


def _joined(parts: Iterable[FoundPictures]) -> FoundPictures:
    parts = list(parts)
    return FoundPictures([path for part in parts for path in part.paths], sum(part.left_out for part in parts))


def _find(argument: Path) -> FoundPictures:
    """The pictures that one argument stands for, or the argument itself."""
    if argument == STANDARD_INPUT or not os.path.lexists(argument):
        matches = sorted(_matches(argument)) if glob.has_magic(os.fspath(argument)) else []
        found = _joined(map(_find, matches))
    elif os.path.isdir(argument):
        found = find_in_folder(argument)
    else:
        found = FoundPictures([argument])
    return found if found.paths else FoundPictures([argument])


def _matches(pattern: Path) -> Iterator[Path]:
    """The matches of a pattern: no hidden files, as in a shell; `**` follows no links, which may run in a circle."""
    hidden = _is_hidden(pattern)
    with suppress(ValueError, NotImplementedError, OSError):  # from a malformed pattern
        for match in Path(pattern.anchor).glob(os.fspath(pattern.relative_to(pattern.anchor))):
            if hidden or not _is_hidden(match):
                yield match


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def find_in_folder(folder: Path) -> FoundPictures:
    """The pictures in a folder and in all folders below it, sorted by path; also the folders that can't be read.

    Files such as `._seven.png`, in which macOS keeps metadata of other files, are not pictures.
    """
    paths: list[Path] = []
    left_out = 0
    for parent, _, names in os.walk(folder, onerror=lambda error: paths.append(Path(error.filename))):
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("._"):
                paths.append(Path(parent, name))
            elif not name.startswith("."):
                left_out += 1
    return FoundPictures(sorted(paths), left_out)
