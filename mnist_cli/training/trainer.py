"""Training steps and evaluation of a network in TensorFlow.

All images stay in memory as bytes, each batch is gathered and scaled inside the graph, and many steps run in one call,
so that Python costs next to nothing. All random numbers are functions of the seed, the step and the GPU.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.datasets.digits import Digits
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

STEPS_PER_CALL = 16
"""The number of steps in one call of the graph: few enough for smooth progress and quick interruption."""
EVALUATION_BATCH = 250


class Trainer:
    """A network that is trained on `digits`. The precision of the settings must not be `auto`."""

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
        """A copy of everything that training changes, by name."""
        return {name: value.numpy() for name, value in self._variables().items()}

    def restore(self, state: State) -> None:
        """Return to a state. Raises `ValueError` if it belongs to another network or recipe."""
        variables = self._variables()
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        if {name: array.shape for name, array in state.items()} != shapes:
            raise ValueError("the checkpoint is of another network or recipe")
        for name, array in state.items():
            variables[name].assign(array)

    def _variables(self) -> dict[str, Any]:
        groups = {"weight": self._weights, "optimizer": self._optimizer.variables, "average": self._average.variables}
        return {f"{group}_{index}": value for group, values in groups.items() for index, value in enumerate(values)}

    def train_epoch(self, start: EpochProgress) -> Iterator[EpochProgress]:
        """Train the rest of an epoch from `start`, and yield the progress after every few steps."""
        size = len(self._digits)
        steps = self._settings.steps(size)
        order = tf.constant(shuffled(size, self._settings.seed, start.epoch), tf.int32)
        learning_rates = tf.constant(self._settings.learning_rates(start.epoch, steps), tf.float32)
        earlier_steps = tf.constant((start.epoch - 1) * steps)
        progress = start
        for first in range(start.step, steps, STEPS_PER_CALL):
            end = min(first + STEPS_PER_CALL, steps)
            loss, correct = self._run_steps(order, learning_rates, earlier_steps, tf.constant(first), tf.constant(end))
            progress = replace(
                progress,
                step=end,
                images=min(end * self._settings.batch_size, size),
                loss=progress.loss + float(loss),
                correct=progress.correct + float(correct),
            )
            yield progress

    def evaluate(self, digits: Digits) -> Metrics:
        """Loss and accuracy of the network as it would be saved, that is with averaged weights, in float32."""
        batches = (digits.images[i : i + EVALUATION_BATCH] for i in range(0, len(digits), EVALUATION_BATCH))
        probabilities = np.concatenate([self._probabilities(batch).numpy() for batch in batches])
        return Evaluation(digits.labels, probabilities).metrics

    def archive(self, beside: Path, steps: int) -> bytes:
        """The content of a `.keras` archive of the network, the same for the same weights.

        The model is compiled with Adam, so that Keras can evaluate it and train it further. If Adam also trained these
        weights, the archive contains its state after `steps` steps. `beside` is the path of the model, in whose folder
        a temporary file is written. Raises `OutputError`.
        """
        self._model.set_weights([weight.numpy() for weight in self._average.weights])
        optimizer = keras.optimizers.Adam(self._settings.learning_rate)
        self._model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
        optimizer.build(self._model.trainable_variables)
        if self._settings.continues_from_model:
            optimizer.iterations.assign(steps)
            moments = optimizer.variables[2:]  # the first two are the number of steps and the learning rate
            for moment, trained in zip(moments, self._optimizer.variables, strict=True):
                moment.assign(trained.numpy())
        return archive_of(self._model, beside)

    def _steps_function(self) -> Any:
        """A function, compiled to a graph, that trains the steps from `first` to before `end` of an epoch.

        `order` has the indices of all images in the order of the epoch, `learning_rates` one number per step;
        `earlier_steps` is the number of steps in earlier epochs. It returns the sum of the losses of the images, and
        the number of those read correctly, both computed while the weights change.
        """
        batch_size, strategy = self._settings.batch_size, self._strategy
        with tf.device("CPU"):
            images, labels = tf.constant(self._digits.images), tf.constant(self._digits.labels, tf.int32)

        def run_steps(order: Any, learning_rates: Any, earlier_steps: Any, first: Any, end: Any) -> tuple[Any, Any]:
            def is_before_end(step: Any, loss: Any, correct: Any) -> Any:
                return step < end

            def run_step(step: Any, loss: Any, correct: Any) -> tuple[Any, Any, Any]:
                batch = order[step * batch_size : (step + 1) * batch_size]
                arguments = (images, labels, batch, earlier_steps + step, learning_rates[step])
                step_loss, step_correct = strategy.run(self._step, arguments)
                loss += strategy.reduce("SUM", step_loss, axis=None)
                correct += strategy.reduce("SUM", step_correct, axis=None)
                return step + 1, loss, correct

            start = (first, tf.constant(0.0), tf.constant(0.0))
            _, loss, correct = tf.while_loop(is_before_end, run_step, start, parallel_iterations=1)
            return loss, correct

        return tf.function(run_steps, autograph=False)

    def _step(self, images: Any, labels: Any, batch: Any, step: Any, learning_rate: Any) -> tuple[Any, Any]:
        """Train this GPU's share of a batch; the first step of the run is 0. Returns the sums for the share.

        `batch` has the indices of the batch's images.
        """
        context = tf.distribute.get_replica_context()
        replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
        share = batch[replica::replicas]
        with tf.device("CPU"):  # where the images are; GPUs can't gather bytes
            share_images, share_labels = tf.gather(images, share), tf.gather(labels, share)
        inputs = scaled(share_images)
        distortion_seed, dropout_seed = self._seeds(step * replicas + replica)
        if self._settings.augment:
            inputs = distorted(inputs, self._settings.augment, distortion_seed)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            weights = [weight.read_value() for weight in self._weights]
            tape.watch(weights)
            outputs = self._logits(weights, inputs, dropout_seed)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(share_labels, outputs)
            mean_loss = tf.reduce_sum(losses) / tf.cast(tf.size(batch), tf.float32)
        gradients = tape.gradient(mean_loss, weights)
        if replicas > 1:
            gradients = context.all_reduce("SUM", gradients)
        steps_done = tf.cast(step + 1, tf.float32)
        self._optimizer.apply(gradients, steps_done, learning_rate)
        self._average.update(steps_done)
        correct = tf.equal(tf.argmax(outputs, axis=1, output_type=tf.int32), share_labels)
        return tf.reduce_sum(losses), tf.math.count_nonzero(correct, dtype=tf.float32)

    def _logits(self, weights: Sequence[Any], images: Any, dropout_seed: Any) -> Any:
        """The logits, computed in the precision of the settings, as float32."""
        precision = tf.as_dtype(self._settings.precision)
        weights = [tf.cast(weight, precision) for weight in weights]
        images = tf.cast(images[..., tf.newaxis], precision)
        return tf.cast(logits(self._network, weights, images, dropout_seed), tf.float32)

    def _seeds(self, number: Any) -> list[Any]:
        """Two independent seeds, int64, shape (2,), for a number that is unique to the step and the GPU."""
        seed = tf.stack([tf.constant(self._settings.seed, tf.int64), tf.cast(number, tf.int64)])
        return list(tf.unstack(tf.random.split(seed, 2)))

    def _probabilities_function(self) -> Any:
        """A function, compiled to a graph, from uint8 images, shape (n, 28, 28), to probabilities, shape (n, 10)."""

        def probabilities(images: Any) -> Any:
            inputs = scaled(images)[..., tf.newaxis]
            return tf.nn.softmax(logits(self._network, self._average.weights, inputs))

        return tf.function(probabilities, autograph=False, input_signature=[tf.TensorSpec((None, 28, 28), tf.uint8)])


def shuffled(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The indices of `size` images in the order of an epoch, a function of the arguments only."""
    return np.random.default_rng((seed, epoch)).permutation(size)


def scaled(images: Any) -> Any:
    """uint8 images as float32, 0 to 1."""
    return tf.cast(images, tf.float32) / 255.0
