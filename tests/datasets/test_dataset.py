"""Data sets: the one on board, `.npz` files, IDX folders, and everything that can be wrong with them."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from conftest import small_arrays

from mnist_cli.data import MNIST_PATH
from mnist_cli.datasets import dataset
from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.errors import DataError

# Of the original IDX files, uncompressed, as published with them.
ORIGINAL_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def idx_contents(digits: Dataset) -> dict[str, bytes]:
    arrays = (digits.train.images, digits.train.labels, digits.test.images, digits.test.labels)
    return dict(zip(ORIGINAL_MD5, map(idx_bytes, arrays), strict=True))


def test_mnist_on_board_is_the_original(mnist: Dataset):
    assert {name: hashlib.md5(content).hexdigest() for name, content in idx_contents(mnist).items()} == ORIGINAL_MD5


def test_mnist_on_board_is_refused_when_it_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_npz: Path):
    monkeypatch.setattr(dataset, "MNIST_PATH", small_npz)

    with pytest.raises(DataError, match="SHA-256"):
        open_dataset()


def test_an_npz_gives_what_was_saved(small_npz: Path, mnist: Dataset):
    small = open_dataset(small_npz)

    assert len(small.train) == 2000
    assert np.array_equal(small.test.images, mnist.test.images[:400])
    assert small.sha256 == hashlib.sha256(small_npz.read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_idx_folder_gives_the_same_digits(suffix: str, small_npz: Path, tmp_path: Path):
    small = open_dataset(small_npz)
    for name, content in idx_contents(small).items():
        (tmp_path / f"{name}{suffix}").write_bytes(gzip.compress(content) if suffix else content)

    read = open_dataset(tmp_path)

    assert np.array_equal(read.train.images, small.train.images)
    assert np.array_equal(read.test.labels, small.test.labels)


def test_a_part_of_an_idx_folder_is_enough_for_that_part(small_npz: Path, tmp_path: Path):
    for name, content in idx_contents(open_dataset(small_npz)).items():
        if name.startswith("t10k"):
            (tmp_path / name).write_bytes(content)
    folder = open_dataset(tmp_path)

    assert len(folder.test) == 400
    with pytest.raises(DataError, match="no training part"):
        _ = folder.train


@pytest.mark.parametrize("scale", [1 / 255, 1.0])
def test_pixels_may_be_floats_from_0_to_1_or_to_255(scale: float, mnist: Dataset, tmp_path: Path):
    arrays = small_arrays(mnist)
    floats = {key: (arrays[key] * scale).astype(np.float32)[..., None] for key in ("x_train", "x_test")}
    np.savez(tmp_path / "floats.npz", **arrays | floats)

    assert np.array_equal(open_dataset(tmp_path / "floats.npz").test.images, arrays["x_test"])


def test_pixels_may_be_either_0_or_1(mnist: Dataset, tmp_path: Path):
    arrays = small_arrays(mnist)
    bits = {key: (arrays[key] > 127).astype(np.uint8) for key in ("x_train", "x_test")}
    np.savez(tmp_path / "bits.npz", **arrays | bits)

    assert np.array_equal(open_dataset(tmp_path / "bits.npz").test.images, bits["x_test"] * 255)


def test_no_pixels_at_all_are_no_reason_to_doubt_the_others(mnist: Dataset, tmp_path: Path):
    arrays = small_arrays(mnist)
    np.savez(tmp_path / "blank.npz", **arrays | {"x_test": arrays["x_test"] * 0})

    assert np.array_equal(open_dataset(tmp_path / "blank.npz").train.images, arrays["x_train"])


def partly_scaled(images: np.ndarray) -> np.ndarray:
    spoilt = images.astype(np.float32)
    spoilt[3] /= 255
    return spoilt


def nan_pixels(images: np.ndarray) -> np.ndarray:
    spoilt = images.astype(np.float32)
    spoilt[3, 14, 14] = np.nan
    return spoilt


@pytest.mark.parametrize(
    ("key", "spoil", "message"),
    [
        ("x_test", lambda images: None, "y_test are labels without images"),
        ("x_test", lambda images: images[:, :27], "shape"),
        ("x_test", lambda images: images[:0], "no images"),
        ("x_test", lambda images: images[:-1], "399 images"),
        ("x_test", nan_pixels, "finite"),
        ("x_test", partly_scaled, "in some images"),
        ("x_test", lambda images: images / 255, "in one of x_train and x_test"),
        ("x_train", lambda images: images / 255, "in one of x_train and x_test"),
        ("x_test", lambda images: images.astype(np.int16) - 1, "0 to 255"),
        ("x_test", lambda images: images.astype(np.int16) * 2, "0 to 255"),
        ("x_test", lambda images: images.astype(str), "numbers in"),
        ("x_test", lambda images: np.array([object()]), "not numbers"),
        ("y_test", lambda labels: labels + 1, "digits are 0 to 9"),
        ("y_test", lambda labels: labels.astype(np.int8) - 1, "digits are 0 to 9"),
        ("y_test", lambda labels: labels + np.float32(0.5), "digits are 0 to 9"),
        ("y_test", lambda labels: labels[:, None, None], "digits in the shape"),
    ],
)
def test_what_is_wrong_with_an_npz_is_said(key: str, spoil, message: str, mnist: Dataset, tmp_path: Path):
    arrays = small_arrays(mnist)
    arrays[key] = spoil(arrays[key])
    np.savez(tmp_path / "bad.npz", **{name: array for name, array in arrays.items() if array is not None})

    with pytest.raises(DataError, match=message):
        _ = open_dataset(tmp_path / "bad.npz").test


@pytest.mark.parametrize("key", ["x_train", "y_test"])
def test_what_is_wrong_in_either_part_is_found(key: str, mnist: Dataset, tmp_path: Path):
    arrays = small_arrays(mnist)
    np.savez(tmp_path / "good.npz", **arrays)
    np.savez(tmp_path / "bad.npz", **arrays | {key: arrays[key][:-1]})

    open_dataset(tmp_path / "good.npz")
    with pytest.raises(DataError, match="images in"):
        open_dataset(tmp_path / "bad.npz")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.uint8, ">i4", "<f8"])
def test_an_array_may_have_any_layout(dtype: str, order: str, mnist: Dataset, tmp_path: Path):
    arrays = small_arrays(mnist)
    np.savez(
        tmp_path / "a.npz",
        **{key: np.asarray(array, dtype, order=order) for key, array in arrays.items() if key[0] == "x"},
        **{key: array for key, array in arrays.items() if key[0] == "y"},
    )

    assert np.array_equal(open_dataset(tmp_path / "a.npz").test.images, arrays["x_test"])


def test_a_pickle_in_an_npz_is_never_opened(mnist: Dataset, tmp_path: Path):
    marker = tmp_path / "marker"

    class Payload:
        def __reduce__(self):
            return marker.touch, ()

    np.savez(tmp_path / "bad.npz", **small_arrays(mnist) | {"x_test": np.array([Payload()], dtype=object)})

    with pytest.raises(DataError):
        _ = open_dataset(tmp_path / "bad.npz").test
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"not an npz\n", MNIST_PATH.read_bytes()[:100_000]])
def test_broken_files_are_refused(content: bytes, tmp_path: Path):
    (tmp_path / "bad.npz").write_bytes(content)

    with pytest.raises(DataError, match="bad.npz"):
        _ = open_dataset(tmp_path / "bad.npz").test


def test_a_flipped_byte_in_an_npz_is_noticed(small_npz: Path, tmp_path: Path):
    content = bytearray(small_npz.read_bytes())
    content[len(content) // 2] ^= 0xFF  # in the middle lie the pixels of x_train
    (tmp_path / "bad.npz").write_bytes(content)

    with pytest.raises(DataError, match="damaged"):
        _ = open_dataset(tmp_path / "bad.npz").train


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\x08\x03", "unpack requires"),
        (struct.pack(">HBBIII", 0, 8, 3, 400, 28, 28) + b"\0" * 99, "does not hold"),
        (struct.pack(">HBBIII", 0, 8, 3, 2**31, 28, 28), "more than 381.5 MB"),
        (struct.pack(">HBBI", 0, 13, 1, 1) + b"\0" * 4, "not an IDX file"),
        (gzip.compress(struct.pack(">HBBIII", 0, 8, 3, 400, 28, 28) + bytes(400 * 784))[:-9], "damaged"),
    ],
)
def test_broken_idx_files_are_refused(content: bytes, message: str, small_npz: Path, tmp_path: Path):
    for name, good in idx_contents(open_dataset(small_npz)).items():
        (tmp_path / name).write_bytes(content if name == "t10k-images-idx3-ubyte" else good)

    with pytest.raises(DataError, match=message):
        _ = open_dataset(tmp_path).test


def test_a_folder_without_idx_files_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no data set in this folder"):
        open_dataset(tmp_path)
