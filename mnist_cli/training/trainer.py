"""A network in training: its weights, the graph that takes its steps, its figures.

All images stay in memory as bytes, a batch is gathered and scaled inside the graph, and many steps run in one call, so
that Python does next to nothing. Every random number follows from the seed, the number of the step and that of the
GPU.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.datasets.dataset import Digits
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.figures import Metrics
from mnist_cli.model.network import Network
from mnist_cli.settings import Settings
from mnist_cli.training.augmentation import distorted
from mnist_cli.training.backend import keras, strategy, tf
from mnist_cli.training.checkpoint import EpochProgress, State
from mnist_cli.training.graph import logits
from mnist_cli.training.keras_model import archive_of, build_model
from mnist_cli.training.optimizer import Average, Optimizer, variable

# Steps in one call of the graph: few enough that the bar moves and an interrupt is soon heard.
STEPS_PER_CALL = 16
EVALUATION_BATCH = 250


class Trainer:
    """A network in training on the given digits; the settings must name a precision, not `auto`."""

    def __init__(self, network: Network, settings: Settings, digits: Digits) -> None:
        self._network, self._settings, self._digits = network, settings, digits
        self._model = build_model(network)
        self._strategy = strategy()
        with self._strategy.scope():
            self._weights = [variable(weight) for weight in self._model.get_weights()]
            self._optimizer = Optimizer(settings, self._weights)
            self._average = Average(settings.averaging, self._weights)
        self._run_steps = self._steps_function()
        self._probabilities = self._probabilities_function()

    @property
    def state(self) -> State:
        """Copies of everything that training changes, by name; with it and the settings a run can go on."""
        return {name: value.numpy() for name, value in self._variables().items()}

    def restore(self, state: State) -> None:
        """Go back to a state. Raises `ValueError` if it belongs to another network or recipe."""
        variables = self._variables()
        if {name: value.shape for name, value in state.items()} != {name: v.shape for name, v in variables.items()}:
            raise ValueError("the state of another network, or of another recipe")
        for name, value in state.items():
            variables[name].assign(value)

    def _variables(self) -> dict[str, Any]:
        parts = {"weight": self._weights, "optimizer": self._optimizer.variables, "average": self._average.variables}
        return {f"{part}_{index}": value for part, group in parts.items() for index, value in enumerate(group)}

    def train_epoch(self, start: EpochProgress) -> Iterator[EpochProgress]:
        """Train the rest of an epoch from `start` on; yields its progress every few steps."""
        images, steps = len(self._digits), self._settings.steps(len(self._digits))
        order = tf.constant(shuffled(images, self._settings.seed, start.epoch), tf.int32)
        learning_rates = tf.constant(self._settings.learning_rates(start.epoch, steps), tf.float32)
        before = tf.constant((start.epoch - 1) * steps)
        progress = start
        for first in range(start.step, steps, STEPS_PER_CALL):
            last = min(first + STEPS_PER_CALL, steps)
            loss, correct = self._run_steps(order, learning_rates, before, tf.constant(first), tf.constant(last))
            progress = replace(
                progress,
                step=last,
                images=min(last * self._settings.batch_size, images),
                loss=progress.loss + float(loss),
                correct=progress.correct + float(correct),
            )
            yield progress

    def evaluate(self, digits: Digits) -> Metrics:
        """Loss and accuracy of the network as it would be saved now, computed in float32."""
        batches = (digits.images[i : i + EVALUATION_BATCH] for i in range(0, len(digits), EVALUATION_BATCH))
        probabilities = np.concatenate([self._probabilities(batch).numpy() for batch in batches])
        return Evaluation(digits.labels, probabilities).metrics

    def archive(self, beside: Path, steps: int) -> bytes:
        """The network after so many steps in all as a `.keras` archive, the same bytes for the same weights.

        It is compiled, so that Keras can judge it and train it, by Adam without weight decay; where Adam made these
        very weights, with what Adam remembers. Raises `OutputError`.
        """
        self._model.set_weights([weight.numpy() for weight in self._average.weights])
        optimizer = keras.optimizers.Adam(self._settings.learning_rate)
        self._model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
        optimizer.build(self._model.trainable_variables)
        if self._settings.continues_from_model:
            optimizer.iterations.assign(steps)
            for theirs, ours in zip(optimizer.variables[2:], self._optimizer.variables, strict=True):
                theirs.assign(ours.numpy())
        return archive_of(self._model, beside)

    def _steps_function(self) -> Any:
        """A graph that takes the steps `first` to `last` of an epoch whose images come in `order`.

        It returns the sum of the losses of the images and the number of them that were read right, as they were
        met in training. `before` is the number of steps in the epochs before.
        """
        size, strategy = self._settings.batch_size, self._strategy
        with tf.device("CPU"):
            images, labels = tf.constant(self._digits.images), tf.constant(self._digits.labels, tf.int32)

        def run_steps(order: Any, learning_rates: Any, before: Any, first: Any, last: Any) -> tuple[Any, Any]:
            def step(number: Any, loss: Any, correct: Any) -> tuple[Any, Any, Any]:
                chosen = order[number * size : (number + 1) * size]
                arguments = (images, labels, chosen, before + number, learning_rates[number])
                sums = strategy.run(self._step, arguments)
                step_loss, step_correct = (strategy.reduce("SUM", value, axis=None) for value in sums)
                return number + 1, loss + step_loss, correct + step_correct

            start = (first, tf.constant(0.0), tf.constant(0.0))
            _, loss, correct = tf.while_loop(lambda number, *_: number < last, step, start, parallel_iterations=1)
            return loss, correct

        return tf.function(run_steps, autograph=False)

    def _step(self, images: Any, labels: Any, chosen: Any, number: Any, learning_rate: Any) -> tuple[Any, Any]:
        """Train on the `chosen` images, shared out among the GPUs; `number` is 0 for the very first step."""
        context = tf.distribute.get_replica_context()
        replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
        own = chosen[replica::replicas]
        with tf.device("CPU"):  # where the images are; GPUs can't gather bytes
            own_images, truth = tf.gather(images, own), tf.gather(labels, own)
        inputs = scaled(own_images)
        distortion_seed, dropout_seed = self._seeds(number * replicas + replica)
        if self._settings.augment:
            inputs = distorted(inputs, self._settings.augment, distortion_seed)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            weights = [weight.read_value() for weight in self._weights]
            tape.watch(weights)
            scores = self._logits(weights, inputs, dropout_seed)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(truth, scores)
            mean_loss = tf.reduce_sum(losses) / tf.cast(tf.size(chosen), tf.float32)
        gradients = tape.gradient(mean_loss, weights)
        if replicas > 1:
            gradients = context.all_reduce("SUM", gradients)
        taken = tf.cast(number + 1, tf.float32)
        self._optimizer.apply(gradients, taken, learning_rate)
        self._average.follow(taken)
        correct = tf.equal(tf.argmax(scores, axis=1, output_type=tf.int32), truth)
        return tf.reduce_sum(losses), tf.math.count_nonzero(correct, dtype=tf.float32)

    def _logits(self, weights: Sequence[Any], images: Any, dropout_seed: Any) -> Any:
        """The scores of the digits, computed in the precision of the settings, returned as float32."""
        precision = tf.as_dtype(self._settings.precision)
        weights = [tf.cast(weight, precision) for weight in weights]
        images = tf.cast(images[..., tf.newaxis], precision)
        return tf.cast(logits(self._network, weights, images, dropout_seed), tf.float32)

    def _seeds(self, number: Any) -> list[Any]:
        """Two seeds of their own for everything that is numbered."""
        seed = tf.stack([tf.constant(self._settings.seed, tf.int64), tf.cast(number, tf.int64)])
        return list(tf.unstack(tf.random.split(seed, 2)))

    def _probabilities_function(self) -> Any:

        def probabilities(images: Any) -> Any:
            inputs = scaled(images)[..., tf.newaxis]
            return tf.nn.softmax(logits(self._network, self._average.weights, inputs))

        return tf.function(probabilities, autograph=False, input_signature=[tf.TensorSpec((None, 28, 28), tf.uint8)])


def shuffled(images: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which an epoch takes the images; it depends on nothing but the arguments."""
    return np.random.default_rng((seed, epoch)).permutation(images)


def scaled(images: Any) -> Any:
    """Inside the graph: uint8 images to float32 from 0 to 1."""
    return tf.cast(images, tf.float32) / 255.0
