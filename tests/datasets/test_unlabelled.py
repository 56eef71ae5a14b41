"""Files of images as `predict` reads them."""

import json
from pathlib import Path

import numpy as np
import pytest
from processes import Run
from test_forms import HEADER, csv_text, idx_bytes

from mnist_cli.datasets.dataset import Dataset


@pytest.fixture
def files(mnist: Dataset, tmp_path: Path) -> Path:
    """The first ten test images, as a CSV file without labels, as an `.npz` file and as an IDX file."""
    digits = mnist.test[:10]
    lines = csv_text(digits, HEADER).splitlines()
    (tmp_path / "test.csv").write_text("\n".join(line.split(",", 1)[1] for line in lines))
    np.savez(tmp_path / "d.npz", images=digits.images)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(digits.images))
    return tmp_path


@pytest.mark.parametrize("name", ["test.csv", "d.npz", "t10k-images-idx3-ubyte"])
def test_every_image_is_read(name: str, files: Path, mnist: Dataset, run: Run):
    done = run("predict", "--json", name, cwd=files)
    answers = list(map(json.loads, done.stdout.splitlines()))

    assert done.returncode == 0
    assert [answer["digit"] for answer in answers] == mnist.test.labels[:10].tolist()
    assert [answer["path"] for answer in answers] == [f"{name}[{index}]" for index in range(10)]


def test_a_submission_to_kaggle(files: Path, mnist: Dataset, run: Run):
    done = run("predict", "--kaggle", "test.csv", cwd=files)

    lines = [f"{number},{digit}" for number, digit in enumerate(mnist.test.labels[:10], 1)]
    assert done.stdout.splitlines() == ["ImageId,Label", *lines]


def test_a_broken_file_of_images_is_told(tmp_path: Path, run: Run):
    (tmp_path / "bad.csv").write_text("no images\n")
    done = run("predict", "bad.csv", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: bad.csv: not a data set")
