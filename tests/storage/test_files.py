"""Prediction nothing but regular files, and replacing files whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from mnist_cli.errors import ModelError, OutputError
from mnist_cli.storage import files
from mnist_cli.storage.files import (
    check_destination,
    read_file,
    remove_file,
    remove_strays,
    size_text,
    temporary_beside,
    write_files,
)


def test_reads_a_file(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"content")

    assert read_file(tmp_path / "file", 7, ModelError) == b"content"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "no such file"),
        ("file/below", "no such file"),
        ("null\0", "no such file"),
        ("n" * 300, "name is too long"),
        ("folder", "a folder, not a file"),
        ("empty", "empty"),
        ("large", "too large"),
        ("fifo", "not a regular file"),
        ("loop", "run in a circle"),
        ("device", "not a regular file"),
    ],
)
def test_refuses_everything_else_at_once(name: str, message: str, tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(bytes(1000))
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "device").symlink_to("/dev/zero")

    with pytest.raises(ModelError, match=message):
        read_file(tmp_path / name, 999, ModelError)


def test_writes_through_a_link_to_where_it_points(tmp_path: Path):
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")

    write_files({tmp_path / "link": b"new"})

    assert (tmp_path / "target").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_bytes(b"old")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, step, full)
    with pytest.raises(OutputError, match="No space left"):
        write_files({tmp_path / "file": b"new"})

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_several_files_are_written_all_or_none(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"old")

    with pytest.raises(OutputError, match="missing/b: could not be written"):
        write_files({tmp_path / "a": b"new", tmp_path / "missing" / "b": b"new"})
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_a_rename_that_fails_is_told_of_the_file_it_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(temporary: Path, target: Path) -> None:
        raise OSError(errno.EACCES, "refused")

    monkeypatch.setattr(files.os, "replace", refuse)
    with pytest.raises(OutputError, match="/a: could not be written"):
        write_files({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert list(tmp_path.iterdir()) == []


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o640)

    write_files({tmp_path / "file": b"new"})

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_disk_that_gives_back_something_else_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"something else")

    with pytest.raises(OutputError, match="not what was written"):
        write_files({tmp_path / "file": b"new"})
    assert list(tmp_path.iterdir()) == []


def test_a_destination_gets_its_folders_and_keeps_clean(tmp_path: Path):
    check_destination(tmp_path / "a" / "b" / "file", lambda path: True, "a hint")

    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_is_no_destination(tmp_path: Path):
    with pytest.raises(OutputError, match="not a regular file"):
        check_destination(tmp_path, lambda path: True, "a hint")


def test_a_file_in_the_way_of_a_folder_is_reported(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="can't be written"):
        check_destination(tmp_path / "file" / "model.keras", lambda path: True, "a hint")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (139_304, "136.0 KB"), (2**30, "1.0 GB"), (2**50, "1024.0 TB")],
)
def test_sizes_for_people(size: int, text: str):
    assert size_text(size) == text


def test_strays_of_one_file_are_removed_and_nothing_else(tmp_path: Path):
    ours, others = tmp_path / "m.keras", tmp_path / "n.keras"
    ours.write_bytes(b"model")
    temporary_beside(ours).write_bytes(b"half")
    temporary_beside(ours, ".keras").write_bytes(b"half")
    kept = temporary_beside(others)
    kept.write_bytes(b"half")
    remove_strays(ours)

    assert sorted(tmp_path.iterdir()) == sorted([ours, kept])


def test_what_a_link_leads_to_is_removed(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    remove_file(tmp_path / "link")
    remove_file(tmp_path / "missing")

    assert not (tmp_path / "file").exists()


def test_only_files_that_are_recognised_or_empty_may_be_replaced(tmp_path: Path):
    path = tmp_path / "file"
    check_destination(path, lambda path: False, "a hint")  # nothing is there
    path.touch()
    check_destination(path, lambda path: False, "a hint")
    path.write_bytes(b"mine")
    check_destination(path, lambda path: path.read_bytes() == b"mine", "a hint")

    with pytest.raises(OutputError, match="never overwrites a file it doesn't recognise"):
        check_destination(path, lambda path: False, "a hint")
