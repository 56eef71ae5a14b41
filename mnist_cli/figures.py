"""The figures of a training run."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Metrics:
    """Loss (mean cross-entropy in nats) and accuracy (0 to 1) over some images."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch.

    `loss` (mean cross-entropy in nats) and `accuracy` (0 to 1) are means over the epoch, taken while the weights
    change and dropout is on; the validation figures are taken at its end, and None without validation images.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float


def best_epoch(history: Sequence[Epoch]) -> int | None:
    """The epoch with the lowest validation loss, the first of equals; None without validation."""
    judged = [(epoch.val_loss, epoch.epoch) for epoch in history if epoch.val_loss is not None]
    return min(judged)[1] if judged else None
