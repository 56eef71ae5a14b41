"""Zip archives, which `.keras` and `.npz` files are, read so that whatever is wrong with one is one kind of error."""

import copy
import io
import zipfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import IO

from mnist_cli.errors import first_line
from mnist_cli.storage.files import size_text

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PIECE = 2**20
# What a directory entry begins with, and how many there may be: each takes a kilobyte of memory.
_ENTRY, _ENTRIES_LIMIT = b"PK\x01\x02", 10_000


class ArchiveError(ValueError):
    """An archive that is none, or is damaged, or holds more than it should."""


class Archive:
    """A zip archive in memory, each of its members there once and stored or deflated.

    Raises `ArchiveError` where `content` is none.
    """

    def __init__(self, content: bytes) -> None:
        if content.count(_ENTRY) > _ENTRIES_LIMIT:
            raise ArchiveError("it has too many members")
        with _as_archive_errors():
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        members = self._zip.infolist()
        if len({member.filename for member in members}) < len(members):
            raise ArchiveError("it has a member twice")
        if any(member.compress_type not in _METHODS or member.flag_bits & 1 for member in members):
            raise ArchiveError("it is encrypted, or compressed by another method than deflate")

    def names(self) -> Set[str]:
        return {member.filename for member in self._zip.infolist()}

    def size(self, name: str) -> int:
        """How many bytes a member is declared to hold. Raises `ArchiveError` where it is not there."""
        with _as_archive_errors():
            return self._zip.getinfo(name).file_size

    def read(self, name: str, limit: int) -> bytes:
        """A member that holds at most `limit` bytes, as many as declared. Raises `ArchiveError`."""
        declared = self.size(name)
        if declared > limit:
            raise ArchiveError(f"{name} holds more than {size_text(limit)}")
        with self.open(name) as member:
            return bytes(read_exactly(member, declared))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A member as a file, its checksum verified at its end.

        It, and what is done with it inside the context, raises `ArchiveError`.
        """
        with _as_archive_errors():
            member = copy.copy(self._zip.getinfo(name))
            member.file_size += 1  # or else zipfile would stop there, whatever more there is
            with self._zip.open(member) as file:
                yield file


def read_exactly(file: IO[bytes], size: int) -> bytearray:
    """All that is left in a file. Raises `ValueError` where that is not so many bytes.

    It is read in pieces: zipfile and gzip need room for several times what they read at once.
    """
    content = bytearray(size)
    rest, place = memoryview(content), 0
    while place < size and (piece := file.read(min(_PIECE, size - place))):
        rest[place : place + len(piece)] = piece
        place += len(piece)
    if place < size or file.read(1):
        raise ValueError(f"it does not hold the {size} bytes that it is said to hold")
    return content


@contextmanager
def _as_archive_errors() -> Iterator[None]:
    try:
        yield
    except ArchiveError:
        raise
    except Exception as reason:  # a damaged archive makes zipfile and its decompressors raise almost anything
        raise ArchiveError(f"damaged: {first_line(reason)}") from reason
