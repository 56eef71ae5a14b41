"""TensorFlow and Keras, loaded late and quietly, in the one configuration that this tool uses."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mnist_cli.architecture import Network
from mnist_cli.errors import ModelError
from mnist_cli.modelfile import ModelFile

# What TensorFlow's C++ side says about itself while it starts: lines of its log up to the severity "error", and what
# goes with them.
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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_chatter():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()  # looking for GPUs logs as well
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    return Backend(tf, keras)


def make_deterministic(seed: int) -> None:
    """Let `seed` alone decide initial weights and dropout, and every sum be taken in a fixed order."""
    backend = load()
    backend.keras.utils.set_random_seed(seed)
    backend.tf.config.experimental.enable_op_determinism()


def build_model(network: Network) -> Any:
    """A Keras model of the network: every layer is a Keras layer of the same name with the same arguments."""
    keras = load().keras
    layers = (getattr(keras.layers, type(layer).__name__)(**vars(layer)) for layer in network.layers)
    return keras.Sequential([keras.Input(network.input_shape), *layers], name=network.name)


def load_model(model: ModelFile) -> Any:
    """The Keras model in a model file that was read before; from its bytes, not from its path. Raises `ModelError`."""
    keras = load().keras
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "model.keras")
        copy.write_bytes(model.content)
        try:
            return keras.saving.load_model(copy, compile=False, safe_mode=True)
        except Exception as reason:  # Keras raises whatever the part of it at hand raises
            first_line = str(reason).strip().split("\n")[0]
            raise ModelError(f"{model.path}: Keras can't load this model: {first_line:.200}") from reason


def archive_of(model: Any) -> bytes:
    """The `.keras` archive of a Keras model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return path.read_bytes()


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Take TensorFlow's chatter out of what native code writes to stderr, and let everything else pass.

    Only the file descriptor sees those lines, some of which come before TensorFlow's own log level counts.
    Python's `sys.stderr` goes on to the real one directly, so that a display can stay alive meanwhile.
    """
    if sys.stderr is None or not _is_descriptor_2(sys.stderr):
        yield
        return
    python_stderr, real = sys.stderr, os.dup(2)
    python_stderr.flush()
    receiver, sender = os.pipe()
    os.dup2(sender, 2)
    os.close(sender)
    pump = threading.Thread(target=_pass_on, args=(receiver, real), daemon=True)
    pump.start()
    encoding, errors = python_stderr.encoding, python_stderr.errors
    sys.stderr = open(os.dup(real), "w", buffering=1, encoding=encoding, errors=errors)  # noqa: SIM115
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = python_stderr
        os.dup2(real, 2)  # closes the last sender of the pipe, so the pump comes to its end
        pump.join()
        os.close(real)


def _is_descriptor_2(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == 2)
    except (OSError, ValueError, AttributeError):
        return False


def _pass_on(receiver: int, target: int) -> None:
    with os.fdopen(receiver, "rb") as lines:
        for line in lines:
            if not _CHATTER.match(line):
                with suppress(OSError):  # nobody is left to read it
                    os.write(target, line)
