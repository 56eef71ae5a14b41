"""How a network is trained: the settings of a run, and the recipe that they start from."""

from dataclasses import dataclass

from mnist_cli.errors import SettingError
from mnist_cli.record import Metrics

NOTEBOOK_METRICS = Metrics(loss=0.0241, accuracy=0.9910)
"""What the notebook that the recipe comes from printed for its own run of 15 epochs."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a run goes, besides the data. The defaults are the notebook recipe.

    Raises `SettingError` for a value that makes no sense.
    """

    recipe: str = "notebook"
    epochs: int = 15
    batch_size: int = 128
    validation_split: float = 0.1
    learning_rate: float = 1e-3
    dropout: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        _require(1 <= self.epochs <= 10_000, "--epochs", "must be from 1 to 10000")
        _require(1 <= self.batch_size <= 100_000, "--batch-size", "must be from 1 to 100000")
        _require(0 <= self.validation_split < 1, "--validation-split", "must be at least 0 and less than 1")
        _require(0 <= self.seed < 2**32, "--seed", "must be from 0 to 4294967295")

    def split(self, images: int) -> tuple[int, int]:
        """How many of the images, the first ones, train, and how many, the last ones, validate."""
        training = int(images * (1 - self.validation_split) + 1e-9)  # 10 * (1 - 0.9) is a little less than 1
        _require(training > 0, "--validation-split", f"leaves none of the {images} images to train on")
        return training, images - training

    def steps(self, training: int) -> int:
        """Batches in an epoch of so many images; the last one may be smaller."""
        return -(-training // self.batch_size)


def _require(condition: bool, option: str, message: str) -> None:
    if not condition:
        raise SettingError(option, message)
