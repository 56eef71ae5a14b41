"""Files that Keras 2.12, 2.13, 2.15 and 3.0 wrote, read as those versions read them; `corpus` tells how they were made.

Later versions of Keras can't open most of them.
"""

import io
from pathlib import Path

import h5py
import numpy as np
import pytest
from hostile_models import archive_of, members_of
from old_keras import old_files

from mnist_cli.errors import ModelError
from mnist_cli.model.engine import Engine
from mnist_cli.model.file import ModelFile, parse_model
from mnist_cli.model.images import PLAIN

TOLERANCE, OF_FLOAT16 = 1e-5, 5e-4
# Those that the answers in the files are for.
IMAGES = np.random.default_rng(1).integers(0, 256, (8, 28, 28)).astype(np.uint8)
MODELS = [name for name in old_files() if name.endswith((".keras", ".h5")) and "weights" not in name]


def answers(model: ModelFile) -> np.ndarray:
    return Engine(model).raw(IMAGES, PLAIN)


def expected(name: str) -> np.ndarray:
    stem = name.removesuffix(".keras").removesuffix(".h5").removesuffix("-zip")
    return np.load(io.BytesIO(old_files()[f"{stem}.npy"]))


@pytest.mark.parametrize("name", MODELS)
def test_models_of_old_versions_answer_as_they_did(name: str):
    tolerance = OF_FLOAT16 if name.startswith("mixed") else TOLERANCE

    assert np.abs(answers(parse_model(Path(name), old_files()[name])) - expected(name)).max() <= tolerance


def test_every_version_and_container_is_there():
    kinds = {(name.split("-")[1].removesuffix(".keras").removesuffix(".h5"), name[-3:]) for name in MODELS}

    versions = ("keras2.12.0", "keras2.13.1", "keras2.15.0", "keras3.0.5")
    assert kinds == {(version, suffix) for version in versions for suffix in ("ras", ".h5")}


@pytest.mark.parametrize("name", ["nested-keras2.13.1.keras", "nested-keras3.0.5.keras"])
def test_groups_named_with_backslashes_are_read(name: str):
    """As Keras on Windows has written them."""
    parts = members_of(old_files()[name])
    windows = io.BytesIO()
    with h5py.File(io.BytesIO(parts["model.weights.h5"])) as stored, h5py.File(windows, "w") as target:

        def copy(path: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                group, place, number = path.rpartition("/vars/")
                target.require_group(group.replace("/", "\\")).require_group("vars")[number] = item[()]

        stored.visititems(copy)
    content = archive_of(parts | {"model.weights.h5": windows.getvalue()})

    assert np.abs(answers(parse_model(Path(name), content)) - expected(name)).max() <= TOLERANCE


def test_weights_alone_are_refused_with_what_to_do():
    with pytest.raises(ModelError, match="no description of the layers") as refusal:
        parse_model(Path("w.h5"), old_files()["sequential-keras2.15.0.weights.h5"])
    assert "model.save" in refusal.value.hint
