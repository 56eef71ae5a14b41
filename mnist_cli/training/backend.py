"""TensorFlow and Keras, loaded late and quietly, in the one configuration that this tool uses."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mnist_cli.errors import OutputError, first_line
from mnist_cli.model.network import Network
from mnist_cli.storage.files import temporary_beside
from mnist_cli.training.quiet import without_native_lines

# What TensorFlow's C++ side says about itself while it starts, in part before its own log level counts: lines of its
# log up to the severity "error", and what goes with them.
_CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]\d{4} [\d:.]+ +\d+ \S+:\d+\]"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "
    rb"|To enable the following instructions:"
)


@dataclass(frozen=True)
class Backend:
    """The two modules, untyped as they come."""

    tf: Any
    keras: Any


@cache
def load() -> Backend:
    """Import TensorFlow and Keras; slow the first time. What they log about themselves is left out of stderr."""
    # A keras.json or a variable of the user's that names another backend or float type must not change the answers.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["KERAS_HOME"] = os.devnull
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_native_lines(lambda line: bool(_CHATTER.match(line))):
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()  # looking for GPUs logs as well
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    return Backend(tf, keras)


def make_deterministic(seed: int) -> None:
    """Let `seed` alone decide initial weights and dropout, and every sum be taken in a fixed order."""
    backend = load()
    backend.keras.utils.clear_session()  # or else names would count on from models made earlier in this process
    backend.keras.utils.set_random_seed(seed)
    backend.tf.config.experimental.enable_op_determinism()


def strategy() -> Any:
    """How TensorFlow spreads a step: over all GPUs where there are several, and otherwise not at all."""
    distribute = load().tf.distribute
    return distribute.MirroredStrategy() if len(gpus()) > 1 else distribute.get_strategy()


def gpus() -> list[Any]:
    """The GPUs that TensorFlow sees."""
    return list(load().tf.config.list_physical_devices("GPU"))


def build_model(network: Network) -> Any:
    """A Keras model of the network: every layer is a Keras layer of the same name with the same arguments."""
    keras = load().keras
    layers = (getattr(keras.layers, type(layer).__name__)(**vars(layer)) for layer in network.layers)
    return keras.Sequential([keras.Input(network.input_shape), *layers], name=network.name)


def archive_of(model: Any, beside: Path) -> bytes:
    """The `.keras` archive of a Keras model, which a file beside the given one holds for a moment.

    Raises `OutputError`.
    """
    temporary = temporary_beside(beside, ".keras")
    try:
        model.save(temporary)
        return temporary.read_bytes()
    except Exception as reason:  # HDF5 has errors of its own for a full disk
        raise OutputError(f"{beside}: could not be written, and is as it was: {first_line(reason)}") from reason
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
