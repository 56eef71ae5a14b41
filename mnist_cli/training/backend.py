"""TensorFlow and Keras, imported quietly and in the one configuration that mnistcli uses. This takes seconds."""

import os
import re
from typing import Any

from mnist_cli.training.quiet import without_native_lines

__all__ = ["gpus", "keras", "make_deterministic", "strategy", "tf"]

# What TensorFlow's C++ side logs while it starts, in part before its own log level counts.
_CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]\d{4} [\d:.]+ +\d+ \S+:\d+\]"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "
    rb"|To enable the following instructions:"
)

# The user's keras.json or variables may name another backend or float type, which must not change the results.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["KERAS_HOME"] = os.devnull
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with without_native_lines(_CHATTER):
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()  # looking for GPUs is logged as well

keras.config.set_floatx("float32")
keras.config.set_image_data_format("channels_last")


def make_deterministic(seed: int) -> None:
    """Let `seed` alone decide initial weights and dropout, and every sum be taken in a fixed order."""
    keras.utils.clear_session()  # or else names would count on from models made earlier in this process
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def strategy() -> Any:
    """How TensorFlow spreads a step: over all GPUs where there are several, and otherwise not at all."""
    return tf.distribute.MirroredStrategy() if len(gpus()) > 1 else tf.distribute.get_strategy()


def gpus() -> list[Any]:
    """The GPUs that TensorFlow sees."""
    return list(tf.config.list_physical_devices("GPU"))
