"""Weights in HDF5 files made by hand: each array to its layer, and nothing used that was not checked."""

import io
from collections.abc import Callable

import h5py
import numpy as np
import pytest

from mnist_cli.model.config import Part
from mnist_cli.model.layers.base import UnusableModel
from mnist_cli.model.layers.dense import Dense
from mnist_cli.model.layers.normalization import BatchNormalization
from mnist_cli.model.network import Network, sequential
from mnist_cli.model.weights import adam_state, archived_weights, named_weights, open_weights, text

# From 784 numbers to 3, to 2.
NETWORK = sequential([Dense("first", units=3), Dense("second", units=2)], (784,))
PARTS = (Part("first", "Dense", 0), Part("second", "Dense", 1))
KERNELS = [np.arange(784 * 3, dtype="f4").reshape(784, 3), np.arange(6, dtype="f4").reshape(3, 2)]
BIASES = [np.array([1, 2, 3], "f4"), np.array([4, 5], "f4")]


def hdf5(write: Callable[[h5py.File], object]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        write(file)
    return content.getvalue()


def put(file: h5py.Group, path: str, *arrays: np.ndarray) -> None:
    for number, array in enumerate(arrays):
        file[f"{path}/{number}"] = array


def archived(file: h5py.File) -> None:
    """The arrays of the network above as an archive files them."""
    put(file, "layers/dense/vars", KERNELS[0], BIASES[0])
    put(file, "layers/dense_1/vars", KERNELS[1], BIASES[1])
    put(file, "optimizer/vars", np.array(5, np.int64))


def assert_arrays(weights: tuple) -> None:
    assert [[array.dtype for array in arrays] for arrays in weights] == [[np.float32] * 2] * 2
    for (kernel, bias), expected_kernel, expected_bias in zip(weights, KERNELS, BIASES, strict=True):
        np.testing.assert_array_equal(kernel, expected_kernel)
        np.testing.assert_array_equal(bias, expected_bias)


def test_an_archive_files_arrays_by_the_number_of_a_layer_in_its_class():
    assert_arrays(archived_weights(open_weights(hdf5(archived)), NETWORK, PARTS))


def test_paths_with_backslashes_are_paths():
    def write(file: h5py.File) -> None:
        put(file, "layers\\dense/vars", KERNELS[0], BIASES[0])
        put(file, "layers\\dense_1/vars", KERNELS[1], BIASES[1])

    assert_arrays(archived_weights(open_weights(hdf5(write)), NETWORK, PARTS))


def named(file: h5py.File) -> None:
    """The same arrays as an `.h5` file has them."""
    for name, kernel, bias in zip(("first", "second"), KERNELS, BIASES, strict=True):
        group = file.create_group(f"model_weights/{name}")
        group[f"{name}/kernel:0"], group[f"{name}/bias:0"] = kernel, bias
        group.attrs["weight_names"] = [f"{name}/kernel:0", f"{name}/bias:0"]


def test_an_h5_file_files_arrays_by_the_names_of_layers():
    assert_arrays(named_weights(open_weights(hdf5(named)), NETWORK, PARTS))


def test_a_model_inside_lists_what_training_changes_first():
    network = sequential([BatchNormalization("norm"), Dense("last", units=1)], (2,))
    parts = (Part("inner", "Sequential", None, (Part("norm", "BatchNormalization", 0), Part("last", "Dense", 1))),)
    in_list = {
        "gamma": [1, 2],
        "beta": [3, 4],
        "kernel": [[5], [6]],
        "bias": [7],
        "moving_mean": [8, 9],
        "moving_variance": [10, 11],
    }

    def write(file: h5py.File) -> None:
        group = file.create_group("model_weights/inner")
        for name, values in in_list.items():
            group[name] = np.array(values, "f4")
        group.attrs["weight_names"] = list(in_list)

    norm, last = named_weights(open_weights(hdf5(write)), network, parts)
    assert [array.tolist() for array in norm] == [in_list[name] for name in list(in_list)[:2] + list(in_list)[4:]]
    assert [array.tolist() for array in last] == [in_list["kernel"], in_list["bias"]]


def test_other_types_of_numbers_become_float32():
    def write(file: h5py.File) -> None:
        put(file, "layers/dense/vars", KERNELS[0].astype("f8"), BIASES[0].astype("f2"))
        put(file, "layers/dense_1/vars", KERNELS[1].astype(">f4"))
        halves = (BIASES[1].view(np.uint32) >> 16).astype(np.uint16).view("V2")
        file["layers/dense_1/vars/1"] = halves  # bfloat16

    assert_arrays(archived_weights(open_weights(hdf5(write)), NETWORK, PARTS))


def test_a_layer_used_twice_has_the_same_arrays():
    network = sequential([Dense("same", units=2)], (2,))
    again = Network(network.input_shape, (*network.stages, network.stages[0]), "")

    def write(file: h5py.File) -> None:
        put(file, "layers/dense/vars", np.eye(2, dtype="f4"), np.zeros(2, "f4"))

    first, second = archived_weights(open_weights(hdf5(write)), again, (Part("same", "Dense", 0),))
    assert first[0] is second[0]


def replaced(path: str, put_instead: Callable[[h5py.File, str], object]) -> Callable[[h5py.File], None]:
    def write(file: h5py.File) -> None:
        archived(file)
        del file[path]
        put_instead(file, path)

    return write


def array(values: object) -> Callable[[h5py.File, str], None]:
    return lambda file, path: file.__setitem__(path, values)


def dataset(*arguments: object, **options: object) -> Callable[[h5py.File, str], None]:
    return lambda file, path: file.create_dataset(path, *arguments, **options)


BIAS = "layers/dense/vars/1"


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (replaced(BIAS, array(np.zeros(4, "f4"))), "not the 3 numbers"),
        (replaced(BIAS, array(np.zeros((3, 1), "f4"))), "not the 3 numbers"),
        (replaced(BIAS, array(np.zeros(3, "i4"))), "not the 3 numbers"),
        (replaced(BIAS, array(np.array([1, np.nan, 2], "f4"))), "infinite or not a number"),
        (replaced(BIAS, array(np.array([1, 1e300, 2]))), "infinite or not a number"),
        (replaced(BIAS, array("text")), "not numbers"),
        (replaced(BIAS, lambda file, path: file.create_group(path)), "group in the place"),
        (replaced(BIAS, lambda file, path: None), "1 arrays"),
        (replaced("layers/dense_1", lambda file, path: None), "for 1 layers named dense, its config for 2"),
        (replaced(BIAS, lambda file, path: file.__setitem__("layers/dense/vars/2", BIASES[0])), "numbered from 0"),
        (replaced(BIAS, lambda file, path: file.__setitem__(path, h5py.SoftLink("/layers"))), "link"),
        (replaced(BIAS, lambda file, path: file.__setitem__(path, h5py.ExternalLink("a", "/"))), "link"),
        (replaced(BIAS, lambda file, path: file.__setitem__(path, file["layers/dense_1/vars/0"])), "not a tree"),
        (replaced(BIAS, dataset(data=BIASES[0], compression="gzip")), "compressed"),
        (replaced(BIAS, dataset((3,), "f4", external=[("/etc/hostname", 0, 12)])), "not arrays of its own"),
    ],
)
def test_weights_that_are_not_what_the_layers_need_are_refused(write: Callable[[h5py.File], None], reason: str):
    with pytest.raises(UnusableModel, match=reason):
        archived_weights(open_weights(hdf5(write)), NETWORK, PARTS)


@pytest.mark.parametrize("spoil", [lambda c: b"", lambda c: c[:200], lambda c: c[:-100], lambda c: b"x" + c])
def test_a_damaged_file_is_refused(spoil: Callable[[bytes], bytes]):
    with pytest.raises(UnusableModel):
        archived_weights(open_weights(spoil(hdf5(archived))), NETWORK, PARTS)


def test_layers_that_an_h5_file_lacks_or_lists_otherwise_are_named():
    def fewer(file: h5py.File) -> None:
        named(file)
        file["model_weights/second"].attrs["weight_names"] = ["second/kernel:0"]

    with pytest.raises(UnusableModel, match="1 arrays of weights for second, not 2"):
        named_weights(open_weights(hdf5(fewer)), NETWORK, PARTS)
    with pytest.raises(UnusableModel, match="lack those of third"):
        named_weights(open_weights(hdf5(named)), NETWORK, (Part("third", "Dense", 0),))


def test_texts_are_read_and_missing_ones_are_none():
    stored = open_weights(hdf5(lambda file: file.attrs.update({"bytes": np.bytes_(b"abc"), "text": "äöü"})))

    assert (text(stored, "bytes"), text(stored, "text"), text(stored, "nothing")) == ("abc", "äöü", None)


def test_the_state_of_adam_is_steps_momentum_and_velocity():
    moments = [np.full((2, 3), 1, "f4"), np.full((2, 3), 2, "f4"), np.full(3, 3, "f4"), np.full(3, 4, "f4")]
    content = hdf5(lambda file: put(file, "optimizer/vars", np.array(36, np.int64), np.array(1e-3, "f4"), *moments))

    steps, arrays = adam_state(content, [(2, 3), (3,)])
    assert steps == 36
    for array, expected in zip(arrays, moments, strict=True):
        np.testing.assert_array_equal(array, expected)
    with pytest.raises(UnusableModel, match="not Adam"):
        adam_state(content, [(2, 3)])
