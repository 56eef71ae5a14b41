"""The figures of a training run: loss and accuracy, overall and per epoch."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Metrics:
    """Loss (mean cross-entropy in nats) and accuracy (0 to 1) over some images."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch; the first epoch is 1.

    `loss` (mean cross-entropy in nats) and `accuracy` (0 to 1) are means over the training images, taken while the
    weights change and dropout is on. `val_loss` and `val_accuracy` are taken at the end of the epoch; None without
    validation images. `seconds` includes the validation.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float


def best_epoch(history: Sequence[Epoch]) -> int | None:
    """The number of the epoch with the lowest validation loss, the first if several are equal; None without any."""
    validated = [(epoch.val_loss, epoch.epoch) for epoch in history if epoch.val_loss is not None]
    return min(validated)[1] if validated else None
