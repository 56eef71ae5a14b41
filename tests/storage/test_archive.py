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


def test_a_member_is_exactly_as_long_as_declared():
    content = archive_of({"a": b"x" * 100}, zipfile.ZIP_DEFLATED)
    sizes = {size: content.replace((100).to_bytes(4, "little"), size.to_bytes(4, "little")) for size in (99, 101)}

    assert Archive(content).size("a") == 100
    for spoilt in sizes.values():
        with pytest.raises(ArchiveError):
            Archive(spoilt).read("a", 1000)


def test_a_member_whose_checksum_is_wrong_is_refused_at_its_end():
    archive = Archive(archive_of({"a": b"content"}).replace(b"content", b"CONTENT"))

    with pytest.raises(ArchiveError, match="damaged: Bad CRC"):
        archive.read("a", 100)


def test_what_goes_wrong_with_an_open_member_is_an_error_of_the_archive():
    with pytest.raises(ArchiveError, match="damaged: of mine"), Archive(archive_of({"a": b"x"})).open("a"):
        raise LookupError("of mine")


def with_the_encrypted_flag(content: bytes) -> bytes:
    directory = content.index(b"PK\x01\x02")
    return content[: directory + 8] + b"\x01" + content[directory + 9 :]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "damaged: File is not a zip file"),
        (archive_of({"a": b"x"})[:-5], "damaged: File is not a zip file"),
        (archive_of({"a": b"x"}, zipfile.ZIP_LZMA), "another method"),
        (archive_of({"a": b"x"}, zipfile.ZIP_BZIP2), "another method"),
        (with_the_encrypted_flag(archive_of({"a": b"x"})), "encrypted"),
        (archive_of({"a1": b"x", "a2": b"y"}).replace(b"a2", b"a1"), "twice"),
        (archive_of({"a": b"PK\x01\x02" * 10_000}), "too many members"),
    ],
)
def test_other_archives_are_refused(content: bytes, reason: str):
    with pytest.raises(ArchiveError, match=reason):
        Archive(content)
