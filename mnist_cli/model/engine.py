"""The answers of a model, computed in NumPy.

TensorFlow takes seconds to start; the classic network answers in a third of a millisecond.
"""

from collections.abc import Callable

import numpy as np

from mnist_cli.arrays import CLASSES, Images, Probabilities
from mnist_cli.errors import ModelError
from mnist_cli.model.file import ModelFile
from mnist_cli.model.images import SHAPES, Pixels
from mnist_cli.model.interface import Interface, Raw, as_probabilities, detect_interface, known_digits
from mnist_cli.model.layers.base import Array, shape_text
from mnist_cli.model.network import INPUT
from mnist_cli.storage.processors import usable_processors

# A batch is small enough for the processor's caches, which hold about this many numbers, and large enough for efficient
# matrix products. There is one thread per processor, and fewer if all batches together exceed the last limit.
_NUMBERS_PER_BATCH, _BATCH_LIMIT, _NUMBERS_IN_ALL_BATCHES = 3_500_000, 256, 24_000_000


class Engine:
    """Computes the answers of a model. Its `interface` says how pixels are prepared and outputs are read.

    `batch_size`: the number of images that it computes at once.
    """

    def __init__(self, model: ModelFile, interface: Interface | None = None) -> None:
        self.model, self.interface = model, interface or Interface()
        numbers = max(stage.held_numbers for stage in model.network.stages)
        self.batch_size = max(1, min(_BATCH_LIMIT, _NUMBERS_PER_BATCH // numbers))
        self._threads = max(1, min(usable_processors(), _NUMBERS_IN_ALL_BATCHES // (numbers * self.batch_size)))
        self._last_uses = {source: stage.index for stage in model.network.stages for source in stage.sources}

    def probabilities(self, images: Images) -> Probabilities:
        """The probabilities of the ten digits for images, uint8, shape (n, 28, 28): float64, shape (n, 10).

        Raises `ModelError` if the outputs are not probabilities: at least 0, with the sum 1 in each row.
        """
        probabilities = as_probabilities(self.raw(images, self.interface.pixels), self.interface.outputs)
        if not ((probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)):  # also for NaN
            raise ModelError(f"{self.model.path}: not a digit classifier: its outputs are not probabilities")
        return probabilities

    def raw(self, images: Images, pixels: Pixels) -> Raw:
        """The outputs of the last layer for images, uint8, shape (n, 28, 28): float64, shape (n, 10).

        `pixels`: how the images are prepared for the model.
        """
        outputs = np.empty((len(images), CLASSES))

        def run(start: int) -> None:
            batch = slice(start, start + self.batch_size)
            with np.errstate(all="ignore"):  # an overflow shows in the outputs
                x = pixels.prepare(images[batch], self.model.network.input_shape)
                outputs[batch] = self._run(x).reshape(-1, CLASSES)

        _for_each(run, range(0, len(images), self.batch_size), self._threads)
        return outputs

    def _run(self, x: Array) -> Array:
        """The output of the last layer, which stays float64 if it is a softmax: small probabilities are not lost."""
        stages = self.model.network.stages
        values = {INPUT: x}
        for stage, weights in zip(stages, self.model.weights, strict=True):
            y = stage.run(weights, [values[source] for source in stage.sources])
            values[stage.index] = y if stage is stages[-1] else y.astype(np.float32, copy=False)
            for source in set(stage.sources):
                if self._last_uses[source] == stage.index:
                    del values[source]
        return values[stages[-1].index]


def open_engine(model: ModelFile) -> Engine:
    """The engine for a model. Raises `ModelError` if it is not a digit classifier.

    The interface of a model without a training record, which mnistcli did not train, is detected.
    """
    check_digit_classifier(model)
    engine = Engine(model)
    if model.record is None:
        engine.interface = detect_interface(engine.raw, model.network.work)
        engine.probabilities(known_digits()[0][:1])  # raises early if the outputs are not probabilities
    return engine


def check_digit_classifier(model: ModelFile) -> None:
    """Raise `ModelError` unless the shapes of a model are those of a digit classifier: an image in, ten outputs."""
    network = model.network
    outputs = tuple(size for size in network.output_shape if size != 1)
    if outputs != (CLASSES,):
        reason = f"it has {shape_text(outputs) or 1} outputs, not {CLASSES}"
        raise ModelError(f"{model.path}: not a digit classifier: {reason}")
    if network.input_shape not in SHAPES:
        reason = f"it takes images of {shape_text(network.input_shape)}"
        hint = "mnistcli gives a model images of 28x28 or 32x32 pixels, grey or as three colours."
        raise ModelError(f"{model.path}: not a digit classifier: {reason}", hint)


def _for_each(work: Callable[[int], None], starts: range, threads: int) -> None:
    """Call `work` with every start, in several threads."""
    if len(starts) < 2:
        for start in starts:
            work(start)
        return
    from concurrent.futures import ThreadPoolExecutor  # a single picture starts faster without it

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, starts):
            pass
