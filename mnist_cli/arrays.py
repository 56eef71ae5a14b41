"""The array types that all rooms share, and their dimensions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 28
"""The height and the width of an image, in pixels."""

CLASSES = 10
"""The number of digits."""

Images = NDArray[np.uint8]
"""uint8, shape (n, 28, 28), 0 background to 255 ink."""

Labels = NDArray[np.uint8]
"""uint8, shape (n,), 0 to 9."""

Probabilities = NDArray[np.floating[Any]]
"""float32 or float64, shape (n, 10), each row sums to 1."""
