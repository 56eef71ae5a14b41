"""The images that models expect: their shapes and the ranges of their pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mnist_cli.arrays import SIDE, Images
from mnist_cli.model.layers.base import Array, Shape

_PADDED_SIDE = 32  # for networks like LeNet-5, whose first windows would cut off the margins of 28x28


def _shapes(side: int) -> tuple[Shape, ...]:
    flat = side * side
    grey = ((side, side, 1), (side, side), (flat,), (1, side, side), (flat, 1), (1, flat))
    return (*grey, (side, side, 3), (3, side, side))


SHAPES = (*_shapes(SIDE), *_shapes(_PADDED_SIDE))
"""The shapes of one image that a model may expect."""


def matching_shape(sizes: Sequence[int | None]) -> Shape | None:
    """The first of `SHAPES` that fits these sizes, of which None fits any; None if there is none."""
    for shape in SHAPES:
        if len(shape) == len(sizes) and all(size in (None, own) for size, own in zip(sizes, shape, strict=True)):
            return shape
    return None


def normalized(pixels: Array, axis: int) -> Array:
    """Every column of an image (axis 1), or every row (axis 2), scaled to length 1, as `keras.utils.normalize` does.

    One that is all 0 stays as it is.
    """
    lengths = np.sqrt(np.square(pixels).sum(axis=axis, keepdims=True))
    return pixels / np.where(lengths == 0, np.float32(1), lengths)


SCALES: dict[str, Callable[[Array], Array]] = {
    "0 to 1": lambda pixels: pixels / 255,
    "0 to 255": lambda pixels: pixels,
    "-1 to 1": lambda pixels: pixels / np.float32(127.5) - 1,
    "-0.5 to 0.5": lambda pixels: pixels / 255 - np.float32(0.5),
    # By the mean and the standard deviation of MNIST's training images.
    "standardized": lambda pixels: (pixels / 255 - np.float32(0.1307)) / np.float32(0.3081),
    "columns of length 1": lambda pixels: normalized(pixels, axis=1),
    "rows of length 1": lambda pixels: normalized(pixels, axis=2),
}
"""The ranges that people scale pixels to, each from pixels of 0 to 255: float32, shape (n, side, side)."""


@dataclass(frozen=True)
class Pixels:
    """The preparation of images for a model: transposed or not, inverted (255 - pixel) or not, scaled by `SCALES`."""

    scale: str = "0 to 1"
    inverted: bool = False
    transposed: bool = False

    def __str__(self) -> str:
        changes = {"inverted": self.inverted, "transposed": self.transposed}
        return ", ".join([self.scale, *(name for name, is_made in changes.items() if is_made)])

    def prepare(self, images: Images, shape: Shape) -> Array:
        """Prepare images, uint8, shape (n, 28, 28), for a model with an input of `shape`, one of `SHAPES`.

        The result is float32, shape (n, *shape).
        """
        if self.transposed:
            images = images.transpose(0, 2, 1)
        if shape in _shapes(_PADDED_SIDE):
            margin = (_PADDED_SIDE - SIDE) // 2
            images = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
        if self.inverted:
            images = 255 - images
        pixels = SCALES[self.scale](images.astype(np.float32))
        if shape.count(3):  # grey as three colours
            pixels = np.stack([pixels] * 3, axis=1 + shape.index(3))
        return pixels.reshape(len(pixels), *shape)


PLAIN = Pixels()
"""The pixels that mnistcli's own models take."""
