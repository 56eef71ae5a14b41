"""What is in a data set, and which of its labels are doubted."""

import json
from pathlib import Path

import numpy as np
from processes import Run

from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.datasets.overview import survey


def test_flipped_labels_are_the_first_suspects(mnist: Dataset, tmp_path: Path):
    images, labels = mnist.test.images[:2000], mnist.test.labels[:2000].copy()
    flipped = np.random.default_rng(0).choice(2000, 40, replace=False)
    labels[flipped] = (labels[flipped] + 1) % 10
    np.savez(tmp_path / "d.npz", x=images, y=labels)
    suspects = survey(open_dataset(tmp_path / "d.npz")).suspects

    assert len(set(flipped.tolist()) & {suspect.index for suspect in suspects[:50]}) >= 36


def test_digits_and_duplicates_are_counted(mnist: Dataset, tmp_path: Path):
    digits = mnist.test[:100]
    np.savez(
        tmp_path / "d.npz",
        x_train=np.concatenate([digits.images, digits.images[:3]]),
        y_train=np.concatenate([digits.labels, digits.labels[:3]]),
        x_test=digits.images[:5],
        y_test=digits.labels[:5],
    )
    overview = survey(open_dataset(tmp_path / "d.npz"))

    train, test = overview.parts
    assert train.counts == tuple(np.bincount(np.r_[digits.labels, digits.labels[:3]], minlength=10))
    assert (train.duplicates, test.duplicates, overview.duplicates) == (3, 0, 5)


def test_a_summary_of_data_in_json(small_npz: Path, run: Run):
    printed = json.loads(run("summary", "--data", small_npz, "--json").stdout)

    assert [part["samples"] for part in printed["parts"]] == [2000, 400]
    assert {"part", "index", "label", "answer"} <= set(printed["suspects"][0])


def test_a_summary_of_data_for_people(small_npz: Path, run: Run):
    done = run("summary", "--data", small_npz)

    assert done.returncode == 0
    assert "Suspects" in done.stdout
    assert "the mean image of each digit" in done.stdout
