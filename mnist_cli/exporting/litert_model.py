"""The LiteRT (TensorFlow Lite) file of a model, made by TensorFlow's own converter."""

from typing import Any

import numpy as np

from mnist_cli.arrays import Images
from mnist_cli.errors import ExportError
from mnist_cli.exporting.litert_layers import as_function
from mnist_cli.exporting.network import exported_network
from mnist_cli.model.engine import Engine
from mnist_cli.model.layers.recurrent import Bidirectional, SimpleRNN
from mnist_cli.model.network import IMAGE_SHAPE
from mnist_cli.training.backend import tf

# The description that the converter gives every file, and ours, of the same length, so that no offset changes.
_ITS_DESCRIPTION, _DESCRIPTION = b"MLIR Converted.", b"mnistcli export"


def litert_content(engine: Engine, takes_bytes: bool, quantization: str | None, examples: Images | None) -> bytes:
    """The content of a `.tflite` file. Raises `ExportError` for a layer that LiteRT can't express.

    It takes `image`, shape (1, 28, 28, 1), float32 from 0 to 1 or, if it `takes_bytes`, uint8, and gives
    `probabilities`, float32, shape (1, 10): those of the engine, without the temperature. With int8, everything is a
    whole number: the image and the probabilities are int8, or uint8 if it `takes_bytes`. The range of each number is
    found with the `examples`, uint8, shape (n, 28, 28), which are not needed otherwise.
    """
    if quantization == "int8":
        _check_has_whole_numbers(engine)
    run = as_function(*exported_network(engine, sigmoids_as_logits=False))
    scales_bytes = takes_bytes and quantization != "int8"  # with int8, the converter does that

    def named(image: Any) -> dict[str, Any]:
        return {"probabilities": run(tf.cast(image, tf.float32) / 255.0 if scales_bytes else image)}

    image = tf.TensorSpec((1, *IMAGE_SHAPE), tf.uint8 if scales_bytes else tf.float32, name="image")
    traced = tf.function(named, input_signature=[image], autograph=False).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], tf.Module())
    _set_quantization(converter, quantization, tf.uint8 if takes_bytes else tf.int8, examples)
    content: bytes = converter.convert()
    return content.replace(_ITS_DESCRIPTION, _DESCRIPTION, 1)


def _check_has_whole_numbers(engine: Engine) -> None:
    """Raise `ExportError` for a recurrent layer, which crashes the converter or LiteRT if it is to be int8."""
    for layer in engine.model.network.layers:
        if isinstance(layer, SimpleRNN | Bidirectional):
            reason = f"LiteRT has no int8 form of its layer {layer.name} ({type(layer).__name__})"
            raise ExportError(f"{engine.model.path}: {reason}", "`--quantize float16` can express it.")


def _set_quantization(converter: Any, quantization: str | None, whole: Any, examples: Images | None) -> None:
    """Set the numbers of a converter; with int8, `whole` is the type of those that go in and out."""
    if quantization is None:
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization == "float16":
        converter.target_spec.supported_types = [tf.float16]
        return
    assert examples is not None
    images = examples.reshape(-1, 1, *IMAGE_SHAPE) / np.float32(255)
    converter.representative_dataset = lambda: ([image] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = whole
