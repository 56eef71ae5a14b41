"""TensorFlow and Keras, imported quietly and configured for mnistcli. The import takes seconds."""

import os
import re
from typing import Any

from mnist_cli.training.quiet import without_native_lines

__all__ = ["gpus", "keras", "make_deterministic", "strategy", "tf"]

# What TensorFlow's C++ code logs while it starts; some of it ignores TF_CPP_MIN_LOG_LEVEL.
_CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]\d{4} [\d:.]+ +\d+ \S+:\d+\]"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "
    rb"|To enable the following instructions:"
)

# The user's keras.json or environment may set another backend or float type, which must not change the results.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["KERAS_HOME"] = os.devnull
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with without_native_lines(_CHATTER):
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()  # the search for GPUs is logged too

keras.config.set_floatx("float32")
keras.config.set_image_data_format("channels_last")


def make_deterministic(seed: int) -> None:
    """Seed all random numbers, and have TensorFlow compute every sum in a fixed order."""
    keras.utils.clear_session()  # or else layer names would continue those of models made earlier in this process
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def strategy() -> Any:
    """TensorFlow's strategy: each step is spread over all GPUs if there are several, and otherwise not at all."""
    return tf.distribute.MirroredStrategy() if len(gpus()) > 1 else tf.distribute.get_strategy()


def gpus() -> list[Any]:
    """The GPUs that TensorFlow sees."""
    return list(tf.config.list_physical_devices("GPU"))
