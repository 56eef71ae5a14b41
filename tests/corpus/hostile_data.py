"""Data sets and training records that are broken, or made to do harm; a data set is an `.npz`, or a folder of files."""

import gzip
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from hostile_models import MARKER, archive_of, flipped
from hostile_pictures import saved

from mnist_cli.data import MODEL_PATH

Files = dict[str, bytes]
_ESCAPES = "\x1b[31m\x1b]0;owned\x07\u202e[red]"


class _Payload:
    """What unpickling would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (MARKER, "w")


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def npy_of(header: str, content: bytes = b"", version: bytes = b"\1\0") -> bytes:
    size = struct.pack("<H" if version == b"\1\0" else "<I", len(header))
    return b"\x93NUMPY" + version + size + header.encode() + content


def header(shape: object, descr: str = "'|u1'", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def arrays(**changed: Any) -> dict[str, Any]:
    """Forty digits, half of them to train on; an array that is None is left out."""
    images = np.arange(20 * 784, dtype=np.uint32).reshape(20, 28, 28).astype(np.uint8)
    labels = (np.arange(20) % 10).astype(np.uint8)
    whole = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels} | changed
    return {name: array for name, array in whole.items() if array is not None}


def members(**changed: Any) -> dict[str, bytes]:
    """The members of an `.npz`; an array may be given as the bytes of its member."""
    return {
        f"{name}.npy": array if isinstance(array, bytes) else npy(array) for name, array in arrays(**changed).items()
    }


def npz(compression: int = zipfile.ZIP_STORED, **changed: Any) -> bytes:
    return archive_of(members(**changed), compression)


def _test_image(change: Callable[[np.ndarray], object]) -> np.ndarray:
    """The images to judge on, as floats, changed."""
    images = arrays()["x_test"].astype(np.float64)
    change(images)
    return images


def _one_pixel(value: float) -> bytes:
    return npz(x_test=_test_image(lambda images: images.__setitem__((3, 14, 14), value)))


def _twice() -> bytes:
    target = io.BytesIO(npz())
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("x_test2npy", npy(arrays()["x_test"][:5]))
    return target.getvalue().replace(b"x_test2npy", b"x_test.npy")


def _calling(code: str) -> bytes:
    return npz(x_test=npy_of(header(f"({code},)")))


# What runs code where it is read without care.
CALLING: Files = {
    "pickle in an array": npz(x_test=np.array([_Payload()], object)),
    "pickle as an array": npz(x_test=pickle.dumps(_Payload())),
    "pickle as labels": npz(y_test=npy_of(header("(20,)", "'|O'"), pickle.dumps(_Payload()))),
    "pickle": pickle.dumps(_Payload()),
    "objects in a structure": npz(x_test=npy_of(header("(20,)", "[('a', '|O')]"), pickle.dumps(_Payload()))),
    "code in a header": _calling(f"open({MARKER!r}, 'w')"),
    "code in the type of a header": npz(x_test=npy_of(header("(1,)", f"__import__('os').system('touch {MARKER}')"))),
}

# What asks for more memory or time than there is.
GREEDY: Files = {
    "array without end": npz(x_test=npy_of(header((2**60,)))),
    "array of more than there is": npz(x_test=npy_of(header((500_000, 28, 28)))),
    "array of no size": npz(x_test=npy_of(header((2**62, 0, 2**62)))),
    "negative array": npz(x_test=npy_of(header((-20, 28, 28)))),
    "axes without end": npz(x_test=npy_of(header("(" + "1, " * 1000 + ")"))),
    "numbers without end": npz(x_test=npy_of(header("(" + "9" * 3000 + ",)"))),
    "header nested deep": npz(x_test=npy_of(header("(" * 3000))),
    "header without end": npz(x_test=npy_of(" " * 60_000)),
    "header of 2 GB": npz(x_test=b"\x93NUMPY\2\0" + struct.pack("<I", 2**31)),
    "text of a size without end": npz(x_test=npy_of(header((20, 28, 28), "'<U100000000'"))),
}


_ROW = b"7," + b",".join([b"0"] * 784) + b"\n"

# Images that are zeros, and deflated; the header may tell of others than there are. Made when asked for.
BOMBS: dict[str, Callable[[], bytes | Files]] = {
    "bomb as large as allowed.npz": lambda: _deflated(63_000 * 784 * 8, header((63_000, 28, 28), "'<f8'")),
    "bomb behind a small header.npz": lambda: _deflated(500_000_000, header((20, 28, 28))),
    "bomb that is no array.npz": lambda: npz(zipfile.ZIP_DEFLATED, x_test=bytes(500_000_000)),
    "lines without end.csv": lambda: _ROW * 180_000,
    "bomb.csv.gz": lambda: gzip.compress(_ROW * 200_000, 6),
    "idx, gzip that is a bomb": lambda: {
        f"{IMAGES}.gz": gzip.compress(idx(bytes(500_000_000), 20, 28, 28), 6),
        LABELS: _LABELS,
    },
}


def _deflated(size: int, tells: str) -> bytes:
    return npz(zipfile.ZIP_DEFLATED, x_test=npy_of(tells, bytes(size)))


ARRAYS: Files = {
    "array missing": npz(x_test=None),
    "labels missing": npz(y_test=None),
    "no arrays": archive_of({}),
    "names in colour": archive_of({f"{_ESCAPES}.npy": npy(np.zeros(3))}),
    "array twice": _twice(),
    "array cut": npz(x_test=npy(arrays()["x_test"])[:-100]),
    "more than the array": npz(x_test=npy(arrays()["x_test"]) + b"x"),
    "structures": npz(x_test=np.zeros((20, 28, 28), [("a", "u1"), ("b", "u1")])),
    "arrays in the type": npz(x_test=npy_of(header((20,), "('|u1', (28, 28))"), bytes(20 * 784))),
    "type unheard of": npz(x_test=npy_of(header((20, 28, 28), f"'{_ESCAPES}'"))),
    "dates": npz(y_test=np.zeros(20, "M8[s]")),
    "texts": npz(y_test=np.array(["one", "two"] * 10)),
    "complex pixels": npz(x_test=np.zeros((20, 28, 28), np.complex64)),
    "other images": npz(x_test=np.zeros((20, 32, 32), np.uint8)),
    "images in colour": npz(x_test=np.zeros((20, 28, 28, 3), np.uint8)),
    "no images": npz(x_test=np.zeros((0, 28, 28), np.uint8), y_test=np.zeros(0, np.uint8)),
    "fewer labels": npz(y_test=arrays()["y_test"][:19]),
    "label 10": npz(y_test=np.full(20, 10, np.uint8)),
    "label -1": npz(y_test=np.full(20, -1, np.int64)),
    "labels are fractions": npz(y_test=np.full(20, 0.5)),
    "labels NaN": npz(y_test=np.full(20, np.nan)),
    "labels twice hot": npz(y_test=np.ones((20, 10), np.uint8)),
    "labels in colour": npz(y_test=np.array([_ESCAPES] * 20)),
    "labels without end": npz(y_test=np.array([2**63] * 20, np.uint64)),
    "pixel NaN": _one_pixel(np.nan),
    "pixel infinite": _one_pixel(np.inf),
    "pixel negative": _one_pixel(-1),
    "pixel 256": _one_pixel(256),
    "pixels to 65535": npz(x_test=arrays()["x_test"].astype(np.uint16) * 257),
    "one image from 0 to 1": npz(x_test=_test_image(lambda images: images.__setitem__(3, images[3] / 255))),
    "test images from 0 to 1": npz(x_test=_test_image(lambda images: np.divide(images, 255, out=images))),
    "training images from 0 to 1": npz(x_train=arrays()["x_train"] / 255),
    "a byte flipped": flipped(npz(), 0.6),
    "truncated": npz()[:20_000],
    "text": b"x_test,y_test\n",
    "an image archive": archive_of({"seven.png": saved("PNG")}),
    "a model": MODEL_PATH.read_bytes(),
    "compressed by lzma": npz(zipfile.ZIP_LZMA),
}

NPZ = {**CALLING, **GREEDY, **ARRAYS}


def idx(content: bytes, *shape: int, kind: int = 8) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + content


IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
_IMAGES = idx(arrays()["x_test"].tobytes(), 20, 28, 28)
_LABELS = idx(arrays()["y_test"].tobytes(), 20)


IDX: dict[str, Files] = {
    "idx, images missing": {LABELS: _LABELS},
    "idx, labels missing": {IMAGES: _IMAGES},
    "idx, empty": {IMAGES: b"", LABELS: _LABELS},
    "idx, text": {IMAGES: b"text\n", LABELS: _LABELS},
    "idx, cut": {IMAGES: _IMAGES[:-1], LABELS: _LABELS},
    "idx, more than it tells": {IMAGES: _IMAGES + b"x", LABELS: _LABELS},
    "idx, without end": {IMAGES: idx(b"", 2**32 - 1, 2**32 - 1, 2**32 - 1), LABELS: _LABELS},
    "idx, of nothing": {IMAGES: idx(b"", 0, 28, 28), LABELS: idx(b"", 0)},
    "idx, header cut": {IMAGES: _IMAGES[:9], LABELS: _LABELS},
    "idx, doubles": {IMAGES: idx(bytes(20 * 784 * 8), 20, 28, 28, kind=14), LABELS: _LABELS},
    "idx, other images": {IMAGES: idx(bytes(20 * 900), 20, 30, 30), LABELS: _LABELS},
    "idx, fewer labels": {IMAGES: _IMAGES, LABELS: idx(bytes(19), 19)},
    "idx, label 200": {IMAGES: _IMAGES, LABELS: idx(b"\xc8" * 20, 20)},
    "idx, labels for images": {IMAGES: _LABELS, LABELS: _LABELS},
    "idx, gzip cut": {f"{IMAGES}.gz": gzip.compress(_IMAGES)[:-9], LABELS: _LABELS},
    "idx, gzip with more behind": {f"{IMAGES}.gz": gzip.compress(_IMAGES) + b"more", LABELS: _LABELS},
    "idx, gzip flipped": {f"{IMAGES}.gz": flipped(gzip.compress(_IMAGES)), LABELS: _LABELS},
}


def _listed(lines: str | bytes) -> Files:
    content = lines if isinstance(lines, bytes) else b"path,label\n" + lines.encode()
    return {"labels.csv": content, "seven.png": saved("PNG")}


FOLDERS: dict[str, Files] = {
    "folder of nothing": {},
    "folder of no digits": {"readme.txt": b"x"},
    "list, empty": _listed(b""),
    "list of nothing": _listed(""),
    "list, not UTF-8": _listed(b"path,label\n\xff\xfe,7\n"),
    "list, no columns": _listed(b"seven.png,7\n"),
    "list, columns twice": _listed(b"path,label,path\nseven.png,7,seven.png\n"),
    "list, label 10": _listed("seven.png,10\n"),
    "list, label in colour": _listed(f"seven.png,{_ESCAPES}\n"),
    "list, no label": _listed("seven.png\n"),
    "list, no path": _listed(",7\n"),
    "list, path in colour": _listed(f"{_ESCAPES},7\n"),
    "list, path to text": _listed("../../../../../../etc/hostname,7\n"),
    "list, path to a device": _listed("/dev/zero,7\n"),
    "list, path is standard input": _listed("-,7\n"),
    "list, path with a null": _listed("a\0b,7\n"),
    "list, path without end": _listed("x" * 100_000 + ",7\n"),
    "list, field without end": _listed("x" * 10_000_000 + ",7\n"),
    "list, quote without end": _listed('"' + "x,7\n" * 1_000_000),
    "list, lines without end": _listed("x,7\n" * 4_000_000),
    "list, picture of text": {"labels.csv": b"path,label\nseven.png,7\n", "seven.png": b"text"},
    "folders, picture cut": {"7/seven.png": saved("PNG")[:100]},
    "folders, no pictures": {"7/readme.txt": b"x"},
}


TABLES: Files = {
    "no labels.csv": _ROW[2:] * 20,
    "cut.csv": _ROW * 20 + _ROW[:900],
    "columns missing.csv": _ROW + _ROW[:-9] + b"\n",
    "columns too many.csv": b"0," * 20_000 + b"0\n",
    "line without end.csv": b"0," * 20_000_000,
    "pixels of text.csv": _ROW + _ROW.replace(b",0,0,0,", b",0,x,0,", 1),
    "pixel 256.csv": _ROW + _ROW.replace(b",0,0,0,", b",0,256,0,", 1),
    "pixel NaN.csv": _ROW + _ROW.replace(b",0,0,0,", b",0.0,nan,0,", 1),
    "pixel negative.csv": _ROW + _ROW.replace(b",0,0,0,", b",0,-1,0,", 1),
    "number without end.csv": _ROW + b"9" * 5_000_000 + _ROW,
    "quote without end.csv": _ROW + b'"' + _ROW * 10_000,
    "label 10.csv": _ROW.replace(b"7", b"10") * 20,
    "names in colour.csv": f"{_ESCAPES},".encode() * 785 + b"\n" + _ROW,
    "header only.csv": b"label," + b"p," * 783 + b"p\n",
    "bytes of zero.csv": _ROW + bytes(10_000_000),
    "gzip cut.csv.gz": gzip.compress(_ROW * 20)[:-9],
    "pickle.pkl": pickle.dumps(_Payload()),
    "mnist.pkl.gz": gzip.compress(pickle.dumps(_Payload(), protocol=2)),
    "magic only.parquet": b"PAR1PAR1",
    "text.parquet": b"PAR1" + b"x" * 10_000 + b"PAR1",
    "footer without end.parquet": b"PAR1" + b"x" * 100 + b"\xff\xff\xff\x7fPAR1",
}
# A data set is a file, or a folder of files.
DATA: dict[str, bytes | Files] = {f"{name}.npz": content for name, content in NPZ.items()} | TABLES | IDX | FOLDERS


def write_data(folder: Path, data: Mapping[str, bytes | Files]) -> None:
    """Write data sets, each under its own name."""
    for name, content in data.items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
            continue
        (folder / name).mkdir()
        for file, inner in content.items():
            (folder / name / file).parent.mkdir(exist_ok=True)
            (folder / name / file).write_bytes(inner)


def _record(**changed: Any) -> bytes:
    record = json.loads(MODEL_PATH.with_suffix(".json").read_bytes())
    for place, value in changed.items():
        *parents, name = place.split("__")
        entry = record
        for parent in parents:
            entry = entry[parent]
        entry[name] = value
    return json.dumps(record).encode()


# Each stands beside a good model, and makes no difference to it: it is used, or left out and that is said.
RECORDS: Files = {
    "record empty": b"",
    "record of text": b"text",
    "record not UTF-8": b"\xff\xfe{}",
    "record nested deep": b"[" * 100_000,
    "record of objects nested deep": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "record null": b"null",
    "record of nothing": b"{}",
    "record too large": b"[" + b"0," * 10_000_000 + b"0]",
    "record with a number without end": b'{"model_sha256": ' + b"9" * 100_000 + b"}",
    "record in colour": _record(command=_ESCAPES, data__name=_ESCAPES),
    "record of another command": _record(command=["rm", "-rf"]),
    "record with a NaN": _record(calibration__temperature=float("nan")),
    "record with a temperature of 0": _record(calibration__temperature=0),
    "record with a temperature without end": _record(calibration__temperature=10**400),
    "record with a tiny temperature": _record(calibration__temperature=5e-324),
    "record with a threshold of 2": _record(calibration__threshold=2),
    "record with a history of text": _record(history=_ESCAPES),
    "record with a history of nothing": _record(history=[None] * 15),
    "record with a long history": _record(history=json.loads(_record())["history"] * 2000),
    "record with settings unheard of": _record(settings={_ESCAPES: _ESCAPES}),
    "record without figures": _record(test=None),
    "record with figures without end": _record(test__loss=1e308, test__accuracy=-1e308),
}
