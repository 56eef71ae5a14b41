"""Event files, read back by TensorFlow's own reader."""

from pathlib import Path

import pytest
import tensorflow as tf
from conftest import trained

from mnist_cli.errors import OutputError
from mnist_cli.model.record import Record
from mnist_cli.training.start import TrainingRequest


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """Every scalar in the event files of a folder, by tag and step."""
    found = {}
    for path in folder.glob("events.out.tfevents.*"):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            values = event.summary.value
            found |= {(value.tag, event.step): float(tf.make_ndarray(value.tensor)) for value in values}
    return found


def run(data: Path, path: Path, board: Path, resume: bool = False, **chosen) -> Record:
    return trained(TrainingRequest(chosen, path, data, resume, tensorboard_path=board))


def test_every_epoch_is_written_for_both_parts(small_npz: Path, tmp_path: Path):
    folder = tmp_path / "board"
    run(small_npz, tmp_path / "m.keras", folder, epochs=1)
    record = run(small_npz, tmp_path / "m.keras", folder, epochs=2, resume=True)

    training, validation = scalars(folder / "train"), scalars(folder / "validation")
    for epoch in record.history:
        assert training["epoch_loss", epoch.epoch] == pytest.approx(epoch.loss)
        assert training["epoch_accuracy", epoch.epoch] == pytest.approx(epoch.accuracy)
        assert validation["epoch_loss", epoch.epoch] == pytest.approx(epoch.val_loss)
        assert validation["epoch_accuracy", epoch.epoch] == pytest.approx(epoch.val_accuracy)
    assert len(training) == len(validation) == 4


def test_without_validation_there_is_one_part(small_npz: Path, tmp_path: Path):
    run(small_npz, tmp_path / "m.keras", tmp_path / "board", epochs=1, validation_split=0.0)

    assert [path.name for path in (tmp_path / "board").iterdir()] == ["train"]


def test_a_folder_that_can_not_be_made_is_told_before_training(small_npz: Path, tmp_path: Path):
    (tmp_path / "board").write_text("a file")

    with pytest.raises(OutputError, match="can't be written"):
        run(small_npz, tmp_path / "m.keras", tmp_path / "board", epochs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board"]
