"""Model files: what is read, what is refused, and how they are written."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from mnist_cli.data import MODEL_PATH
from mnist_cli.errors import ModelError, OutputError
from mnist_cli.modelfile import read_model, reproducible, write_model
from mnist_cli.record import Record

NAMES = ("metadata.json", "config.json", "model.weights.h5")


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(MODEL_PATH) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return target.getvalue()


def with_config(*changes: Callable[[dict], object]) -> bytes:
    contents = members()
    config = json.loads(contents["config.json"])
    for change in changes:
        change(config)
    return archive_of(contents | {"config.json": json.dumps(config).encode()})


def with_weights(change) -> bytes:
    contents = members()
    stored = io.BytesIO(contents["model.weights.h5"])
    with h5py.File(stored, "r+") as file:
        change(file)
    return archive_of(contents | {"model.weights.h5": stored.getvalue()})


def replace_kernel_by(put: Callable[[h5py.Group], object]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        put(file["layers/dense/vars"])

    return change


def replace_kernel(kernel: np.ndarray) -> Callable[[h5py.File], None]:
    return replace_kernel_by(lambda vars: vars.__setitem__("0", kernel))


def flipped(content: bytes) -> bytes:
    """The content with the byte in its middle turned over."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def set_layer(index: int, key: str, value: object):
    def change(config: dict) -> None:
        config["config"]["layers"][index]["config"][key] = value

    return change


def test_the_shipped_model_comes_with_its_record():
    model = read_model(MODEL_PATH)

    assert model.network is not None and model.network.parameters == 34_826
    assert model.warning == ""
    assert model.record is not None
    assert model.record.command == "mnistcli train --recipe best"
    assert len(model.record.history) == 15


BROKEN = {
    "text": b"this is text\n",
    "truncated": MODEL_PATH.read_bytes()[:50_000],
    "cut at the end": MODEL_PATH.read_bytes()[:-30],
    "no config": archive_of({name: content for name, content in members().items() if name != "config.json"}),
    "no weights": archive_of({name: content for name, content in members().items() if name != "model.weights.h5"}),
    "config is no JSON": archive_of(members() | {"config.json": b"{"}),
    "config is a list": archive_of(members() | {"config.json": b"[]"}),
    "config nested deep": archive_of(members() | {"config.json": b"[" * 100_000}),
    "config of nothing": archive_of(members() | {"config.json": b"{}"}),
    "weights are text": archive_of(members() | {"model.weights.h5": b"text"}),
    "weights truncated": archive_of(members() | {"model.weights.h5": members()["model.weights.h5"][:20_000]}),
    "weights of another shape": with_weights(replace_kernel(np.zeros((1600, 11), np.float32))),
    "weights are whole numbers": with_weights(replace_kernel(np.zeros((1600, 10), np.int32))),
    "weights infinite": with_weights(replace_kernel(np.full((1600, 10), np.inf, np.float32))),
    "weights missing": with_weights(lambda file: file.__delitem__("layers/dense/vars/0")),
    "weights are a group": with_weights(replace_kernel_by(lambda vars: vars.create_group("0"))),
    "weights in another file": with_weights(
        replace_kernel_by(
            lambda vars: vars.create_dataset("0", (1600, 10), "f4", external=[(str(MODEL_PATH), 0, 64000)])
        )
    ),
    "weights behind a link to another file": with_weights(
        replace_kernel_by(lambda vars: vars.__setitem__("0", h5py.ExternalLink("other.h5", "/kernel")))
    ),
    "weights behind a link": with_weights(
        replace_kernel_by(lambda vars: vars.__setitem__("0", h5py.SoftLink("/layers/conv2d/vars/0")))
    ),
    "compressed by lzma and flipped": flipped(archive_of(members(), zipfile.ZIP_LZMA)),
    "negative filters": with_config(set_layer(1, "filters", -1)),
    "filters are text": with_config(set_layer(1, "filters", "32")),
    "filters are true": with_config(set_layer(1, "filters", True)),
    "rate above 1": with_config(set_layer(6, "rate", 1.5)),
    "name with a slash": with_config(set_layer(1, "name", "a/b")),
    "name used twice": with_config(set_layer(1, "name", "dense")),
    "an array for dropout": with_weights(
        lambda file: file.__setitem__("layers/dropout/vars/0", np.zeros(1, np.float32))
    ),
    "one array too many": with_weights(lambda file: file.__setitem__("layers/dense/vars/2", np.zeros(10, np.float32))),
    "padding unheard of": with_config(set_layer(1, "padding", "causal")),
    "strides of three": with_config(set_layer(1, "strides", [1, 1, 1])),
    "too many layers": with_config(
        lambda config: config["config"]["layers"].extend(config["config"]["layers"][-1:] * 300)
    ),
    "too large an activation": with_config(set_layer(2, "padding", "same"), set_layer(2, "pool_size", [9999, 9999])),
    "too many parameters": with_config(set_layer(-1, "units", 10_000_000)),
}


# Refused out of caution: Keras takes them.
STRICTER_THAN_KERAS = {
    "weights are whole numbers",
    "weights infinite",
    "weights in another file",
    "weights behind a link",
    "too many layers",
    "too many parameters",
    "too large an activation",
    "filters are true",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_model_files_are_refused_in_one_line(content: bytes, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(content)

    with pytest.raises(ModelError) as refusal:
        read_model(tmp_path / "model.keras")
    assert "model.keras" in refusal.value.message
    assert "\n" not in refusal.value.message


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - STRICTER_THAN_KERAS))
def test_keras_refuses_them_too(name: str, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(BROKEN[name])

    with pytest.raises(Exception):  # noqa: B017 - Keras raises anything
        keras.saving.load_model(tmp_path / "model.keras")


def with_object(option: str, value: object) -> bytes:
    return with_config(set_layer(1, option, value))


def keras_object(module: str, name: str, **config: object) -> dict[str, object]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def test_regularizers_and_initializers_make_no_difference(tmp_path: Path):
    keras.utils.set_random_seed(0)
    layer = keras.layers.Conv2D(
        2, 3, kernel_regularizer="l2", kernel_initializer="he_normal", bias_constraint="non_neg"
    )
    keras.Sequential([keras.Input((28, 28, 1)), layer]).save(tmp_path / "model.keras")

    assert read_model(tmp_path / "model.keras").network is not None


@pytest.mark.parametrize(
    "content",
    [
        with_object("kernel_initializer", keras_object("keras.initializers", "NoSuchThing")),
        with_object("kernel_initializer", keras_object("keras.utils", "get_file", fname="x")),
        with_object("kernel_initializer", keras_object("builtins", "print")),
        with_object("kernel_initializer", keras_object("keras.initializers", "Constant", value={"module": "os"})),
        with_object("kernel_regularizer", "l2"),
        with_object("seed", {"module": "os"}),
        with_object("trainable", {"module": "os"}),
        with_object("unheard_of", 1),
        with_object("unheard_of", None),
        with_object("kernel_initializer", keras_object("keras.initializers", "Zeros", path="x")),
        with_config(lambda config: config.update(module="evil.module")),
        with_config(lambda config: config.update(registered_name="Evil>Sequential")),
        with_config(lambda config: config["config"]["layers"][0].update(module="evil")),
        with_config(lambda config: config["config"]["layers"][1].update(build_config={"input_shape": [None, 9, 9, 9]})),
        with_config(set_layer(0, "batch_shape", ["x", 28, 28, 1])),
    ],
)
def test_what_is_not_known_to_be_harmless_is_left_to_keras(content: bytes, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(content)

    model = read_model(tmp_path / "model.keras")

    assert model.network is None
    assert model.unknown


def test_a_flipped_byte_is_noticed(tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(flipped(MODEL_PATH.read_bytes()))

    with pytest.raises(ModelError, match="damaged"):
        read_model(tmp_path / "model.keras")


def test_a_record_of_another_model_is_ignored_and_that_is_said(small_model: Path, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(MODEL_PATH.read_bytes())
    (tmp_path / "model.json").write_bytes(small_model.with_suffix(".json").read_bytes())

    model = read_model(tmp_path / "model.keras")

    assert model.record is None
    assert "another model" in model.warning


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"null", b'{"format": 3, "history": 3}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_broken_record_is_ignored_and_that_is_said(content: bytes, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(MODEL_PATH.read_bytes())
    (tmp_path / "model.json").write_bytes(content)

    model = read_model(tmp_path / "model.keras")

    assert model.record is None
    assert "no training record" in model.warning


def shipped_record() -> Record:
    record = read_model(MODEL_PATH).record
    assert record is not None
    return record


def test_a_model_and_its_record_are_written_together(tmp_path: Path):
    write_model(tmp_path / "model.keras", MODEL_PATH.read_bytes(), shipped_record())

    assert read_model(tmp_path / "model.keras").record == shipped_record()


def test_what_is_not_readable_never_replaces_a_model(tmp_path: Path):
    path = tmp_path / "model.keras"
    write_model(path, MODEL_PATH.read_bytes(), shipped_record())

    with pytest.raises(ModelError):
        write_model(path, MODEL_PATH.read_bytes()[:-30], shipped_record())
    assert path.read_bytes() == MODEL_PATH.read_bytes()


@pytest.mark.parametrize("name", ["model.keras", "model.json"])
def test_a_file_of_another_kind_is_never_replaced(name: str, tmp_path: Path):
    (tmp_path / name).write_text('{"name": "a diary"}')

    with pytest.raises(OutputError, match=name):
        write_model(tmp_path / "model.keras", MODEL_PATH.read_bytes(), shipped_record())
    assert [path.read_text() for path in tmp_path.iterdir()] == ['{"name": "a diary"}']


@pytest.mark.parametrize("size", [0, 50_000])
def test_a_model_that_a_crash_cut_short_may_be_replaced(size: int, tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(MODEL_PATH.read_bytes()[:size])

    write_model(tmp_path / "model.keras", MODEL_PATH.read_bytes(), shipped_record())

    assert (tmp_path / "model.keras").read_bytes() == MODEL_PATH.read_bytes()


def test_a_missing_folder_is_an_error_of_the_output(tmp_path: Path):
    with pytest.raises(OutputError, match="gone"):
        write_model(tmp_path / "gone" / "model.keras", MODEL_PATH.read_bytes(), shipped_record())


def test_dates_and_addresses_make_no_difference(tmp_path: Path):
    keras.saving.load_model(MODEL_PATH).save(tmp_path / "model.keras")
    first = (tmp_path / "model.keras").read_bytes()
    second = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(first)) as archive, zipfile.ZipFile(second, "w") as later:
        for info in archive.infolist():
            content = archive.read(info).replace(b'"date_saved": "20', b'"date_saved": "30')
            content = re.sub(rb'"shared_object_id": \d+', b'"shared_object_id": 1', content)
            later.writestr(zipfile.ZipInfo(info.filename, (2050, 1, 1, 0, 0, 0)), content)

    assert first != second.getvalue()
    assert reproducible(first) == reproducible(second.getvalue())


def test_keras_opens_what_was_made_reproducible(tmp_path: Path):
    original = keras.saving.load_model(MODEL_PATH)
    original.save(tmp_path / "a.keras")
    (tmp_path / "b.keras").write_bytes(reproducible((tmp_path / "a.keras").read_bytes()))

    weights = keras.saving.load_model(tmp_path / "b.keras").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(weights, original.get_weights(), strict=True))
