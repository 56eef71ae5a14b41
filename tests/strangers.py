"""The kinds of files that come from strangers: good examples of each, and all that is done with one in this process."""

import gzip
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

import numpy as np
from hostile_data import arrays, idx, members, npy, npz
from hostile_models import archive_of, keras_object, layer
from hostile_models import members as model_members
from hostile_pictures import saved
from PIL import Image

from mnist_cli.architecture import ShapeError
from mnist_cli.arrayfiles import read_idx
from mnist_cli.calibration import UNCALIBRATED
from mnist_cli.data import MODEL_PATH
from mnist_cli.dataset import open_dataset
from mnist_cli.decoding import decode
from mnist_cli.display.screen import Screen
from mnist_cli.display.summary import show_summary, summary_json
from mnist_cli.engine import open_engine
from mnist_cli.errors import MnistCliError, ModelError
from mnist_cli.kerasconfig import read_config
from mnist_cli.kerasparts import ConfigError
from mnist_cli.modelfile import check_digit_classifier, parse_model
from mnist_cli.numpyengine import NumpyEngine
from mnist_cli.picturefolder import find_labelled
from mnist_cli.pictures import prepare
from mnist_cli.prediction import Reader
from mnist_cli.record import read_record
from mnist_cli.summary import summarize


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
    check_digit_classifier(model.network, model.path)
    with suppress(_NeedsKeras):
        engine = open_engine(model, _refuse_keras)
        assert isinstance(engine, NumpyEngine)
        engine.probabilities(_ONE_IMAGE)


class _NeedsKeras(Exception):
    """Keras would run the model, in a process of its own."""


def _refuse_keras(reason: str) -> None:
    raise _NeedsKeras(reason)


def _use_member(name: str) -> Callable[[bytes], None]:
    """A member of a model, under a checksum that is right, so that it gets further than to the archive."""
    return lambda content: _use_model(archive_of(_MODEL | {name: content}))


def _use_config(content: bytes) -> None:
    """The config alone, of a model whose weights need not be there."""
    try:
        config = json.loads(content)
    except (ValueError, RecursionError):
        return
    try:
        assert read_config(config).network.layers
    except (ConfigError, ShapeError) as reason:
        raise ModelError(str(reason)) from reason


def _tensor(layer: str) -> dict[str, object]:
    """How Keras writes down what a layer gives."""
    config = {"shape": [None, 784], "dtype": "float32", "keras_history": [layer, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def _node(entry: dict[str, Any], *inputs: str) -> dict[str, Any]:
    """A layer of a functional model; of several inputs there is a list."""
    tensors = list(map(_tensor, inputs))
    nodes = [{"args": tensors if len(tensors) == 1 else [tensors], "kwargs": {}}] if inputs else []
    return entry | {"name": entry["config"]["name"], "inbound_nodes": nodes}


def _branches() -> bytes:
    image = keras_object("keras.layers", "InputLayer", batch_shape=[None, 28, 28, 1], dtype="float32", name="image")
    flat = [layer("Flatten", name=name, data_format="channels_last") for name in ("one", "other")]
    both = layer("Concatenate", name="both", axis=-1)
    inner = keras_object("keras", "Sequential", name="inner", trainable=True, layers=[layer("Dense", units=10)])
    layers = [
        _node(image),
        *(_node(entry, "image") for entry in flat),
        _node(both, "one", "other"),
        _node(inner, "both"),
    ]
    ends = {"input_layers": [["image", 0, 0]], "output_layers": [["inner", 0, 0]]}
    return json.dumps(keras_object("keras", "Functional", name="model", layers=layers, **ends)).encode()


def _use_picture(content: bytes) -> None:
    """What is decoded without an error is read without one."""
    try:
        decode(content)
    except MemoryError:
        raise
    except Exception:  # each makes an error that a user can meet
        with suppress(MnistCliError):
            prepare(_PATH, content=content)
            raise AssertionError("refused, and then read") from None
        return
    prepare(_PATH, content=content)


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
    assert read_idx(content, _PATH).dtype == np.uint8


_ON_BOARD = parse_model(_PATH, MODEL_PATH.read_bytes())


def _short_record() -> bytes:
    record = json.loads(MODEL_PATH.with_suffix(".json").read_bytes())
    return json.dumps(record | {"history": record["history"][:1], "saved_epoch": 1, "best_epoch": 1}).encode()


def _use_record(content: bytes) -> None:
    """As the record of the model that it may be for: read, shown, and calibrating an answer."""

    def use(path: Path) -> None:
        record, _ = read_record(path, _ON_BOARD.sha256)
        summary = summarize(replace(_ON_BOARD, record=record))
        with redirect_stdout(io.StringIO()):
            show_summary(Screen(), summary)
        json.dumps(summary_json(summary), allow_nan=False)
        calibration = record.calibration if record and record.calibration else UNCALIBRATED
        assert np.isfinite(Reader(NumpyEngine(_ON_BOARD), calibration).probabilities(_ONE_IMAGE)).all()

    _in_file(content, use, "file.json")


def _use_labels(content: bytes) -> None:
    def use(path: Path) -> None:
        assert all(label in range(10) for _, label in find_labelled(path.parent))

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
    "config with branches": Kind([_branches()], _use_config),
    "weights": Kind([_MODEL["model.weights.h5"]], _use_member("model.weights.h5")),
    "picture": Kind(_PICTURES, _use_picture),
    "npz": Kind([npz(), npz(ZIP_DEFLATED), npz(x_train=_SCALED, x_test=_SCALED)], _use_npz),
    "array": Kind([npy(arrays()["x_test"]), npy(arrays()["x_test"].astype(np.float32))], _use_array),
    "idx": Kind([_X, _Y, gzip.compress(_X), gzip.compress(_Y)], _use_idx),
    "record": Kind([_short_record()], _use_record),
    "labels": Kind([b'path,label\nseven.png,7\n"a,b",3\n', b"label,other,path\r\n7,x,seven.png\r\n"], _use_labels),
}
