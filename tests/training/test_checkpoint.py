"""A run that was stopped anywhere goes on as if nothing had been, and what is no checkpoint is refused."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import trained
from tiers import slow

from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.errors import DataError, MnistCliError, ModelError, OutputError, SettingError, TrainingError
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.figures import Epoch
from mnist_cli.model.engine import open_engine
from mnist_cli.model.file import read_model
from mnist_cli.model.record import Record, differences, open_record, record_content
from mnist_cli.settings import Settings
from mnist_cli.training.checkpoint import EpochProgress, checkpoint_path, read_checkpoint, write_checkpoint
from mnist_cli.training.resuming import resumed_checkpoint
from mnist_cli.training.start import TrainingRequest
from mnist_cli.training.stopping import Interrupted, StopRequest

QUICK = {"epochs": 3, "batch_size": 50}  # 36 steps an epoch, in three calls of the graph


class StopAt(StopRequest):
    """A request that comes when it is asked about for the n-th time."""

    def __init__(self, asked: int) -> None:
        super().__init__()
        self._asked = asked

    @property
    def requested(self) -> bool:
        self._asked -= 1
        return self._asked <= 0


@pytest.fixture(scope="module")
def digits(small_npz: Path) -> Dataset:
    return open_dataset(small_npz)


def new(path: Path, data: Path, **chosen) -> TrainingRequest:
    return TrainingRequest(QUICK | chosen, path, data, command="a command")


def resumed(path: Path, data: Path, **chosen) -> TrainingRequest:
    return TrainingRequest(chosen, path, data, resume=True)


def without_seconds(record: Record) -> Record:
    history = tuple(replace(epoch, seconds=0.0) for epoch in record.history)
    return replace(record, history=history, seconds=0.0)


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        slow({"optimizer": "muon", "schedule": "cosine", "warmup": 0.5, "weight_decay": 0.1, "averaging": 0.9}),
        slow({"augment": 1.0, "patience": 2, "precision": "float32", "validation_split": 0.05}),
    ],
    ids=["notebook", "muon", "augmented"],
)
def test_a_run_stopped_again_and_again_ends_as_one_that_never_was(chosen: dict, small_npz: Path, tmp_path: Path):
    once, often = tmp_path / "once.keras", tmp_path / "often.keras"
    record = trained(new(once, small_npz, **chosen))
    stopped, request = 0, new(often, small_npz, **chosen)
    while not often.exists():
        try:
            trained(request, StopAt(2 + stopped % 3))
        except Interrupted:
            stopped += 1
            request = resumed(often, small_npz)

    assert stopped >= 2
    assert often.read_bytes() == once.read_bytes()
    assert without_seconds(open_record(often.with_suffix(".json"))) == without_seconds(record)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["often.json", "often.keras", "once.json", "once.keras"]


def test_a_finished_run_is_extended(extensible: Path, small_npz: Path, tmp_path: Path):
    longer = tmp_path / "longer.keras"
    record = trained(resumed(extensible, small_npz, epochs=2))
    trained(new(longer, small_npz, epochs=2))

    assert extensible.read_bytes() == longer.read_bytes()
    assert [epoch.epoch for epoch in record.history] == [1, 2]
    assert record.settings["epochs"] == 2


@pytest.fixture(scope="module")
def stopped_run(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run that was stopped in its second epoch."""
    path = tmp_path_factory.mktemp("stopped") / "m.keras"
    with pytest.raises(Interrupted):
        trained(new(path, small_npz), StopAt(4))
    return checkpoint_path(path)


@pytest.fixture
def stopped(stopped_run: Path, tmp_path: Path) -> Path:
    """The place of a model whose run was stopped in its second epoch."""
    shutil.copy(stopped_run, tmp_path)
    return tmp_path / "m.keras"


@pytest.fixture(scope="module")
def one_epoch(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one epoch, with its record."""
    path = tmp_path_factory.mktemp("one") / "m.keras"
    trained(new(path, small_npz, epochs=1))
    return path


@pytest.fixture
def extensible(one_epoch: Path, tmp_path: Path) -> Path:
    """A copy of the model of one epoch."""
    shutil.copytree(one_epoch.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "m.keras"


def test_an_unfinished_run_is_extended_too(
    stopped: Path,
):
    assert resumed_checkpoint(stopped, {"epochs": 5}).settings.epochs == 5


def test_epochs_that_have_begun_can_not_be_taken_back(stopped: Path):
    for epochs in (0, 1):
        with pytest.raises(SettingError, match=f"--epochs is {epochs}, but the run is in epoch 2 already"):
            resumed_checkpoint(stopped, {"epochs": epochs})


def test_the_epochs_of_a_schedule_can_not_be_changed(stopped: Path):
    checkpoint = read_checkpoint(stopped)
    write_checkpoint(stopped, replace(checkpoint, settings=replace(checkpoint.settings, schedule="cosine")))

    with pytest.raises(SettingError, match="--epochs .*cosine learning rate depends"):
        resumed_checkpoint(stopped, {"epochs": 5})


@pytest.mark.parametrize(("name", "value"), [("dropout", 0.3), ("seed", 1), ("batch_size", 64), ("recipe", "best")])
def test_another_setting_is_refused_by_its_name(name: str, value: object, stopped: Path):
    with pytest.raises(SettingError, match=f"--{name.replace('_', '-')} is .* in the run to resume, not {value}"):
        resumed_checkpoint(stopped, {name: value})


def test_the_same_settings_may_be_given_again(stopped: Path):
    assert resumed_checkpoint(stopped, QUICK | {"seed": 0, "precision": "auto"}).progress.epoch == 2


def test_other_data_is_refused(stopped: Path):
    with pytest.raises(DataError, match="not the data"):
        trained(TrainingRequest({}, stopped, resume=True))


def test_fewer_epochs_than_are_done_are_refused(small_model: Path):
    with pytest.raises(SettingError, match="--epochs is 1, but"):
        resumed_checkpoint(small_model, {"epochs": 1})


def test_nothing_to_resume_is_an_error(tmp_path: Path, small_model: Path):
    (tmp_path / "alone.keras").write_bytes(small_model.read_bytes())

    for path, reason in (
        (tmp_path / "m.keras", "does not exist"),
        (tmp_path / "alone.keras", "no training record"),
        (small_model, "this run is finished"),
    ):
        with pytest.raises(ModelError, match=reason):
            resumed_checkpoint(path, {})


@pytest.mark.parametrize("chosen", [{"averaging": 0.9}, {"optimizer": "muon"}])
def test_a_model_that_does_not_hold_all_of_its_run_can_not_be_extended(chosen: dict, small_npz: Path, tmp_path: Path):
    trained(new(tmp_path / "m.keras", small_npz, epochs=1, **chosen))

    with pytest.raises(ModelError, match="can't be extended"):
        resumed_checkpoint(tmp_path / "m.keras", {"epochs": 2})


def damaged(content: bytes) -> Iterator[bytes]:
    yield b""
    yield content[:1000]
    yield content[: len(content) // 2]
    yield content.replace(b"PK", b"QK")
    yield content[:300] + b"\0" * 200 + content[500:]


def test_a_damaged_checkpoint_is_told_in_a_line(stopped: Path):
    path = checkpoint_path(stopped)
    for content in damaged(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=str(path)):
            resumed_checkpoint(stopped, {})


def test_a_checkpoint_of_another_network_is_refused(stopped: Path, small_npz: Path):
    checkpoint = read_checkpoint(stopped)
    state = checkpoint.state | {"weight_0": np.zeros((5, 5, 1, 32), "f4")}
    write_checkpoint(stopped, replace(checkpoint, state=state, before=state))

    with pytest.raises(MnistCliError, match="another network"):
        trained(resumed(stopped, small_npz))


# patience and divergence


def test_patience_stops_and_saves_the_best_epoch(digits: Dataset, small_npz: Path, tmp_path: Path):
    path = tmp_path / "m.keras"
    # So fast that it is soon over the hill.
    record = trained(new(path, small_npz, epochs=30, learning_rate=0.02, dropout=0.0, patience=2))
    losses = [epoch.val_loss for epoch in record.history if epoch.val_loss is not None]
    metrics = Evaluation(digits.test.labels, open_engine(read_model(path)).probabilities(digits.test.images)).metrics

    assert len(losses) < 30
    assert record.saved_epoch == record.best_epoch == int(np.argmin(losses)) + 1 == len(losses) - 2
    assert metrics.loss == pytest.approx(record.test.loss, abs=1e-5)


def explode_in(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    def rates(settings: Settings, number: int, steps: int) -> list[float]:
        return [1e30 if number >= epoch else 1e-3] * steps

    monkeypatch.setattr(Settings, "learning_rates", rates)


@pytest.mark.parametrize("validation_split", [0.1, slow(0.0)])
def test_when_the_loss_explodes_the_last_good_epoch_is_saved(
    validation_split: float, small_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    explode_in(monkeypatch, 2)
    path, reference = tmp_path / "m.keras", tmp_path / "one.keras"
    with pytest.raises(TrainingError, match="in epoch 2: the model of epoch 1 was saved") as end:
        trained(new(path, small_npz, validation_split=validation_split))
    trained(new(reference, small_npz, epochs=1, validation_split=validation_split))

    assert "--learning-rate" in end.value.hint
    assert path.read_bytes() == reference.read_bytes()
    assert open_record(path.with_suffix(".json")).saved_epoch == 1
    assert not checkpoint_path(path).exists()


def test_it_is_saved_too_where_the_run_was_stopped_in_the_midst_of_the_epoch_that_explodes(
    stopped: Path, one_epoch: Path, small_npz: Path, monkeypatch: pytest.MonkeyPatch
):
    explode_in(monkeypatch, 2)
    with pytest.raises(TrainingError, match="the model of epoch 1 was saved"):
        trained(resumed(stopped, small_npz))

    assert stopped.read_bytes() == one_epoch.read_bytes()


def test_when_the_first_epoch_explodes_nothing_is_saved(
    small_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    explode_in(monkeypatch, 1)
    with pytest.raises(TrainingError, match="nothing was saved"):
        trained(new(tmp_path / "m.keras", small_npz))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_patience_goes_on_where_a_run_is_extended(small_npz: Path, tmp_path: Path):
    once, longer = tmp_path / "once.keras", tmp_path / "longer.keras"
    trained(new(longer, small_npz, epochs=2, patience=3))
    record = trained(resumed(longer, small_npz, epochs=4))
    trained(new(once, small_npz, epochs=4, patience=3))

    assert record.settings["patience"] == 3
    assert longer.read_bytes() == once.read_bytes()


def test_the_model_holds_what_adam_remembers_as_keras_does(one_epoch: Path):
    optimizer = keras.saving.load_model(one_epoch).optimizer
    named = {variable.path.rpartition("_")[2]: variable.numpy() for variable in optimizer.variables}
    state = resumed_checkpoint(one_epoch, {"epochs": 2}).state

    assert int(optimizer.iterations) == 36
    assert len(optimizer.variables) == 14
    # Of the last array, the ten biases: the mean of its gradients, and of their squares, which are never negative.
    np.testing.assert_array_equal(named["momentum"], state["optimizer_10"])
    np.testing.assert_array_equal(named["velocity"], state["optimizer_11"])
    assert (state["optimizer_11"] > 0).all() and (state["optimizer_10"] < 0).any()


@pytest.mark.parametrize("content", [b"mine", b"PK\x03\x04 and no more"])
def test_a_stranger_in_the_place_of_the_checkpoint_is_left_alone(content: bytes, small_npz: Path, tmp_path: Path):
    stranger = checkpoint_path(tmp_path / "m.keras")
    stranger.write_bytes(content)

    with pytest.raises(OutputError, match="never overwrites a file it doesn't recognise"):
        trained(new(tmp_path / "m.keras", small_npz, epochs=1))
    assert stranger.read_bytes() == content


# records


@pytest.mark.slow
def test_a_run_is_repeated_from_its_record(small_npz: Path, tmp_path: Path):
    first = trained(new(tmp_path / "a.keras", small_npz, epochs=1, augment=0.5, schedule="linear", seed=3))
    repeat = {"record_path": tmp_path / "a.json", "data_path": small_npz, "output_path": tmp_path / "b.keras"}
    again = trained(TrainingRequest(**repeat))

    assert differences(first, again) == []
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    with pytest.raises(SettingError, match="--dropout is 0.5 in the record, not 0.1"):
        trained(TrainingRequest({"dropout": 0.1}, **repeat))


def test_what_differs_between_two_runs_is_told(small_model: Path):
    before = open_record(small_model.with_suffix(".json"))
    after = replace(
        before,
        model_sha256="0",
        versions=before.versions | {"tensorflow": "9.9"},
        machine=before.machine | {"processor": "abacus"},
        data=replace(before.data, sha256="0", name="mine"),
    )

    told = " / ".join(differences(before, after))
    assert "now 9.9" in told and "now abacus" in told and "now mine" in told
    assert differences(before, replace(before, model_sha256="0")) == ["nothing that the records tell of"]


def test_a_record_of_other_settings_is_refused(small_model: Path, small_npz: Path, tmp_path: Path):
    record = replace(open_record(small_model.with_suffix(".json")), settings={"epochs": 3})
    (tmp_path / "r.json").write_bytes(record_content(record))

    with pytest.raises(ModelError, match="settings of another version"):
        trained(TrainingRequest({}, tmp_path / "m.keras", small_npz, record_path=tmp_path / "r.json"))


def test_the_history_in_a_checkpoint_is_what_was_told(stopped: Path):
    checkpoint = read_checkpoint(stopped)

    assert [type(epoch) for epoch in checkpoint.history] == [Epoch]
    assert checkpoint.progress.epoch == 2
    assert 0 < checkpoint.progress.step < 36
    assert checkpoint.command == "a command"


@pytest.mark.parametrize(
    "change",
    [
        {"progress": EpochProgress(77)},
        {"progress": EpochProgress(2, step=-5)},
        {"progress": EpochProgress(2, step=10**6, images=10**6)},
        {"progress": EpochProgress(2, step=8)},
        {"history": ()},
        {"before": {}},
        {"best": {"weight_0": np.zeros(3, "f4")}},
        {"seconds": 10**400},
        {"seconds": float("nan")},
    ],
    ids=str,
)
def test_a_checkpoint_that_contradicts_itself_is_refused(change: dict, stopped: Path, small_npz: Path):
    write_checkpoint(stopped, replace(read_checkpoint(stopped), **change))

    with pytest.raises(ModelError, match=r"m\.checkpoint"):
        trained(resumed(stopped, small_npz))


def test_links_that_make_one_file_of_model_and_record_are_refused(small_npz: Path, tmp_path: Path):
    (tmp_path / "m.json").symlink_to("m.keras")

    with pytest.raises(OutputError, match="links make it one file"):
        trained(new(tmp_path / "m.keras", small_npz, epochs=1))


def test_patience_needs_images_to_validate_on(small_npz: Path, tmp_path: Path):
    with pytest.raises(SettingError, match="--validation-split leaves no images"):
        trained(new(tmp_path / "m.keras", small_npz, patience=1, validation_split=1e-13))


def test_a_data_set_in_the_place_of_the_model_is_left_alone(small_npz: Path, tmp_path: Path):
    (tmp_path / "m.keras").write_bytes(small_npz.read_bytes())

    with pytest.raises(OutputError, match="never overwrites a file it doesn't recognise"):
        trained(new(tmp_path / "m.keras", small_npz, epochs=1))
