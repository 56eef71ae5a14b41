"""The optimizers, and the moving average of the weights, as TensorFlow operations."""

from collections.abc import Sequence
from math import sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from mnist_cli.settings import Settings
from mnist_cli.training.backend import tf


def variable(value: ArrayLike) -> Any:
    """A float32 variable with a copy on every GPU."""
    # All copies are changed by the same summed gradients, so they stay equal, and the first stands for all.
    aggregation = tf.VariableAggregation.ONLY_FIRST_REPLICA
    return tf.Variable(np.asarray(value, np.float32), trainable=False, aggregation=aggregation)


class Rule(Protocol):
    """The update rule for one array of weights."""

    @property
    def variables(self) -> list[Any]:
        """The state that the rule keeps between steps."""

    def change(self, gradient: Any, step: Any) -> Any:
        """The amount to subtract from the weights at a learning rate of 1; `step` is float32, the first is 1."""


class Adam:
    """Adam (Kingma and Ba, arXiv:1412.6980), as in Keras: with its constants and its place for epsilon."""

    def __init__(self, shape: Sequence[int], beta_2: float = 0.999) -> None:
        self._beta_1, self._beta_2, self._epsilon = 0.9, beta_2, 1e-7
        self._momentum, self._velocity = variable(np.zeros(shape)), variable(np.zeros(shape))

    @property
    def variables(self) -> list[Any]:
        return [self._momentum, self._velocity]

    def change(self, gradient: Any, step: Any) -> Any:
        momentum = self._momentum.assign_add((gradient - self._momentum) * (1 - self._beta_1))
        velocity = self._velocity.assign_add((tf.square(gradient) - self._velocity) * (1 - self._beta_2))
        correction = tf.sqrt(1 - self._beta_2**step) / (1 - self._beta_1**step)
        return correction * momentum / (tf.sqrt(velocity) + self._epsilon)


class Muon:
    """Muon: the step is the momentum, taken as a matrix from inputs to outputs, and made orthogonal.

    Jordan et al. (2024), https://kellerjordan.github.io/posts/muon, with the coefficients given there. The last axis
    of an array is its outputs, all others its inputs. The step has the root mean square 0.2, about that of Adam (Liu et
    al., arXiv:2502.16982).
    """

    _MOMENTUM = 0.95
    _STEP_SIZE = 0.2
    _COEFFICIENTS = (3.4445, -4.7750, 2.0315)
    _ITERATIONS = 5

    def __init__(self, shape: Sequence[int]) -> None:
        self._momentum = variable(np.zeros(shape))

    @property
    def variables(self) -> list[Any]:
        return [self._momentum]

    def change(self, gradient: Any, step: Any) -> Any:
        momentum = self._momentum.assign(self._MOMENTUM * self._momentum + gradient)
        nesterov = gradient + self._MOMENTUM * momentum
        matrix = tf.reshape(nesterov, (-1, nesterov.shape[-1]))
        scale = self._STEP_SIZE * sqrt(max(matrix.shape))
        return tf.reshape(scale * self._orthogonal(matrix), nesterov.shape)

    def _orthogonal(self, matrix: Any) -> Any:
        """Approximately the nearest matrix whose singular values are all 1, by the Newton-Schulz iteration."""
        inputs, outputs = matrix.shape
        wide = tf.transpose(matrix) if inputs > outputs else matrix
        wide /= tf.norm(wide) + 1e-7
        a, b, c = self._COEFFICIENTS
        for _ in range(self._ITERATIONS):
            square = tf.matmul(wide, wide, transpose_b=True)
            wide = a * wide + (b * square + c * square @ square) @ wide
        return tf.transpose(wide) if inputs > outputs else wide


class Optimizer:
    """One update rule for each array of weights, and decoupled weight decay.

    The optimizer `muon` is Muon for the kernels of convolutions and Adam for the rest. Weight decay (Loshchilov and
    Hutter, arXiv:1711.05101) applies to kernels, not to biases.
    """

    def __init__(self, settings: Settings, weights: Sequence[Any]) -> None:
        self._weights, self._decay = weights, settings.weight_decay
        self._rules = [_rule(settings.optimizer, weight.shape) for weight in weights]

    @property
    def variables(self) -> list[Any]:
        """The state of all rules, in the order of the weights; for Adam, this is Keras' order."""
        return [state for rule in self._rules for state in rule.variables]

    def apply(self, gradients: Sequence[Any], step: Any, learning_rate: Any) -> None:
        """Change the weights by one step; `step` is a float32 tensor, the first is 1."""
        for weight, rule, gradient in zip(self._weights, self._rules, gradients, strict=True):
            change = rule.change(gradient, step)
            if self._decay and len(weight.shape) > 1:
                change += self._decay * weight
            weight.assign_sub(learning_rate * change)


def _rule(optimizer: str, shape: Sequence[int]) -> Rule:
    if optimizer == "adam":
        return Adam(shape)
    return Muon(shape) if len(shape) == 4 else Adam(shape, beta_2=0.99)


class Average:
    """The exponential moving average of the weights; with a `decay` of 0, the weights themselves."""

    def __init__(self, decay: float, weights: Sequence[Any]) -> None:
        self._decay, self._live = decay, weights
        self.weights = [variable(weight) for weight in weights] if decay else weights

    @property
    def variables(self) -> list[Any]:
        """The state that the average keeps between steps."""
        return list(self.weights) if self._decay else []

    def update(self, step: Any) -> None:
        """Average in the weights after a step; `step` is a float32 tensor, the first is 1."""
        if not self._decay:
            return
        # A smaller decay early on, so that the initial weights are soon forgotten.
        decay = tf.minimum(self._decay, (1 + step) / (10 + step))
        for average, weight in zip(self.weights, self._live, strict=True):
            average.assign_add((weight - average) * (1 - decay))
