"""Which pictures the arguments of a command stand for."""

import os
from pathlib import Path

import pytest

from mnist_cli.pictures import paths


def find_pictures(names: list[Path]) -> list[Path]:
    return paths.find_pictures(names).paths


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.png", "a.JPG", "notes.txt", "in/c.gif", "in/deep/d.webp", "[1].png", "1.png"):
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).touch()
    monkeypatch.chdir(tmp_path)
    return Path("f")


def test_a_folder_stands_for_the_pictures_in_it_and_below(folder: Path):
    names = [str(path.relative_to(folder)) for path in find_pictures([folder])]

    assert names == sorted(["b.png", "a.JPG", "in/c.gif", "in/deep/d.webp", "[1].png", "1.png"])


def test_a_pattern_stands_for_what_it_matches(folder: Path):
    assert find_pictures([folder / "*.png"]) == [folder / "1.png", folder / "[1].png", folder / "b.png"]
    assert find_pictures([folder / "**/*.webp"]) == [folder / "in/deep/d.webp"]


def test_a_file_that_is_there_is_no_pattern(folder: Path):
    assert find_pictures([folder / "[1].png"]) == [folder / "[1].png"]


@pytest.mark.parametrize("name", ["nothing.png", "no*.png", "-"])
def test_what_is_not_there_stays_to_be_told_of_in_its_place(name: str, folder: Path):
    assert find_pictures([folder / "b.png", Path(name), folder / "1.png"])[1] == Path(name)


def test_a_folder_without_pictures_stays_to_be_told_of(tmp_path: Path):
    (tmp_path / "notes.txt").touch()

    assert find_pictures([tmp_path]) == [tmp_path]


def test_links_in_a_circle_end(folder: Path):
    os.symlink(Path.cwd() / folder, folder / "in" / "round")
    pattern = folder / "**" / "*.png"

    assert len(find_pictures([folder])) == 6
    assert len(find_pictures([pattern])) == len(set(find_pictures([pattern]))) < 7


def test_what_is_left_out_of_folders_is_counted_but_for_hidden_files(folder: Path):
    for name in ("._b.png", ".DS_Store", "in/more.doc"):
        (folder / name).touch()

    found = paths.find_pictures([folder, folder / "in"])
    assert (len(found.paths), found.left_out) == (8, 3)
    assert folder / "._b.png" not in found.paths
    assert paths.find_pictures([folder / "*.png"]).left_out == 0
