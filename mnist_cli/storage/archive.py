"""Zip archives, such as `.keras` and `.npz` files; whatever is wrong with one is an `ArchiveError`."""

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
# The first bytes of a directory entry, and how many entries there may be: each takes a kilobyte of memory.
_ENTRY, _ENTRIES_LIMIT = b"PK\x01\x02", 10_000


class ArchiveError(ValueError):
    """Not an archive, or a damaged one, or one that holds more than it should."""


class Archive:
    """A zip archive in memory whose members have different names and are stored or deflated.

    Raises `ArchiveError` where `content` isn't one.
    """

    def __init__(self, content: bytes) -> None:
        if content.count(_ENTRY) > _ENTRIES_LIMIT:
            raise ArchiveError("it has too many members")
        with _as_archive_errors():
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        members = self._zip.infolist()
        if any(member.filename != member.orig_filename for member in members):  # zipfile cuts names at a NUL byte
            raise ArchiveError("it has a member with a NUL byte in its name")
        if len(self.names()) < len(members):
            raise ArchiveError("it has a member twice")
        if any(member.compress_type not in _METHODS or member.flag_bits & 1 for member in members):
            raise ArchiveError("it is encrypted, or compressed by another method than deflate")

    def names(self) -> Set[str]:
        return set(self._zip.namelist())

    def size(self, name: str) -> int:
        """The declared size of a member, in bytes. Raises `ArchiveError` where there is no such member."""
        with _as_archive_errors():
            return self._zip.getinfo(name).file_size

    def read(self, name: str, limit: int) -> bytes:
        """A member of at most `limit` bytes, exactly as long as declared. Raises `ArchiveError`."""
        declared = self.size(name)
        if declared > limit:
            raise ArchiveError(f"{name} holds more than {size_text(limit)}")
        with self.open(name) as member:
            return bytes(read_exactly(member, declared))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A member as a file, whose checksum is verified at its end.

        Opening it raises `ArchiveError`, and so does everything that goes wrong inside the context.
        """
        with _as_archive_errors():
            member = copy.copy(self._zip.getinfo(name))
            member.file_size += 1  # or else zipfile would stop at the declared size, whatever more there is
            with self._zip.open(member) as file:
                yield file


def read_exactly(file: IO[bytes], size: int) -> bytearray:
    """The rest of a file. Raises `ValueError` where that is not exactly `size` bytes.

    It is read in pieces: zipfile and gzip need room for several times what they read at once.
    """
    content = bytearray()
    while piece := file.read(min(_PIECE, size + 1 - len(content))):  # one byte more, if there is one
        content += piece
    if len(content) != size:
        raise ValueError(f"it does not hold the {size} bytes that it declares")
    return content


@contextmanager
def _as_archive_errors() -> Iterator[None]:
    try:
        yield
    except ArchiveError:
        raise
    except Exception as reason:  # a damaged archive makes zipfile and its decompressors raise almost anything
        raise ArchiveError(f"damaged: {first_line(reason)}") from reason
