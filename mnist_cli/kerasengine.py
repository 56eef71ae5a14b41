"""Answers from a model that only Keras can run: in a child process, within limits on memory and time.

Its bytes have been checked by then. But native code meets them, which may have flaws of its own, so that whatever
they do to it ends a child and not the command.
"""

import weakref
from typing import Any

import numpy as np

from mnist_cli.architecture import CLASSES
from mnist_cli.arrays import Images, Probabilities, as_input, checked
from mnist_cli.errors import ModelError, first_line
from mnist_cli.modelfile import ModelFile
from mnist_cli.workers import Limits, Worker, WorkError

# Starting TensorFlow takes about 5 seconds of a processor and 600 MB.
_LIMITS = Limits(seconds=60, memory=3_000_000_000)
# A task is so many images, in batches that hold at most so many numbers for a layer.
_IMAGES_AT_ONCE, _BATCH_SIZE, _NUMBERS_AT_ONCE = 1000, 256, 40_000_000


class KerasEngine:
    """Runs a model in Keras. Raises `ModelError` where Keras can't load it."""

    def __init__(self, model: ModelFile) -> None:
        self._path = model.path
        numbers = max(stage.numbers for stage in model.network.stages())
        batch_size = max(1, min(_BATCH_SIZE, _NUMBERS_AT_ONCE // numbers))
        # Never forked: TensorFlow, where the parent has it loaded, does not survive that.
        work = _KerasModel(model.content, batch_size)
        self._worker: Worker[Images, Probabilities] = Worker(work, _LIMITS, forks=False)
        weakref.finalize(self, self._worker.stop)
        self._answer(np.empty((0, 28, 28), np.uint8))

    def probabilities(self, images: Images) -> Probabilities:
        parts = (images[start : start + _IMAGES_AT_ONCE] for start in range(0, len(images), _IMAGES_AT_ONCE))
        answers = [np.empty((0, CLASSES)), *map(self._answer, parts)]
        return checked(np.concatenate(answers), self._path)

    def _answer(self, images: Images) -> Probabilities:
        self._worker.begin(images)
        try:
            return self._worker.answer()
        except WorkError as reason:
            raise ModelError(f"{self._path}: Keras can't run this model: it {reason}") from reason
        except Exception as reason:  # whatever Keras and the layers in the model raise
            raise ModelError(f"{self._path}: Keras can't run this model: {first_line(reason)}") from reason


class _KerasModel:
    """The work of the child: the model is loaded for the first task, and stays."""

    def __init__(self, content: bytes, batch_size: int) -> None:
        self._content, self._batch_size = content, batch_size
        self._model: Any = None

    def __call__(self, images: Images) -> Probabilities:
        try:
            return self._answer(images)
        except MemoryError:
            raise
        except Exception as reason:  # whatever the layers in the model raise, which need not survive the way back
            raise RuntimeError(first_line(reason)) from None

    def _answer(self, images: Images) -> Probabilities:
        from mnist_cli.backend import load_model

        if self._model is None:
            self._model = load_model(self._content)
        if not len(images):
            return np.empty((0, CLASSES))
        answers: Probabilities = self._model.predict(as_input(images), batch_size=self._batch_size, verbose=0)
        return answers
