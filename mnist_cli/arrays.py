"""The arrays that go from room to room, by name, and what holds for those of every engine."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.errors import ModelError

Images = NDArray[np.uint8]
"""uint8, shape (n, 28, 28), 0 background to 255 ink."""

Labels = NDArray[np.uint8]
"""uint8, shape (n,), 0 to 9."""

Probabilities = NDArray[np.floating[Any]]
"""float32 or float64, shape (n, 10), each row with the sum 1."""

Weights = tuple[NDArray[np.float32], ...]
"""Those of one layer, in the order and with the shapes of `Stage.weight_shapes`."""


def as_input(images: Images) -> NDArray[np.float32]:
    """Images as the networks take them: float32, 0 to 1, shape (n, 28, 28, 1)."""
    return images[..., np.newaxis].astype(np.float32) / np.float32(255)


def checked(probabilities: Probabilities, path: Path) -> Probabilities:
    """The same; raises `ModelError` where they are no probabilities."""
    if not ((probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)):  # nor NaN
        raise ModelError(f"{path}: no digit classifier: what its last layer gives are no probabilities")
    return probabilities
