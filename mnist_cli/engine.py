"""Answers from a model file: NumPy for the layers it knows, Keras, which takes seconds to start, for the rest."""

from collections.abc import Callable
from typing import Protocol

from mnist_cli.architecture import Network
from mnist_cli.arrays import Images, Probabilities
from mnist_cli.modelfile import ModelFile, check_digit_classifier
from mnist_cli.numpyengine import NumpyEngine, runs


class Engine(Protocol):
    """What answers for a model."""

    def probabilities(self, images: Images) -> Probabilities:
        """Probabilities of the ten digits, shape (n, 10), each row finite and with the sum 1. Raises `ModelError`."""
        ...


def open_engine(model: ModelFile, announce: Callable[[str], None] = lambda reason: None) -> Engine:
    """The engine for a model; `announce` is told when it has to be Keras, and why. Raises `ModelError`."""
    check_digit_classifier(model.network, model.path)
    if part := _unknown_part(model.network):
        announce(f"{model.path} has {part}: Keras runs it")
        from mnist_cli.kerasengine import KerasEngine

        return KerasEngine(model)
    return NumpyEngine(model)


def _unknown_part(network: Network) -> str:
    """What in a network only Keras can run, in words; empty where there is nothing."""
    if network.sources is not None:
        return "branches"
    if network.precision != "float32":
        return f"the precision {network.precision}"
    layers = (stage.layer for stage in network.stages() if not runs(stage))
    return next((f"the {type(layer).__name__} layer {layer.name}" for layer in layers), "")
