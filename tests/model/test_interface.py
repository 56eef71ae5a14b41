"""What is found out about models from elsewhere, against small models that were really trained in Keras."""

import keras
import numpy as np
import pytest
from keras import layers
from tiers import sample, slow

from mnist_cli.arrays import Images
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.model.images import PLAIN, SCALES, Pixels, matching_shape
from mnist_cli.model.interface import Interface, as_probabilities, detect_interface, known_digits

PART = slice(0, 6000)
SHAPE = (28, 28)


def trained(pixels: Pixels, mnist: Dataset, activation: str = "softmax") -> keras.Model:
    """A small model that has learned from digits with their pixels like this."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10)])
    if activation != "linear":
        model.add(layers.Activation(activation))
    loss = keras.losses.CategoricalCrossentropy(from_logits=activation == "linear")
    model.compile(keras.optimizers.Adam(), keras.losses.BinaryCrossentropy() if activation == "sigmoid" else loss)
    images, truth = pixels.prepare(mnist.train.images[PART], SHAPE), np.eye(10)[mnist.train.labels[PART]]
    model.fit(images, truth, 32, epochs=4, verbose=0)
    return model


def interview(model: keras.Model) -> Interface:
    return detect_interface(lambda images, pixels: np.asarray(model(pixels.prepare(images, SHAPE))), 51_000)


@pytest.mark.parametrize(
    "pixels",
    sample(
        [
            *map(Pixels, SCALES),
            Pixels("0 to 1", inverted=True),
            Pixels("0 to 1", transposed=True),
            Pixels("-1 to 1", inverted=True, transposed=True),
        ],
        every=5,
    ),
    ids=str,
)
def test_the_pixels_that_a_model_was_trained_on_are_found(pixels: Pixels, mnist: Dataset):
    interface = interview(trained(pixels, mnist))

    assert interface.pixels == pixels
    assert interface.outputs == "softmax"
    assert interface.warning == ""
    assert bool(interface.notes) == (pixels != PLAIN) == bool(interface.steps)


@pytest.mark.parametrize(("activation", "outputs"), [("linear", "logits"), slow("sigmoid", "sigmoids")])
def test_outputs_that_are_no_probabilities_are_told_and_made_some(activation: str, outputs: str, mnist: Dataset):
    model = trained(PLAIN, mnist, activation)

    interface = interview(model)

    assert (interface.pixels, interface.outputs, len(interface.notes)) == (PLAIN, outputs, 1)
    images = mnist.test.images[:500]
    raw = np.asarray(model(PLAIN.prepare(images, SHAPE)))
    probabilities = as_probabilities(raw, interface.outputs)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(probabilities.argmax(axis=1), raw.argmax(axis=1))


def test_shares_that_are_all_0_tell_nothing():
    assert as_probabilities(np.zeros((1, 10)), "sigmoids").tolist() == [[0.1] * 10]


def test_a_model_that_reads_well_is_asked_no_further():
    asked_for: list[tuple[int, Pixels]] = []
    images, labels = known_digits()

    def run(part: Images, pixels: Pixels) -> np.ndarray:
        asked_for.append((len(part), pixels))
        return np.eye(10)[labels[: len(part)]]

    assert detect_interface(run, 1) == Interface(PLAIN, "softmax", (64, 64))
    assert asked_for == [(64, PLAIN), (64, Pixels("columns of length 1")), (64, Pixels("rows of length 1"))]


@pytest.mark.parametrize("answer", [0.1, np.nan, 7.0])
def test_a_model_that_tells_no_digits_apart_gets_a_warning(answer: float):
    interface = detect_interface(lambda images, pixels: np.full((len(images), 10), answer), 1)

    assert interface.pixels == PLAIN
    assert "may not be a digit model" in interface.warning


def test_the_known_digits_are_the_first_training_images(mnist: Dataset):
    images, labels = known_digits()

    assert len(labels) == 512
    assert np.array_equal(images, mnist.train.images[:512])
    assert np.array_equal(labels, mnist.train.labels[:512])


@pytest.mark.parametrize(("scale", "axis"), [("columns of length 1", 1), ("rows of length 1", -1)])
def test_columns_and_rows_are_normalized_as_keras_does_it(scale: str, axis: int, mnist: Dataset):
    images = mnist.test.images[:20]

    theirs = keras.utils.normalize(images.astype("f4"), axis=axis)
    np.testing.assert_allclose(Pixels(scale).prepare(images, SHAPE), theirs, atol=1e-6)


@pytest.mark.parametrize("loss", ["mse", "categorical_crossentropy"])
def test_a_model_that_is_not_sure_is_not_thought_to_expect_other_pixels(loss: str, mnist: Dataset):
    """Pixels further apart would make it surer, and its probabilities look better."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input(SHAPE), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10, "softmax")]
    )
    model.compile(keras.optimizers.SGD(0.05), loss)
    images, truth = PLAIN.prepare(mnist.train.images[PART], SHAPE), np.eye(10)[mnist.train.labels[PART]]
    model.fit(images, truth, 32, epochs=1, verbose=0)

    interface = interview(model)

    assert interface.pixels == PLAIN
    assert interface.warning or "at best" in interface.notes[0]


def test_images_are_given_the_shape_that_a_model_takes(mnist: Dataset):
    image = mnist.test.images[:1]
    plain = image[0] / np.float32(255)

    assert np.array_equal(PLAIN.prepare(image, (28, 28, 1))[0, :, :, 0], plain)
    assert np.array_equal(PLAIN.prepare(image, (784,))[0], plain.ravel())
    assert np.array_equal(PLAIN.prepare(image, (1, 28, 28))[0, 0], plain)
    assert all(np.array_equal(PLAIN.prepare(image, (28, 28, 3))[0, :, :, c], plain) for c in range(3))
    padded = Pixels(inverted=True).prepare(image, (32, 32, 1))[0, :, :, 0]
    assert padded[2:30, 2:30] == pytest.approx(1 - plain)
    assert padded.sum() == pytest.approx((1 - plain).sum() + 32 * 32 - 28 * 28)  # around it there is paper


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ([28, 28, 1], (28, 28, 1)),
        ([None, None, 1], (28, 28, 1)),
        ([None, None, 3], (28, 28, 3)),
        ([None, 28], (28, 28)),
        ([None], (784,)),
        ([32, None, 1], (32, 32, 1)),
        ([64, 64, 3], None),
        ([64, None, 3], None),
        ([None, None, None, None], None),
    ],
)
def test_open_sizes_become_those_of_an_image(sizes: list, shape: tuple | None):
    assert matching_shape(sizes) == shape
