"""Keras' descriptions of models, written by hand: what they become, and which are refused for what."""

from typing import Any

import pytest

from mnist_cli.model.config import LAYERS_LIMIT, read_config
from mnist_cli.model.layers.base import UnusableModel
from mnist_cli.model.network import INPUT

Entry = dict[str, Any]


def layer(kind: str, name: str, **options: Any) -> Entry:
    return {"class_name": kind, "config": {"name": name, **options}}


def input_layer(*sizes: int | None, name: str = "image") -> Entry:
    return layer("InputLayer", name, batch_shape=[None, *sizes])


def dense(name: str, units: int = 10, **options: Any) -> Entry:
    return layer("Dense", name, units=units, **options)


def sequential(*layers: Entry, name: str = "model", **options: Any) -> Entry:
    return layer("Sequential", name, layers=list(layers), **options)


def tensor(name: str, number: int = 0) -> Entry:
    """The output of a layer, as Keras 3 writes it."""
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, number, 0]}}


def called(entry: Entry, *calls: Any) -> Entry:
    """A layer of a functional model of Keras 3, called once for each of these arguments."""
    return {**entry, "name": entry["config"]["name"], "inbound_nodes": [{"args": [c], "kwargs": {}} for c in calls]}


def functional(*layers: Entry, start: str = "image", end: str = "answer", name: str = "model") -> Entry:
    tensors = {"input_layers": [[start, 0, 0]], "output_layers": [[end, 0, 0]]}
    return layer("Functional", name, layers=list(layers), **tensors)


IMAGE = called(input_layer(28, 28, 1))
FLAT = called(layer("Flatten", "flat"), tensor("image"))


def stages_of(config: Entry, version: int = 3) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """The name, the sources and the output shape of each stage."""
    return [(s.layer.name, s.sources, s.output_shape) for s in read_config(config, version)[0].stages]


def test_a_sequential_model_is_a_chain():
    conv = layer("Conv2D", "conv", filters=4, kernel_size=[3, 3])
    network, parts = read_config(sequential(input_layer(28, 28, 1), conv, layer("Flatten", "flat"), dense("answer")))

    assert (network.name, network.input_shape, network.output_shape) == ("model", (28, 28, 1), (10,))
    assert [stage.layer.name for stage in network.stages] == ["conv", "flat", "answer"]
    assert [stage.sources for stage in network.stages] == [(INPUT,), (0,), (1,)]
    assert network.parameters == 4 * 9 + 4 + 26 * 26 * 4 * 10 + 10
    assert [(part.name, part.kind, part.stage) for part in parts] == [
        ("conv", "Conv2D", 0),
        ("flat", "Flatten", 1),
        ("answer", "Dense", 2),
    ]


def test_a_functional_model_is_ordered_by_what_its_layers_need():
    sum_of_both = called(layer("Add", "sum"), [tensor("left"), tensor("right")])
    config = functional(
        called(dense("answer"), tensor("sum")),
        sum_of_both,
        called(dense("right", 5), tensor("flat")),
        called(dense("left", 5), tensor("flat")),
        FLAT,
        IMAGE,
    )

    stages = stages_of(config)
    names = [name for name, _, _ in stages]
    assert names[0] == "flat" and names[-2:] == ["sum", "answer"]
    assert stages[3] == ("sum", (names.index("left"), names.index("right")), (5,))


def test_the_descriptions_of_keras_2_are_read():
    answer = {**dense("answer"), "name": "answer", "inbound_nodes": [[["flat", 0, 0, {}]]]}
    flat = {**layer("Flatten", "flat"), "name": "flat", "inbound_nodes": [[["image", 0, 0, {}]]]}
    image = {**layer("InputLayer", "image", batch_input_shape=[None, 28, 28]), "name": "image", "inbound_nodes": []}

    assert stages_of(functional(image, flat, answer), 2) == [("flat", (INPUT,), (784,)), ("answer", (0,), (10,))]


@pytest.mark.parametrize(("version", "activation"), [(2, "keras_2_hard_sigmoid"), (3, "hard_sigmoid")])
def test_the_hard_sigmoid_of_keras_2_is_another(version: int, activation: str):
    network, _ = read_config(sequential(input_layer(784), dense("answer", activation="hard_sigmoid")), version)

    assert network.stages[0].layer.activation == activation


def test_tuples_and_arrays_are_unwrapped():
    size = {"class_name": "__tuple__", "items": [3, 5]}
    conv = layer("Conv2D", "conv", filters=1, kernel_size=size)

    assert stages_of(sequential(input_layer(28, 28, 1), conv)) == [("conv", (INPUT,), (26, 24, 1))]


def test_a_model_inside_is_flattened_and_frozen_with_it():
    inner = sequential(input_layer(784), dense("hidden", 5), name="inner", trainable=False)
    network, parts = read_config(sequential(input_layer(28, 28), layer("Flatten", "flat"), inner, dense("answer")))

    assert [stage.layer.name for stage in network.stages] == ["flat", "inner/hidden", "answer"]
    assert [stage.layer.trainable for stage in network.stages[1:]] == [False, True]
    assert network.trainable_parameters == 5 * 10 + 10
    assert (parts[1].stage, [part.name for part in parts[1].parts]) == (None, ["hidden"])


def test_a_layer_that_is_called_twice_has_its_weights_once():
    hidden = called(dense("hidden", 784), tensor("flat"), tensor("hidden"))
    network, parts = read_config(functional(IMAGE, FLAT, hidden, called(dense("answer"), tensor("hidden", 1))))

    assert [stage.first_use for stage in network.stages] == [0, 1, 1, 3]
    assert network.parameters == 784 * 784 + 784 + 784 * 10 + 10
    assert len(parts) == 3


@pytest.mark.parametrize(
    ("sizes", "shape"), [((None, None, 1), (28, 28, 1)), ((None,), (784,)), ((28, None), (28, 28)), ((5, 5), (5, 5))]
)
def test_open_sizes_become_those_of_an_image(sizes: tuple, shape: tuple[int, ...]):
    network, _ = read_config(sequential(input_layer(*sizes), layer("Flatten", "flat"), dense("answer")))

    assert network.input_shape == shape


def twice(entry: Entry) -> Entry:
    return functional(IMAGE, FLAT, called(layer("Add", "answer"), [tensor("flat"), entry]))


def nested(depth: int) -> Any:
    node: Any = []
    for _ in range(depth):
        node = [node]
    return node


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (None, None),
        ([], None),
        (layer("MyModel", "model", layers=[]), "of the class MyModel, whose code is not in the file"),
        (sequential(), "no shape of a single input"),
        (sequential(dense("answer")), "no shape of a single input"),
        (sequential(input_layer(28, 28, 1)), "no layers"),
        (sequential(input_layer(0, 28)), "no shape of a single input"),
        (sequential(input_layer(True, 28)), "no shape of a single input"),
        (sequential(input_layer(None, 7), dense("answer")), "is open"),
        (sequential(input_layer(9), dense("answer"), dense("answer")), "the same name"),
        (sequential(input_layer(9), *(dense(f"d{n}", 1) for n in range(LAYERS_LIMIT))), "more than 200 layers"),
        (sequential(input_layer(5000), dense("answer", 5000)), "20,000,000 parameters"),
        (sequential(input_layer(9), layer("Lambda", "answer")), "Lambda"),
        (sequential(input_layer(9), dense("answer", extra=nested(100))), "nested too deep"),
        (functional(IMAGE, called(dense("answer"), tensor("answer"))), "cycle"),
        (functional(IMAGE, called(dense("answer"), tensor("nowhere"))), "cycle"),
        (functional(IMAGE, FLAT, called(dense("answer"), tensor("flat")), end="flat"), "not its output"),
        (functional(IMAGE, FLAT, dense("answer")), "how its layers follow one another"),
        (twice({"class_name": "__numpy__", "config": {"value": 2.0}}), "more than the outputs of other layers"),
        (twice(0.5), "more than the outputs of other layers"),
        (layer("Functional", "model", layers=[IMAGE], input_layers=[["a", 0, 0], ["b", 0, 0]]), "several inputs"),
    ],
)
def test_what_is_not_understood_is_refused(config: Any, reason: str | None):
    with pytest.raises(UnusableModel, match=reason):
        read_config(config)
