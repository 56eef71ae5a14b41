"""Zip archives, such as `.keras` and `.npz` files, read from memory. Every fault raises `ArchiveError`."""

import copy
import io
import zipfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import IO

from mnist_cli.errors import first_line
from mnist_cli.storage.files import size_text

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK_SIZE = 2**20  # bytes
# The first bytes of each entry in the archive's directory. zipfile takes a kilobyte of memory for each entry.
_ENTRY, _ENTRIES_LIMIT = b"PK\x01\x02", 10_000


class ArchiveError(ValueError):
    """Not an archive, or a damaged one, or one that holds more than it should."""


class Archive:
    """A zip archive in memory, whose members have distinct names and are stored or deflated.

    Raises `ArchiveError` if `content` is anything else.
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
        """The names of all members."""
        return set(self._zip.namelist())

    def size(self, name: str) -> int:
        """The declared size of a member, in bytes. Raises `ArchiveError` if it doesn't exist."""
        with _as_archive_errors():
            return self._zip.getinfo(name).file_size

    def read(self, name: str, limit: int) -> bytes:
        """The content of a member, which must have the declared size and at most `limit` bytes.

        Raises `ArchiveError`.
        """
        declared = self.size(name)
        if declared > limit:
            raise ArchiveError(f"{name} holds more than {size_text(limit)}")
        with self.open(name) as member:
            return bytes(read_exactly(member, declared))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member as a file, whose checksum is verified at its end.

        Every exception becomes an `ArchiveError`, also those raised inside the context.
        """
        with _as_archive_errors():
            member = copy.copy(self._zip.getinfo(name))
            member.file_size += 1  # or else zipfile would stop at the declared size and hide what follows
            with self._zip.open(member) as file:
                yield file


def read_exactly(file: IO[bytes], size: int) -> bytearray:
    """The rest of a file. Raises `ValueError` unless it has exactly `size` bytes.

    It is read in chunks, because zipfile and gzip need several times as much memory as they read at once.
    """
    content = bytearray()
    while chunk := file.read(min(_CHUNK_SIZE, size + 1 - len(content))):  # one byte more shows that it is too long
        content += chunk
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
