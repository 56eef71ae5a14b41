"""Folders of labelled pictures as data to judge on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.errors import DataError


@pytest.fixture
def by_digit(mnist: Dataset, tmp_path: Path) -> Path:
    for index, (image, label) in enumerate(zip(mnist.test.images[:20], mnist.test.labels[:20], strict=True)):
        (tmp_path / "d" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "d" / str(label) / f"{index}.png")
    return tmp_path / "d"


def test_a_subfolder_is_a_label(by_digit: Path, mnist: Dataset):
    test, _ = open_dataset(by_digit).unseen([])

    assert sorted(test.labels) == sorted(mnist.test.labels[:20])
    originals = {
        image.tobytes(): label for image, label in zip(mnist.test.images[:20], mnist.test.labels, strict=False)
    }
    assert all(originals[image.tobytes()] == label for image, label in zip(test.images, test.labels, strict=True))


def test_a_list_has_the_labels(mnist: Dataset, tmp_path: Path):
    lines = ["path,label"]
    for index in range(3):
        Image.fromarray(mnist.test.images[index]).save(tmp_path / f"{index}.png")
        lines.append(f"{index}.png,{mnist.test.labels[index]}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))

    test, _ = open_dataset(tmp_path).unseen([])

    assert np.array_equal(test.images, mnist.test.images[:3])
    assert np.array_equal(test.labels, mnist.test.labels[:3])


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("path,label", "a.png,10"), "line 2"),
        (("path,label", "", "a.png,1", ",1"), "line 4"),
        (("path,label", "a"), "line 2"),
        (("path,label", "a.png,1", "b.png,1", "a.png,1"), "line 4"),
        (("a.png,1", "b.png,2"), "columns"),
        (("path,label,label", "a.png,1,2"), "columns"),
        (("", ""), "columns"),
    ],
)
def test_a_list_with_a_bad_line_is_refused(lines: tuple[str, ...], told: str, tmp_path: Path):
    (tmp_path / "labels.csv").write_text("\n".join(lines))

    with pytest.raises(DataError, match=f"labels.csv.*{told}"):
        _ = open_dataset(tmp_path).test


def test_a_picture_that_can_not_be_used_is_left_out_and_named(by_digit: Path):
    Image.new("L", (90, 90), 255).save(by_digit / "7" / "blank.png")
    (by_digit / "7" / "bad.png").write_bytes(b"no picture")
    (by_digit / "7" / "notes.txt").write_text("x")
    (by_digit / "more.txt").write_text("x")
    dataset = open_dataset(by_digit)

    assert len(dataset.unseen([])[0]) == 20
    notes = "\n".join(dataset.notes)
    for told in ("bad.png", "blank.png", "more.txt", "1 file without the suffix"):
        assert told in notes


def test_a_picture_keeps_its_path(by_digit: Path, mnist: Dataset):
    (by_digit / "0" / "bad.png").write_bytes(b"no picture")
    part = open_dataset(by_digit).part("all")

    for position, image in enumerate(part.digits.images):
        path = part.path(position)
        assert path is not None
        assert np.array_equal(np.asarray(Image.open(path)), image)


def test_a_folder_without_a_single_good_picture_is_refused(tmp_path: Path):
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "bad.png").write_bytes(b"no picture")

    with pytest.raises(DataError, match=r"bad\.png"):
        open_dataset(tmp_path)


def test_pictures_are_to_train_on_too(by_digit: Path):
    dataset = open_dataset(by_digit)

    assert len(dataset.train) + len(dataset.test) == 20
    assert len(dataset.test) == len(set(dataset.test.labels))


def test_a_folder_without_pictures_is_refused(tmp_path: Path):
    (tmp_path / "3").mkdir()

    with pytest.raises(DataError, match="no pictures"):
        open_dataset(tmp_path)
