"""The layers that only Keras runs, as data, against Keras itself: shapes, parameters, and where the weights are."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from mnist_cli.keraslayers import LAYERS
from mnist_cli.modelfile import parse_model

IMAGES, ROWS = (12, 9, 4), (12, 9)

CHAINS: dict[str, list[layers.Layer]] = {
    "elu": [layers.ELU()],
    "leaky relu": [layers.LeakyReLU(0.1)],
    "identity": [layers.Identity()],
    "unit normalization": [layers.UnitNormalization()],
    "activity regularization": [layers.ActivityRegularization(0.1)],
    "noise": [layers.AlphaDropout(0.1), layers.GaussianDropout(0.1), layers.SpatialDropout2D(0.1)],
    "gaussian noise": [layers.GaussianNoise(0.1)],
    "random changes": [layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomTranslation(0.1, 0.1)],
    "more random changes": [layers.RandomZoom(0.1), layers.RandomContrast(0.1)],
    "layer normalization": [layers.LayerNormalization()],
    "layer normalization over all": [layers.LayerNormalization(axis=[1, 2, 3], center=False)],
    "layer normalization by squares": [layers.LayerNormalization(rms_scaling=True)],
    "rms normalization": [layers.RMSNormalization()],
    "group normalization": [layers.GroupNormalization(2, scale=False)],
    "batch normalization of rows": [layers.BatchNormalization(axis=1)],
    "prelu": [layers.PReLU()],
    "prelu, shared": [layers.PReLU(shared_axes=[1, 2])],
    "depthwise": [layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same")],
    "depthwise, dilated": [layers.DepthwiseConv2D((3, 2), dilation_rate=2, use_bias=False)],
    "separable": [layers.SeparableConv2D(8, 3, depth_multiplier=3)],
    "separable, no bias": [layers.SeparableConv2D(8, (2, 3), use_bias=False, padding="same")],
    "dilated": [layers.Conv2D(8, 3, dilation_rate=(2, 3))],
    "groups": [layers.Conv2D(8, 3, groups=2)],
    "transposed": [layers.Conv2DTranspose(8, 3, strides=2)],
    "transposed, same": [layers.Conv2DTranspose(8, (2, 5), strides=(3, 2), padding="same", use_bias=False)],
    "transposed, far steps": [layers.Conv2DTranspose(8, 2, strides=3)],
    "global max pooling": [layers.GlobalMaxPooling2D()],
    "global max pooling, kept axes": [layers.GlobalMaxPooling2D(keepdims=True)],
    "padding and cropping": [layers.ZeroPadding2D(((0, 1), (2, 3))), layers.Cropping2D(((1, 0), (3, 1)))],
    "upsampling": [layers.UpSampling2D((2, 3), interpolation="bilinear")],
    "reshape": [layers.Reshape((6, -1)), layers.Reshape((432,))],
    "permute": [layers.Permute((3, 1, 2))],
    "activation": [layers.Activation("gelu"), layers.Dense(3, activation="swish")],
}
SEQUENCES: dict[str, list[layers.Layer]] = {
    "rnn": [layers.SimpleRNN(5, use_bias=False)],
    "lstm": [layers.LSTM(5, return_sequences=True), layers.LSTM(4)],
    "gru": [layers.GRU(5)],
    "gru, reset before": [layers.GRU(5, reset_after=False, go_backwards=True)],
}


def merged(*merging: layers.Layer) -> keras.Model:
    image = keras.Input(IMAGES)
    one, other = (layers.Conv2D(4, 3)(image) for _ in range(2))
    for layer in merging:
        other = layer([one, other])
    return keras.Model(image, layers.Dense(3)(other))


def squeezed() -> keras.Model:
    image = keras.Input(IMAGES)
    share = layers.GlobalAveragePooling2D(keepdims=True)(image)
    return keras.Model(image, layers.Multiply()([image, layers.Dense(4, activation="sigmoid")(share)]))


def a_line() -> keras.Model:
    return keras.Sequential([layers.Conv2D(4, 3, padding="same"), layers.Dense(4)])


def a_block() -> keras.Model:
    image = keras.Input(IMAGES)
    return keras.Model(image, layers.Dense(4)(layers.Add()([image, layers.Conv2D(4, 3, padding="same")(image)])))


MODELS: dict[str, Callable[[], keras.Model]] = {
    **{name: lambda chain=chain: keras.Sequential([keras.Input(IMAGES), *chain]) for name, chain in CHAINS.items()},
    **{name: lambda chain=chain: keras.Sequential([keras.Input(ROWS), *chain]) for name, chain in SEQUENCES.items()},
    "merging": lambda: merged(*(kind() for kind in (layers.Add, layers.Average, layers.Maximum, layers.Minimum))),
    "more merging": lambda: merged(layers.Subtract(), layers.Multiply()),
    "concatenating": lambda: merged(layers.Concatenate()),
    "concatenating rows": lambda: merged(layers.Concatenate(axis=1)),
    "squeeze and excite": squeezed,
    "line in a line": lambda: keras.Sequential([keras.Input(IMAGES), a_line(), layers.Dense(2)]),
    "block in a line": lambda: keras.Sequential([keras.Input(IMAGES), a_block(), layers.Dense(2)]),
    "line in a graph": lambda: keras.Model(
        image := keras.Input(IMAGES), layers.Add()([image, keras.Sequential([a_line()])(image)])
    ),
    "compiled inside": lambda: keras.Sequential([keras.Input(IMAGES), compiled(a_line()), layers.Softmax()]),
}


def compiled(model: keras.Model) -> keras.Model:
    model.build((None, *IMAGES))
    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9)), "mse", metrics=["accuracy"])
    return model


def flat(model: keras.Model) -> list[layers.Layer]:
    """The layers of a model and of the models in it, without inputs."""
    inner = (flat(layer) if isinstance(layer, keras.Model) else [layer] for layer in model.layers)
    return [layer for part in inner for layer in part if not isinstance(layer, layers.InputLayer)]


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_shapes_parameters_and_weights_are_those_of_keras(make: Callable[[], keras.Model], tmp_path: Path):
    keras.utils.set_random_seed(0)
    model = make()
    model.save(tmp_path / "model.keras")
    theirs = flat(keras.saving.load_model(tmp_path / "model.keras"))

    ours = parse_model(tmp_path / "model.keras", (tmp_path / "model.keras").read_bytes())

    stages = list(ours.network.stages())
    assert [(None, *stage.output_shape) for stage in stages] == [layer.output.shape for layer in theirs]
    assert [stage.parameters for stage in stages] == [layer.count_params() for layer in theirs]
    for mine, layer in zip(ours.weights, theirs, strict=True):
        numbers = [weight.numpy() for weight in layer.weights if "seed" not in weight.path]
        assert all(np.array_equal(a, b) for a, b in zip(mine, numbers, strict=True))


def test_every_layer_is_tested():
    tested = {type(layer).__name__ for make in MODELS.values() for layer in flat(make())}

    assert {kind.__name__ for kind in LAYERS} <= tested
