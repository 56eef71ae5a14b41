"""Zip archives, which `.keras` and `.npz` files are, read so that whatever is wrong with one is one kind of error."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from mnist_cli.errors import first_line
from mnist_cli.files import size_text


class ArchiveError(ValueError):
    """An archive that is none, or is damaged, or holds more than it should."""


class Archive:
    """A zip archive in memory. Raises `ArchiveError` where `content` is none."""

    def __init__(self, content: bytes) -> None:
        with _as_archive_errors():
            self._zip = zipfile.ZipFile(io.BytesIO(content))

    def names(self) -> list[str]:
        return self._zip.namelist()

    def read(self, name: str, limit: int) -> bytes:
        """A member that holds at most `limit` bytes, its checksum verified. Raises `ArchiveError`."""
        with self.open(name) as member:
            content = member.read(limit + 1)
        if len(content) > limit:
            raise ArchiveError(f"{name} holds more than {size_text(limit)}")
        return content

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A member as a file; it, and what is done with it inside the context, raises `ArchiveError`."""
        with _as_archive_errors(), self._zip.open(name) as member:
            yield member


@contextmanager
def _as_archive_errors() -> Iterator[None]:
    try:
        yield
    except ArchiveError:
        raise
    except Exception as reason:  # a damaged archive makes zipfile and its decompressors raise almost anything
        raise ArchiveError(f"damaged: {first_line(reason)}") from reason
