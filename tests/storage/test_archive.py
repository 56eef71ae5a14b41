"""Zip archives: what is refused, whatever zipfile itself would make of it."""

import io
import zipfile

import pytest
from hostile_models import archive_of

from mnist_cli.storage.archive import Archive, ArchiveError, read_exactly


def test_a_member_is_read_whole():
    archive = Archive(archive_of({"a": b"", "b": b"x" * 3_000_000}, zipfile.ZIP_DEFLATED))

    assert archive.names() == {"a", "b"}
    assert (archive.read("a", 0), archive.read("b", 3_000_000)) == (b"", b"x" * 3_000_000)


@pytest.mark.parametrize(("name", "reason"), [("b", "more than 9 bytes"), ("c", "no item named")])
def test_a_member_that_is_too_large_or_missing_is_refused(name: str, reason: str):
    with pytest.raises(ArchiveError, match=reason):
        Archive(archive_of({"b": b"x" * 10})).read(name, 9)


def test_a_name_with_a_nul_byte_is_refused():
    content = archive_of({"config.json_txt": b"{}"}).replace(b"config.json_txt", b"config.json\0txt")

    assert zipfile.ZipFile(io.BytesIO(content)).read("config.json") == b"{}"
    with pytest.raises(ArchiveError, match="NUL"):
        Archive(content)


@pytest.mark.parametrize("size", [0, 2, 4, 2**21])
def test_a_file_of_another_size_than_declared_is_refused(size: int):
    assert read_exactly(io.BytesIO(b"abc"), 3) == b"abc"
    with pytest.raises(ValueError, match=f"the {size} bytes"):
        read_exactly(io.BytesIO(b"abc"), size)
