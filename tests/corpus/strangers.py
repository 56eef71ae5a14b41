"""The kinds of files that come from strangers: good examples of each, and all that is done with one in this process."""

import gzip
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZIP_DEFLATED

import h5py
import numpy as np
from hostile_data import arrays, idx, members, npy, npz
from hostile_models import archive_of, members_of
from hostile_models import members as model_members
from hostile_pictures import saved
from old_keras import old_files
from PIL import Image

from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import open_dataset
from mnist_cli.datasets.folders import read_labels
from mnist_cli.datasets.formats import read_idx
from mnist_cli.display.screen import Screen
from mnist_cli.display.summary import SummaryView
from mnist_cli.errors import MnistCliError
from mnist_cli.model.engine import Engine, check_digit_classifier
from mnist_cli.model.file import parse_model
from mnist_cli.model.record import read_record
from mnist_cli.model.summary import summarize
from mnist_cli.pictures.decoding import decode
from mnist_cli.pictures.preparation import prepare_file
from mnist_cli.pictures.reader import Reader


@dataclass(frozen=True)
class Kind:
    """`use`: what is done with the bytes of such a file; it raises `MnistCliError` where it refuses them."""

    examples: Sequence[bytes]
    use: Callable[[bytes], object]

    def is_used(self, content: bytes) -> bool:
        """Whether the file is used, and not refused. Whatever else is raised is a mistake."""
        try:
            self.use(content)
        except MnistCliError as error:
            assert error.message
            return False
        return True


_MODEL = model_members()
_PATH = Path("a file")
_ONE_IMAGE = np.zeros((1, 28, 28), np.uint8)


def _use_model(content: bytes) -> None:
    model = parse_model(_PATH, content)
    check_digit_classifier(model)
    Engine(model).probabilities(_ONE_IMAGE)


def _use_member(name: str, members: dict[str, bytes] = _MODEL) -> Callable[[bytes], None]:
    """A member of a model, under a checksum that is right, so that it gets further than to the archive."""
    return lambda content: _use_model(archive_of(members | {name: content}))


_BRANCHES = members_of(old_files()["functional-keras2.15.0.keras"])
_NESTED = old_files()["nested-keras2.15.0.h5"]


def _nested_config() -> bytes:
    with h5py.File(io.BytesIO(_NESTED)) as file:
        return str(file.attrs["model_config"]).encode()


def _use_hdf5_config(content: bytes) -> None:
    stored = io.BytesIO(_NESTED)
    with h5py.File(stored, "r+") as file:
        file.attrs["model_config"] = np.bytes_(content)
    _use_model(stored.getvalue())


def _use_picture(content: bytes) -> None:
    """What is decoded without an error is read without one."""
    try:
        decode(content)
    except MemoryError:
        raise
    except Exception:  # each makes an error that a user can meet
        with suppress(MnistCliError):
            prepare_file(_PATH, content)
            raise AssertionError("refused, and then read") from None
        return
    prepare_file(_PATH, content)


def _in_file(content: bytes, use: Callable[[Path], object], name: str = "file.npz") -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(content)
        use(Path(folder, name))


def _use_npz(content: bytes) -> None:
    def use(path: Path) -> None:
        digits = open_dataset(path).test
        assert digits.images.shape == (len(digits.labels), 28, 28)
        assert digits.images.dtype == np.uint8 and digits.labels.max(initial=0) <= 9

    _in_file(content, use)


def _use_array(content: bytes) -> None:
    _use_npz(archive_of(members(x_test=content)))


def _use_idx(content: bytes) -> None:
    assert read_idx(content, _PATH).dtype in (np.uint8, np.dtype(">i4"))


_ON_BOARD = parse_model(_PATH, MODEL_PATH.read_bytes())


def _short_record() -> bytes:
    record = json.loads(MODEL_PATH.with_suffix(".json").read_bytes())
    return json.dumps(record | {"history": record["history"][:1], "saved_epoch": 1, "best_epoch": 1}).encode()


def _use_record(content: bytes) -> None:
    """As the record of the model that it may be for: read, shown, and calibrating an answer."""

    def use(path: Path) -> None:
        record, _ = read_record(path, _ON_BOARD.sha256)
        model = replace(_ON_BOARD, record=record)
        summary = summarize(model)
        with redirect_stdout(io.StringIO()):
            SummaryView(summary).as_text(Screen())
        json.dumps(SummaryView(summary).as_json(), allow_nan=False)
        assert np.isfinite(Reader(Engine(model), model.calibration).probabilities(_ONE_IMAGE)).all()

    _in_file(content, use, "file.json")


def _use_labels(content: bytes) -> None:
    def use(path: Path) -> None:
        assert all(label in range(10) for label in read_labels(path.parent).labels)

    _in_file(content, use, "labels.csv")


_GREY, _SMALL = Image.new("L", (9, 9), 200), Image.new("P", (30, 20), 3)
_PICTURES = [
    *map(saved, ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")),
    saved("PNG", _SMALL),
    saved("TIFF", _GREY, compression="tiff_lzw"),
    saved("JPEG", _GREY, progressive=True),
    saved("GIF", save_all=True, append_images=[_GREY]),
    b"P2 3 2 255\n1 2 3 4 5 6\n",
]
_X, _Y = idx(bytes(784 * 3), 3, 28, 28), idx(b"\1\2\3", 3)
_SCALED = arrays()["x_test"] / 255

KINDS = {
    "model": Kind([MODEL_PATH.read_bytes(), archive_of(_MODEL, ZIP_DEFLATED)], _use_model),
    "config": Kind([_MODEL["config.json"]], _use_member("config.json")),
    "config with branches": Kind([_BRANCHES["config.json"]], _use_member("config.json", _BRANCHES)),
    "model in HDF5": Kind([_NESTED, old_files()["recurrent-keras2.15.0.h5"]], _use_model),
    "config in HDF5": Kind([_nested_config()], _use_hdf5_config),
    "weights": Kind([_MODEL["model.weights.h5"]], _use_member("model.weights.h5")),
    "picture": Kind(_PICTURES, _use_picture),
    "npz": Kind([npz(), npz(ZIP_DEFLATED), npz(x_train=_SCALED, x_test=_SCALED)], _use_npz),
    "array": Kind([npy(arrays()["x_test"]), npy(arrays()["x_test"].astype(np.float32))], _use_array),
    "idx": Kind([_X, _Y, gzip.compress(_X), gzip.compress(_Y)], _use_idx),
    "record": Kind([_short_record()], _use_record),
    "labels": Kind([b'path,label\nseven.png,7\n"a,b",3\n', b"label,other,path\r\n7,x,seven.png\r\n"], _use_labels),
}
