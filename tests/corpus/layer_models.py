"""Small Keras models, built in the test, that between them have every layer in all its ways of working."""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers

# Between an input of 28x28x1 and ten probabilities.
IMAGES: dict[str, Callable[[], list[layers.Layer]]] = {
    "conv same": lambda: [layers.Conv2D(4, 3, padding="same", activation="tanh")],
    "conv same, even window": lambda: [layers.Conv2D(4, 4, padding="same", activation="sigmoid")],
    "conv strides": lambda: [layers.Conv2D(4, (3, 5), strides=(2, 3), activation="relu", use_bias=False)],
    "conv same strides": lambda: [layers.Conv2D(4, 5, strides=3, padding="same")],
    "conv with large windows": lambda: [layers.Conv2D(8, 3), layers.Conv2D(5, (5, 4), strides=(3, 2), padding="same")],
    "conv dilated": lambda: [layers.Conv2D(4, 3, dilation_rate=(2, 3)), layers.Conv2D(4, 5, dilation_rate=(3, 2))],
    "conv dilated, same": lambda: [layers.Conv2D(4, (3, 2), dilation_rate=2, padding="same")],
    "conv of 1x1": lambda: [layers.Conv2D(6, 1), layers.Conv2D(4, 1, strides=2)],
    "conv of the whole": lambda: [layers.Conv2D(7, 28)],
    "depthwise": lambda: [layers.Conv2D(3, 3), layers.DepthwiseConv2D(3, strides=2, padding="same")],
    "depthwise, multiplied": lambda: [layers.Conv2D(3, 3), layers.DepthwiseConv2D((3, 2), depth_multiplier=2)],
    "depthwise, dilated": lambda: [layers.DepthwiseConv2D((3, 2), dilation_rate=2, use_bias=False, activation="relu")],
    "separable": lambda: [layers.Conv2D(3, 3), layers.SeparableConv2D(4, 3, depth_multiplier=3, activation="elu")],
    "separable, no bias": lambda: [layers.SeparableConv2D(4, (2, 3), use_bias=False, padding="same", strides=2)],
    "max pooling same": lambda: [layers.Conv2D(3, 2), layers.MaxPooling2D(2, padding="same")],
    "max pooling overlapping": lambda: [layers.MaxPooling2D(3, strides=2), layers.MaxPooling2D((2, 3), strides=(1, 2))],
    "max pooling same, negative": lambda: [layers.Rescaling(-1.0), layers.MaxPooling2D(3, strides=2, padding="same")],
    "average pooling": lambda: [layers.AveragePooling2D(3), layers.AveragePooling2D(2, strides=3)],
    "average pooling same": lambda: [layers.Conv2D(3, 2), layers.AveragePooling2D(4, strides=3, padding="same")],
    "global average pooling": lambda: [layers.Conv2D(8, 3), layers.GlobalAveragePooling2D()],
    "global average pooling, kept": lambda: [layers.Conv2D(8, 3), layers.GlobalAveragePooling2D(keepdims=True)],
    "global max pooling": lambda: [layers.Conv2D(8, 3), layers.GlobalMaxPooling2D()],
    "global max pooling, kept": lambda: [layers.Conv2D(8, 3), layers.GlobalMaxPooling2D(keepdims=True)],
    "batch normalization": lambda: [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()],
    "batch normalization, plain": lambda: [layers.Conv2D(4, 3), layers.BatchNormalization(center=False, scale=False)],
    "batch normalization, flat": lambda: [layers.Flatten(), layers.Dense(8), layers.BatchNormalization(scale=False)],
    "batch normalization of rows": lambda: [layers.Conv2D(3, 3), layers.BatchNormalization(axis=1, center=False)],
    "layer normalization": lambda: [layers.Conv2D(4, 3), layers.LayerNormalization()],
    "layer normalization over all": lambda: [layers.Conv2D(4, 3), layers.LayerNormalization(axis=[1, 2, 3])],
    "layer normalization, plain": lambda: [layers.Conv2D(4, 3), layers.LayerNormalization(center=False, epsilon=0.1)],
    "normalization": lambda: [adapted(layers.Normalization())],
    "normalization of places": lambda: [adapted(layers.Normalization(axis=(1, 2)))],
    "normalization of all": lambda: [adapted(layers.Normalization(axis=None))],
    "normalization, given": lambda: [layers.Conv2D(2, 3), layers.Normalization(mean=[0.1, 0.2], variance=[2.0, 3.0])],
    "normalization, one given": lambda: [layers.Normalization(axis=None, mean=0.13, variance=0.1)],
    "rescaling": lambda: [layers.Rescaling(2.0, offset=-1.0), layers.Conv2D(4, 3)],
    "rescaling of channels": lambda: [layers.Conv2D(2, 3), layers.Rescaling([2.0, 3.0], offset=[0.1, -0.2])],
    "relu with options": lambda: [layers.ReLU(max_value=0.4, negative_slope=0.1, threshold=0.1)],
    "relu at its threshold": lambda: [
        layers.ReLU(threshold=1.0, negative_slope=0.1)
    ],  # the white of the images is exactly 1
    "leaky relu": lambda: [layers.Conv2D(4, 3), layers.LeakyReLU(0.1)],
    "elu": lambda: [layers.Conv2D(4, 3), layers.ELU(alpha=0.7)],
    "prelu": lambda: [layers.Conv2D(4, 3), layers.PReLU("uniform")],
    "prelu, shared": lambda: [layers.Conv2D(4, 3), layers.PReLU("uniform", shared_axes=[1, 2])],
    "softmax along an axis": lambda: [layers.Conv2D(4, 3), layers.Softmax(axis=1), layers.Rescaling(20)],
    "activation layer in another": lambda: [layers.Conv2D(4, 3, activation=layers.LeakyReLU(0.2))],
    "dense along an axis": lambda: [layers.Dense(3, activation="tanh")],
    "activation on its own input": lambda: [layers.Activation("relu"), layers.Activation("linear")],
    "padding": lambda: [layers.ZeroPadding2D(((0, 1), (2, 3))), layers.Conv2D(2, 3)],
    "upsampling": lambda: [layers.UpSampling2D((2, 3)), layers.Conv2D(2, 9)],
    "upsampling, bilinear": lambda: [layers.UpSampling2D((2, 3), interpolation="bilinear"), layers.Conv2D(2, 9)],
    "resizing": lambda: [layers.Resizing(20, 37), layers.Conv2D(2, 3)],
    "resizing, nearest": lambda: [layers.Resizing(33, 19, interpolation="nearest"), layers.Conv2D(2, 3)],
    "reshape": lambda: [layers.Reshape((7, -1)), layers.Dense(3), layers.Reshape((21,))],
    "permute": lambda: [layers.Conv2D(4, (3, 5)), layers.Permute((3, 1, 2)), layers.Dense(3)],
    "what does nothing": lambda: [
        *(layers.Dropout(0.5), layers.SpatialDropout2D(0.5), layers.GaussianNoise(1.0), layers.GaussianDropout(0.5)),
        *(layers.AlphaDropout(0.5), layers.ActivityRegularization(0.1), layers.Identity()),
    ],
    "what changes images in training": lambda: [
        *(layers.RandomFlip(), layers.RandomRotation(0.5), layers.RandomTranslation(0.5, 0.5), layers.RandomZoom(0.5)),
        *(layers.RandomContrast(0.5), layers.RandomBrightness(0.5), layers.RandomShear(0.5), layers.RandomErasing()),
        *(layers.RandomGaussianBlur(), layers.RandomPerspective(), layers.RandomInvert(), layers.CutMix()),
        *(layers.RandomElasticTransform(), layers.MixUp(), layers.RandomSharpness(0.5, (0, 1))),
        *(layers.Conv2D(3, 1, activation="sigmoid"), layers.RandomGrayscale(), layers.RandomHue(0.5, (0, 1))),
        *(layers.RandomSaturation(0.5), layers.RandomColorDegeneration(0.5), layers.RandomPosterization(4, (0, 1))),
        *(layers.RandomColorJitter(), layers.AugMix((0, 1)), layers.RandAugment((0, 1))),
    ],
    "channels first": lambda: [
        layers.Reshape((1, 28, 28)),
        layers.AveragePooling2D(2, data_format="channels_first"),
        layers.ZeroPadding2D(((0, 1), (2, 3)), data_format="channels_first"),
        layers.UpSampling2D((2, 1), data_format="channels_first"),
        layers.MaxPooling2D((3, 2), data_format="channels_first"),
        layers.Permute((3, 2, 1)),
        layers.Flatten(data_format="channels_first"),
    ],
}
# Between 28 rows of 28 numbers and ten probabilities.
ROWS: dict[str, Callable[[], list[layers.Layer]]] = {
    "conv of rows": lambda: [layers.Conv1D(5, 3, strides=2, activation="relu"), layers.Conv1D(4, 4, padding="same")],
    "conv of rows, causal": lambda: [layers.Conv1D(5, 4, padding="causal", dilation_rate=2, use_bias=False)],
    "pooling of rows": lambda: [layers.MaxPooling1D(3, strides=2, padding="same"), layers.AveragePooling1D(2)],
    "global pooling of rows": lambda: [layers.Dense(5), layers.GlobalAveragePooling1D(keepdims=True)],
    "global max pooling of rows": lambda: [layers.Dense(5), layers.SpatialDropout1D(0.5), layers.GlobalMaxPooling1D()],
}
RECURRENT: dict[str, Callable[[], list[layers.Layer]]] = {
    "rnn": lambda: [layers.SimpleRNN(5, use_bias=False)],
    "rnn backwards": lambda: [layers.SimpleRNN(5, activation="relu", go_backwards=True, return_sequences=True)],
    "lstm": lambda: [layers.LSTM(5, return_sequences=True), layers.LSTM(4, recurrent_activation="hard_sigmoid")],
    "lstm, other activations": lambda: [layers.LSTM(5, activation="relu", use_bias=False)],
    "gru": lambda: [layers.GRU(5)],
    "gru backwards": lambda: [layers.GRU(5, go_backwards=True)],
    "gru, no bias": lambda: [layers.GRU(5, use_bias=False, return_sequences=True)],
    "bidirectional": lambda: [layers.Bidirectional(layers.LSTM(5, return_sequences=True))],
    "bidirectional, sum": lambda: [layers.Bidirectional(layers.GRU(5), merge_mode="sum")],
    "bidirectional, ave": lambda: [layers.Bidirectional(layers.SimpleRNN(5, return_sequences=True), merge_mode="ave")],
    "bidirectional, mul of two": lambda: [
        layers.Bidirectional(layers.GRU(5), "mul", backward_layer=layers.LSTM(5, go_backwards=True))
    ],
}


def adapted(normalization: layers.Normalization) -> layers.Normalization:
    normalization.adapt(np.random.default_rng(2).uniform(0, 1, (20, 28, 28, 1)))
    return normalization


def sequential(shape: tuple[int, ...], inner: list[layers.Layer]) -> keras.Model:
    return ended(keras.Sequential([keras.Input(shape), *inner, layers.Flatten(), layers.Dense(10), layers.Softmax()]))


def ended(model: keras.Model) -> keras.Model:
    """The model with biases, factors and means that are not 0 or 1, which would hide where they are used."""
    rng = np.random.default_rng(1)
    model.set_weights([w + rng.uniform(0.01, 0.2, w.shape) if w.ndim == 1 else w for w in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with a copy
    return model


def functional(output: Callable[[keras.KerasTensor], keras.KerasTensor]) -> keras.Model:
    image = keras.Input((28, 28, 1))
    return ended(keras.Model(image, layers.Dense(10, activation="softmax")(layers.Flatten()(output(image)))))


def two(image: keras.KerasTensor) -> list[keras.KerasTensor]:
    return [layers.Conv2D(3, 3, activation=name)(image) for name in ("tanh", "sigmoid")]


def squeezed(image: keras.KerasTensor) -> keras.KerasTensor:
    """A branch of another shape, whose one number for a channel goes with all its places."""
    features = layers.Conv2D(4, 3)(image)
    share = layers.GlobalAveragePooling2D(keepdims=True)(features)
    return layers.Multiply()([features, layers.Dense(4, activation="sigmoid")(share)])


def residual(image: keras.KerasTensor) -> keras.KerasTensor:
    """What goes round an activation must not be changed by it."""
    features = layers.Conv2D(4, 3, padding="same")(image)
    return layers.Add()([features, layers.Activation("relu")(features), layers.ReLU()(features)])


def shared(image: keras.KerasTensor) -> keras.KerasTensor:
    conv = layers.Conv2D(1, 3, padding="same")
    return layers.Concatenate()([conv(image), conv(conv(image))])


def inner_line(trainable: bool = True) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(3, 3, padding="same", trainable=trainable),
            layers.BatchNormalization(),
            layers.Dense(1),
        ]
    )


def inner_graph() -> keras.Model:
    image = keras.Input((28, 28, 1))
    return keras.Model(image, layers.Add()([image, layers.BatchNormalization()(layers.Conv2D(1, 1)(image))]))


def used_twice(image: keras.KerasTensor) -> keras.KerasTensor:
    model = inner_line()
    return layers.Maximum()([model(image), inner_graph()(model(model(image)))])


GRAPHS: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "add": lambda image: layers.Add()([*two(image), layers.Conv2D(3, 3)(image)]),
    "average": lambda image: layers.Average()(two(image)),
    "maximum": lambda image: layers.Maximum()(two(image)),
    "multiply": lambda image: layers.Multiply()(two(image)),
    "concatenate": lambda image: layers.Concatenate()(two(image)),
    "concatenate rows": lambda image: layers.Concatenate(axis=1)(two(image)),
    "squeeze and excite": squeezed,
    "residual": residual,
    "a layer used twice": shared,
    "a model used twice": used_twice,
    "a model in a model in a model": lambda image: keras.Sequential([inner_graph(), inner_line()])(image),
}
NESTED: dict[str, Callable[[], list[layers.Layer]]] = {
    "models in a line": lambda: [inner_line(), inner_graph()],
    "a frozen layer in a model": lambda: [inner_line(trainable=False), inner_line()],
    "a frozen model": lambda: [frozen(inner_graph()), inner_line()],
}


def frozen(model: keras.Model) -> keras.Model:
    model.trainable = False
    return model
