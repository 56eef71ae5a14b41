"""Whether an exported file answers as the engine does."""

from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np

from mnist_cli.errors import ExportError
from mnist_cli.evaluation.metrics import Evaluation

FLOAT_NOISE = 1e-4
"""The largest difference of a probability that the order of computation may make, in float32."""
_LOST_ACCURACY = 0.01
"""The most accuracy that smaller numbers may cost."""


@dataclass(frozen=True, eq=False)
class Check:
    """The answers of an exported file beside those of the engine, and the median times for one image by itself."""

    runtime: str
    exported: Evaluation
    engine: Evaluation
    milliseconds: float
    engine_milliseconds: float

    @cached_property
    def largest_difference(self) -> float:
        """Of the probabilities of any digit in any image, 0 to 1."""
        return float(np.abs(self.exported.probabilities - self.engine.probabilities).max())

    @property
    def differing(self) -> int:
        """The number of images that are answered differently."""
        return int(np.count_nonzero(self.exported.answers != self.engine.answers))

    @property
    def lost_accuracy(self) -> float:
        return self.engine.metrics.accuracy - self.exported.metrics.accuracy


def require_agreement(check: Check, quantized: bool) -> None:
    """Raise `ExportError` if an exported file answers otherwise than its numbers explain."""
    hint = "With --no-check it is written all the same."
    if quantized and not (check.lost_accuracy <= _LOST_ACCURACY and isfinite(check.largest_difference)):
        accuracies = f"{check.exported.metrics.accuracy:.4f}, not {check.engine.metrics.accuracy:.4f}"
        raise ExportError(f"not exported: with these numbers its accuracy would be {accuracies}", hint)
    if not quantized and not check.largest_difference <= FLOAT_NOISE:
        reason = f"{check.runtime} gives probabilities that differ by up to {check.largest_difference:.2g}"
        raise ExportError(f"not exported: {reason}", hint)
