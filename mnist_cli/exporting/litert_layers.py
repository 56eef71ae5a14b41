"""A network as TensorFlow computes it, by the layers of Keras."""

from collections.abc import Callable, Sequence
from typing import Any

from mnist_cli.exporting.network import UnitLength, UnitSum
from mnist_cli.model.layers.base import Layer, Shape, Weights
from mnist_cli.model.layers.normalization import Normalization
from mnist_cli.model.layers.shaping import Inactive
from mnist_cli.model.network import INPUT, Network, Stage, is_channels_first
from mnist_cli.training.backend import keras, tf

Call = Callable[..., Any]
"""Computes the output of a layer from its inputs, tensors."""


def as_function(network: Network, weights: Sequence[Weights]) -> Call:
    """A function that computes the output of a network for one image, with TensorFlow's operations.

    The weights are constants in it.
    """
    first_uses = [stage for stage in network.stages if stage.is_first_use]
    calls = {each.index: _call(each.layer, each.layer_shapes, weights[each.index]) for each in first_uses}

    def run(images: Any) -> Any:
        values = {INPUT: images}
        for stage in network.stages:
            inputs = [values[source] for source in stage.sources]
            values[stage.index] = _run(stage, calls[stage.first_use], inputs)
        return values[network.stages[-1].index]

    return run


def _run(stage: Stage, call: Call, inputs: Sequence[Any]) -> Any:
    """The output of a stage. TensorFlow can have the channels first on GPUs only."""
    if not is_channels_first(stage.layer):
        return call(*inputs)
    y = call(*(keras.ops.moveaxis(x, 1, -1) for x in inputs))
    return keras.ops.moveaxis(y, -1, 1) if len(y.shape) == len(inputs[0].shape) else y


def _call(layer: Layer, shapes: Sequence[Shape], weights: Weights) -> Call:
    """The computation of a layer for inputs of these shapes."""
    match layer:
        case Inactive():
            return lambda x: x
        case Normalization():
            return _normalization(layer, weights, shapes[0])
        case UnitLength():
            return lambda x: _divided(x, tf.sqrt(tf.reduce_sum(x * x, layer.axis, keepdims=True)))
        case UnitSum():
            return _unit_sum
    made = _keras_layer(layer)
    made.build([(1, *shape) for shape in shapes] if layer.merges else (1, *shapes[0]))
    made.set_weights(weights)
    state = [(variable, tf.constant(variable.numpy())) for variable in made.variables]

    def call(*inputs: Any) -> Any:
        with keras.StatelessScope(state):
            return made(list(inputs) if layer.merges else inputs[0])

    return call


def _keras_layer(layer: Layer) -> Any:
    """The Keras layer of the same class with the same arguments."""
    arguments = {name: value for name, value in vars(layer).items() if name not in ("name", "trainable", "data_format")}
    for name, value in arguments.items():
        if isinstance(value, Layer):
            arguments[name] = _keras_layer(value)
        elif value == "keras_2_hard_sigmoid":
            arguments[name] = lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)
    return getattr(keras.layers, type(layer).__name__)(**arguments)


def _normalization(layer: Normalization, weights: Weights, shape: Shape) -> Call:
    """Without Keras, whose layer has its arrays in forms of its own."""
    mean, deviation = layer.statistics(weights, shape)
    return lambda x: (x - mean) / deviation


def _unit_sum(x: Any) -> Any:
    sums = tf.reduce_sum(x, 1, keepdims=True)
    return tf.where(sums == 0, 0.1, _divided(x, sums))


def _divided(x: Any, divisor: Any) -> Any:
    """`x` divided by what may be 0 where all of `x` is."""
    return x / tf.where(divisor == 0, 1.0, divisor)
