"""How gradients change the weights, and the average that weights leave behind; in TensorFlow's graph."""

from collections.abc import Sequence
from math import sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from mnist_cli.settings import Settings
from mnist_cli.training.backend import tf


def variable(value: ArrayLike) -> Any:
    """A float32 variable that every GPU has a copy of; all copies are changed alike."""
    # Each copy is changed with the same, summed gradients, so the first one's new value is everyone's.
    aggregation = tf.VariableAggregation.ONLY_FIRST_REPLICA
    return tf.Variable(np.asarray(value, np.float32), trainable=False, aggregation=aggregation)


class Rule(Protocol):
    """How one array of weights is changed; `variables` keep what it has to remember between steps."""

    @property
    def variables(self) -> list[Any]: ...

    def change(self, gradient: Any, step: Any) -> Any:
        """What to take away from the weights, for a learning rate of 1; `step` is float32, the first is 1."""


class Adam:
    """Adam (Kingma and Ba, arXiv:1412.6980), with the constants and in the form of Keras."""

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
    """Muon for an array that mixes inputs into outputs: its momentum, made orthogonal, is the step.

    Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon), with the coefficients given there. All axes but the
    last are inputs. A step's root mean square is 0.2, about what Adam's is (Liu et al., arXiv:2502.16982).
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
        ahead = gradient + self._MOMENTUM * momentum  # Nesterov's
        matrix = tf.reshape(ahead, (-1, ahead.shape[-1]))
        size = self._STEP_SIZE * sqrt(max(matrix.shape))
        return tf.reshape(size * self._orthogonal(matrix), ahead.shape)

    def _orthogonal(self, matrix: Any) -> Any:
        """About the nearest matrix whose singular values are 1, by Newton and Schulz's iteration."""
        inputs, outputs = matrix.shape
        wide = tf.transpose(matrix) if inputs > outputs else matrix
        wide /= tf.norm(wide) + 1e-7
        a, b, c = self._COEFFICIENTS
        for _ in range(self._ITERATIONS):
            square = tf.matmul(wide, wide, transpose_b=True)
            wide = a * wide + (b * square + c * square @ square) @ wide
        return tf.transpose(wide) if inputs > outputs else wide


class Optimizer:
    """The rules that the settings ask for, one for each array of weights, and decoupled weight decay.

    `muon` is for the kernels of convolutions, with Adam for the rest. Weight decay (Loshchilov and Hutter,
    arXiv:1711.05101) is for kernels, not for biases.
    """

    def __init__(self, settings: Settings, weights: Sequence[Any]) -> None:
        self._weights, self._decay = weights, settings.weight_decay
        self._rules = [_rule(settings.optimizer, weight.shape) for weight in weights]

    @property
    def variables(self) -> list[Any]:
        """What all rules remember, in the order of the weights and, for Adam, of Keras."""
        return [memory for rule in self._rules for memory in rule.variables]

    def apply(self, gradients: Sequence[Any], step: Any, learning_rate: Any) -> None:
        """Take a step; `step` is a float32 tensor, the first is 1."""
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
    """The exponential moving average of weights; with a `decay` of 0, the weights themselves."""

    def __init__(self, decay: float, weights: Sequence[Any]) -> None:
        self._decay, self._live = decay, weights
        self.weights = [variable(weight) for weight in weights] if decay else weights

    @property
    def variables(self) -> list[Any]:
        """What the average remembers."""
        return list(self.weights) if self._decay else []

    def follow(self, step: Any) -> None:
        """Take in the weights after a step; `step` is a float32 tensor, the first is 1."""
        if not self._decay:
            return
        # The first weights are soon forgotten: early on, the average reaches back over a tenth of the steps so far.
        decay = tf.minimum(self._decay, (1 + step) / (10 + step))
        for average, weight in zip(self.weights, self._live, strict=True):
            average.assign_add((weight - average) * (1 - decay))
