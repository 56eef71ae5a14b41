"""The same digits in every form that people keep them in: all give the same images and labels, or a refusal."""

import gzip
import io
import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_cli.datasets import checking, tables
from mnist_cli.datasets import npz as npz_form
from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.datasets.digits import Digits
from mnist_cli.errors import DataError

Writer = Callable[[Path, Digits], Path]


@pytest.fixture(scope="module")
def digits(mnist: Dataset) -> Digits:
    return mnist.test[:500]


def npz(**named: Callable[[Digits], np.ndarray]) -> Writer:
    def write(folder: Path, digits: Digits) -> Path:
        np.savez(folder / "d.npz", **{name: make(digits) for name, make in named.items()})
        return folder / "d.npz"

    return write


def images(shape: tuple[int, ...] = (28, 28), dtype: type = np.uint8, scale: float = 1) -> Callable:
    return lambda digits: (digits.images * scale).astype(dtype).reshape(-1, *shape)


def labels(make: Callable = np.asarray) -> Callable:
    return lambda digits: make(digits.labels)


def csv_text(digits: Digits, header: str = "", last: bool = False, delimiter: str = ",", scale: float = 1) -> str:
    rows = [header] if header else []
    for image, label in zip(digits.images, digits.labels, strict=True):
        pixels = [f"{value / 255:.6g}" if scale != 1 else str(value) for value in image.ravel().tolist()]
        rows.append(delimiter.join([*pixels, str(label)] if last else [str(label), *pixels]))
    return "\n".join(rows) + "\n"


HEADER = ",".join(["label", *(f"pixel{index}" for index in range(784))])


def csv_file(name: str = "d.csv", **how) -> Writer:
    def write(folder: Path, digits: Digits) -> Path:
        content = csv_text(digits, **how).encode()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return folder / name

    return write


def idx_bytes(array: np.ndarray, kind: int = 8) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()


def idx_files(images: str, labels: str, eight_columns: bool = False, transposed: bool = False) -> Writer:
    def write(folder: Path, digits: Digits) -> Path:
        pixels = digits.images.transpose(0, 2, 1) if transposed else digits.images
        columns = np.zeros((len(digits), 8), ">i4")
        columns[:, 0] = digits.labels
        stored = idx_bytes(columns, 12) if eight_columns else idx_bytes(digits.labels)
        for name, content in ((images, idx_bytes(np.ascontiguousarray(pixels))), (labels, stored)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return folder

    return write


WHOLE: dict[str, Writer] = {
    "npz x, y": npz(x=images(), y=labels()),
    "npz images, labels": npz(images=images((28, 28, 1)), labels=labels()),
    "npz arr_0, arr_1": npz(arr_0=images((784,)), arr_1=labels()),
    "npz channels first": npz(X=images((1, 28, 28)), Y=labels()),
    "npz floats": npz(data=images(dtype=np.float32, scale=1 / 255), target=labels(lambda y: y.astype(float))),
    "npz one-hot": npz(x=images(), y=labels(lambda y: np.eye(10)[y])),
    "npz text": npz(x=images(), y=labels(lambda y: y.astype(str))),
    "npz column": npz(x=images(), y=labels(lambda y: y[:, None])),
    "npz in Fortran's order": npz(x=lambda digits: np.asfortranarray(digits.images), y=labels()),
    "Kaggle's CSV": csv_file(header=HEADER),
    "CSV without a header": csv_file(),
    "CSV with the label last": csv_file(last=True),
    "CSV with a header and the label last": csv_file(header=HEADER.replace("label,", "") + ",class", last=True),
    "CSV with semicolons": csv_file(delimiter=";"),
    "CSV of fractions": csv_file(scale=1 / 255),
    "CSV, gzipped": csv_file("d.csv.gz", header=HEADER),
    "IDX, one part": idx_files("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "EMNIST": idx_files("emnist-digits-train-images-idx3-ubyte.gz", "emnist-digits-train-labels-idx1-ubyte.gz"),
    "EMNIST, transposed": idx_files(
        "emnist-digits-train-images-idx3-ubyte", "emnist-digits-train-labels-idx1-ubyte", transposed=True
    ),
    "QMNIST": idx_files("qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int.gz", eight_columns=True),
    "Kaggle's archive": idx_files(
        "train-images-idx3-ubyte/train-images-idx3-ubyte", "train-labels-idx1-ubyte/train-labels-idx1-ubyte"
    ),
    "torchvision": idx_files("MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-labels-idx1-ubyte"),
    "labels from 1 to 10": npz(x=images(), y=labels(lambda y: np.where(y == 0, 10, y))),
    "labels one too high": npz(x=images(), y=labels(lambda y: y + 1)),
    "inverted": npz(x=lambda digits: 255 - digits.images, y=labels()),
    "shifted": npz(x=lambda digits: np.roll(digits.images, 7, axis=2), y=labels()),
    "inverted and rotated": npz(x=lambda digits: np.rot90(255 - digits.images, axes=(1, 2)), y=labels()),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_set_without_parts_gives_its_digits(name: str, digits: Digits, tmp_path: Path):
    dataset = open_dataset(WHOLE[name](tmp_path, digits))

    found, notes = dataset.unseen([])
    assert np.array_equal(found.images, digits.images)
    assert np.array_equal(found.labels, digits.labels)
    assert "all 500 images are evaluated" in notes[0]
    assert len(dataset.train) + len(dataset.test) == 500
    assert len(dataset.test) == 50 or abs(len(dataset.test) - 50) <= 3


@pytest.mark.parametrize("name", ["EMNIST, transposed", "inverted", "shifted", "inverted and rotated"])
def test_what_is_put_right_is_noted_and_can_be_left_alone(name: str, digits: Digits, tmp_path: Path):
    path = WHOLE[name](tmp_path, digits)
    dataset, as_is = open_dataset(path), open_dataset(path, as_is=True)

    assert any(name.split()[-1] in note and "--as-is" in note for note in dataset.notes)
    assert as_is.notes == ()
    assert not np.array_equal(as_is.part(as_is.part_names[0]).digits.images, digits.images)
    assert as_is.sha256 != dataset.sha256


def test_a_set_that_is_right_is_left_alone(digits: Digits, tmp_path: Path):
    assert open_dataset(WHOLE["npz x, y"](tmp_path, digits)).notes == ()


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("trainX", "trainY", "testX", "testY"),
        ("arr_0", "arr_1", "arr_2", "arr_3"),
    ],
)
def test_an_npz_may_have_parts_under_any_names(keys: tuple[str, ...], digits: Digits, tmp_path: Path):
    arrays = (digits.images[:400], digits.labels[:400], digits.images[400:], digits.labels[400:])
    np.savez(tmp_path / "d.npz", **dict(zip(keys, arrays, strict=True)))
    dataset = open_dataset(tmp_path / "d.npz")

    assert np.array_equal(dataset.train.images, digits.images[:400])
    assert np.array_equal(dataset.test.labels, digits.labels[400:])


def test_kaggles_folder_has_a_test_part_without_labels(digits: Digits, tmp_path: Path):
    (tmp_path / "train.csv").write_text(csv_text(digits, HEADER))
    (tmp_path / "test.csv").write_text("\n".join(line.split(",", 1)[1] for line in csv_text(digits, HEADER).split()))
    dataset = open_dataset(tmp_path)

    assert dataset.part_names == ("train",)
    assert dataset.notes == ("left out: test.csv",)
    with pytest.raises(DataError, match="no labels"):
        open_dataset(tmp_path / "test.csv")


@pytest.mark.parametrize("names", [("training", "testing"), ("train", "test")])
def test_folders_of_pictures_may_have_parts(names: tuple[str, str], digits: Digits, tmp_path: Path):
    for name, part in zip(names, (digits[:40], digits[40:60]), strict=True):
        write_pictures(tmp_path / "mnist_png" / name, part)
    dataset = open_dataset(tmp_path)

    assert sorted(map(bytes, dataset.train.images)) == sorted(map(bytes, digits.images[:40]))
    assert sorted(map(bytes, dataset.test.images)) == sorted(map(bytes, digits.images[40:60]))
    assert "grouped by digit" in dataset.training_notes[-1]


def write_pictures(folder: Path, digits: Digits) -> None:
    for index, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{index}.png")


def parquet_bytes(digits: Digits) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = []
    for index, (image, label) in enumerate(zip(digits.images, digits.labels.tolist(), strict=True)):
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        rows.append({"image": {"bytes": stream.getvalue(), "path": f"{index}.png"}, "label": label})
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return file.getvalue()


def test_parquet_of_hugging_face(digits: Digits, tmp_path: Path):
    (tmp_path / "mnist").mkdir()
    for name, part in (("train", digits[:400]), ("test", digits[400:])):
        (tmp_path / "mnist" / f"{name}-00000-of-00001.parquet").write_bytes(parquet_bytes(part))
    dataset = open_dataset(tmp_path)

    assert np.array_equal(dataset.train.images, digits.images[:400])
    assert np.array_equal(dataset.test.labels, digits.labels[400:])


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_is_refused_with_what_converts_it(zipped: bool, digits: Digits, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = [(part.images.reshape(-1, 784) / np.float32(255), part.labels) for part in (digits[:300], digits[300:])]
    content = pickle.dumps((parts[0], parts[1], parts[1]), protocol=2)
    Path("mnist.pkl.gz").write_bytes(gzip.compress(content) if zipped else content)

    with pytest.raises(DataError, match="pickle") as refusal:
        open_dataset(Path("mnist.pkl.gz"))
    first, second = refusal.value.hint.split("`")[1::2]
    exec(f"{first}\n{second}", {})
    converted = open_dataset(Path("mnist.npz"))
    assert len(converted.train) == 500
    assert np.array_equal(converted.test.images, digits.images[300:])


def letters(digits: Digits) -> Iterator[np.ndarray]:
    yield np.concatenate([digits.images, digits.images[:50]])
    yield np.concatenate([digits.labels, np.arange(50) % 36 + 11])


def test_letters_among_digits_are_left_out(digits: Digits, tmp_path: Path):
    pixels, classes = letters(digits)
    np.savez(tmp_path / "d.npz", x=pixels, y=classes)
    dataset = open_dataset(tmp_path / "d.npz")

    assert len(dataset.unseen([])[0]) == 500
    assert "left out: 50 images" in dataset.notes[0]


def test_duplicates_between_the_parts_are_told(digits: Digits, tmp_path: Path):
    part = {"x": digits.images, "y": digits.labels}
    arrays = {f"{key}_train": part[key][:300] for key in "xy"} | {f"{key}_test": part[key][290:] for key in "xy"}
    np.savez(tmp_path / "d.npz", **arrays)

    assert "10 of the 210 test images" in open_dataset(tmp_path / "d.npz").notes[0]


def test_wrong_labels_are_doubted(digits: Digits, tmp_path: Path):
    np.savez(tmp_path / "d.npz", x=digits.images, y=(digits.labels + 3) % 10)

    assert "wrong labels" in open_dataset(tmp_path / "d.npz").notes[0]


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("cell", ["nan", "?", ""])
def test_a_bad_pixel_is_told_with_its_line(cell: str, header: bool, digits: Digits, tmp_path: Path):
    lines = csv_text(digits[:5], HEADER if header else "").splitlines()
    lines[header] = lines[header].replace(",0,", f",{cell},", 1)
    (tmp_path / "d.csv").write_text("\n\n".join(lines))

    with pytest.raises(DataError, match=f"in line {3 if header else 1}, column"):
        open_dataset(tmp_path / "d.csv")


@pytest.mark.parametrize("header", ["", HEADER])
def test_a_line_of_another_length_is_told(header: str, digits: Digits, tmp_path: Path):
    lines = csv_text(digits[:5], header).splitlines()
    lines[3] = lines[3].removesuffix(",0")
    (tmp_path / "d.csv").write_text("\n".join(lines))

    with pytest.raises(DataError, match="in line 4$"):
        open_dataset(tmp_path / "d.csv")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n\n"])
@pytest.mark.parametrize("header", ["", HEADER, ",".join(["label", *map(str, range(784))])])
@pytest.mark.filterwarnings("error")
def test_lines_of_a_csv_file_end_in_any_way(end: str, header: str, digits: Digits, tmp_path: Path):
    (tmp_path / "d.csv").write_text(csv_text(digits, header).replace("\n", end), newline="")

    assert np.array_equal(open_dataset(tmp_path / "d.csv").unseen([])[0].images, digits.images)


@pytest.mark.parametrize("write", [lambda digits: csv_text(digits).encode(), lambda digits: parquet_bytes(digits)])
def test_tables_for_validation_are_left_out(write: Callable[[Digits], bytes], digits: Digits, tmp_path: Path):
    name = "validation.csv" if write(digits[:1]).startswith(b"7") else "val.parquet"
    (tmp_path / f"train{Path(name).suffix}").write_bytes(write(digits[:300]))
    (tmp_path / name).write_bytes(write(digits[300:]))
    dataset = open_dataset(tmp_path)

    assert dataset.part_names == ("train",)
    assert dataset.notes == (f"left out: {name}",)


def test_tables_for_validation_alone_are_refused(digits: Digits, tmp_path: Path):
    (tmp_path / "val.csv").write_text(csv_text(digits[:50]))

    with pytest.raises(DataError, match="to train or test on in val.csv"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    "names", [("mnist.csv", "mnist_test.csv"), ("latest.csv", "test-1.csv"), ("a.csv", "mnistTest.CSV")]
)
def test_a_table_beside_that_of_the_test_part_is_to_train_on(names: tuple[str, str], digits: Digits, tmp_path: Path):
    for name, part in zip(names, (digits[:300], digits[300:]), strict=True):
        (tmp_path / name).write_text(csv_text(part))
    dataset = open_dataset(tmp_path)

    assert np.array_equal(dataset.train.images, digits.images[:300])
    assert np.array_equal(dataset.test.images, digits.images[300:])
    assert dataset.notes == (f"taken for the training part: {names[0]}",)


def test_arrays_beside_those_of_the_test_part_are_to_train_on(digits: Digits, tmp_path: Path):
    arrays = {"x": digits.images[:300], "y": digits.labels[:300]}
    np.savez(tmp_path / "d.npz", **arrays, x_test=digits.images[300:], y_test=digits.labels[300:])

    dataset = open_dataset(tmp_path / "d.npz")
    assert np.array_equal(dataset.train.images, digits.images[:300])
    assert dataset.notes == ("taken for the training part: x, y",)


def test_a_set_beside_both_parts_is_left_out(digits: Digits, tmp_path: Path):
    for name in ("mnist.csv", "train.csv", "test.csv"):
        (tmp_path / name).write_text(csv_text(digits[:100]))

    assert "left out: mnist.csv" in open_dataset(tmp_path).notes


@pytest.mark.parametrize("name", ["latest.csv", "contest.csv", "protest-2.csv"])
def test_a_word_that_ends_in_test_is_no_test_part(name: str, digits: Digits, tmp_path: Path):
    (tmp_path / name).write_text(csv_text(digits))

    assert open_dataset(tmp_path).part_names == ("all",)


def test_too_many_images_in_the_tables_of_a_folder_are_refused(digits: Digits, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tables, "IMAGES_LIMIT", 100)
    for index in range(3):
        (tmp_path / f"train-{index}.csv").write_text(csv_text(digits[:50]))

    with pytest.raises(DataError, match="more than 100 images"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("count", "reason"), [(300, "500 images in x, but 300 labels in y"), (500, "more than 400 images")]
)
def test_counts_are_checked_before_arrays_are_read(
    count: int, reason: str, digits: Digits, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(npz_form, "IMAGES_LIMIT", 400)
    monkeypatch.setattr(npz_form, "read_npy", lambda *_: pytest.fail("an array was read"))
    np.savez(tmp_path / "d.npz", x=digits.images, y=digits.labels[:count])

    with pytest.raises(DataError, match=reason):
        open_dataset(tmp_path / "d.npz")


def test_tables_beside_idx_files_are_left_out(digits: Digits, tmp_path: Path):
    WHOLE["IDX, one part"](tmp_path, digits)
    (tmp_path / "train.csv").write_text(csv_text(digits))

    assert open_dataset(tmp_path).notes == ("left out: train.csv",)


@pytest.mark.parametrize("name", ["val", "Validation"])
def test_pictures_for_validation_are_left_out(name: str, digits: Digits, tmp_path: Path):
    for folder in ("Train", "TEST", name):
        write_pictures(tmp_path / folder, digits[:10])
    dataset = open_dataset(tmp_path)

    assert dataset.part_names == ("train", "test")
    assert f"left out: {tmp_path / name}" in dataset.notes


def test_two_folders_for_a_part_are_refused(digits: Digits, tmp_path: Path):
    for folder in ("train", "training"):
        write_pictures(tmp_path / folder, digits[:10])

    with pytest.raises(DataError, match="train and training are the same part"):
        open_dataset(tmp_path)


def test_a_single_other_file_is_counted_as_one(digits: Digits, tmp_path: Path):
    write_pictures(tmp_path, digits[:10])
    (tmp_path / "7" / "notes.txt").write_text("notes")

    assert "1 file without" in open_dataset(tmp_path).notes[0]


@pytest.mark.parametrize(
    ("write", "hint"),
    [
        (lambda path, digits: np.save(path.open("wb"), digits.images), "np.savez"),
        (lambda path, digits: path.write_text(csv_text(digits), "utf-16"), "UTF-8"),
    ],
)
def test_a_file_of_another_form_is_told_what_to_do(write: Callable, hint: str, digits: Digits, tmp_path: Path):
    write(tmp_path / "d", digits)

    with pytest.raises(DataError) as refusal:
        open_dataset(tmp_path / "d")
    assert hint in refusal.value.hint


def test_one_image_is_no_images(digits: Digits, tmp_path: Path):
    np.savez(tmp_path / "one.npz", x=digits.images[:1], y=digits.labels[:1])
    np.savez(tmp_path / "two.npz", x=digits.images[:2], y=digits.labels[:1])

    assert "its only image is evaluated" in open_dataset(tmp_path / "one.npz").unseen([])[1][0]
    with pytest.raises(DataError, match="2 images in x, but 1 label in y"):
        open_dataset(tmp_path / "two.npz")


def test_too_many_images_in_idx_files_are_refused(digits: Digits, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(checking, "IMAGES_LIMIT", 400)

    with pytest.raises(DataError, match="more than 400 images"):
        open_dataset(WHOLE["IDX, one part"](tmp_path, digits))
