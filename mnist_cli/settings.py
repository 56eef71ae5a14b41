"""The settings of a training run, and the recipes: named settings to start from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, cos, pi
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mnist_cli.errors import SettingError
from mnist_cli.figures import Metrics

DEFAULT_MODEL_PATH = Path("models/cnn.keras")
"""Where `train` saves a model and the other commands look for one."""

NOTEBOOK_METRICS = Metrics(loss=0.0241, accuracy=0.9910)
"""The test metrics that the original notebook printed after its own run of 15 epochs."""

RECIPE_NAMES = ("notebook", "fast", "best")
OPTIMIZERS = ("adam", "muon")
SCHEDULES = ("constant", "linear", "cosine")
PRECISIONS = ("auto", "float32", "bfloat16")

_MAX_FLOAT = 1e38  # float32 holds little more


def _require(condition: bool, option: str, reason: str) -> None:
    if not condition:
        raise SettingError(option, reason)


def _require_one_of(names: Sequence[str], option: str, value: str) -> None:
    _require(value in names, option, f"must be one of {', '.join(names)}")


@dataclass(frozen=True)
class Settings:
    """Everything besides the data that determines a run. The defaults are the notebook recipe.

    Raises `SettingError` for an invalid value.
    """

    recipe: str = "notebook"
    epochs: int = 15
    batch_size: int = 128
    validation_split: float = 0.1
    """The share of the training images, the last ones, kept for validation."""
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    """The peak of the schedule."""
    schedule: str = "constant"
    """How the learning rate falls from its peak to 0, which it reaches after the last step; `constant`: not at all."""
    warmup: float = 0.0
    """The number of epochs, not necessarily whole, in which the learning rate rises to its peak."""
    weight_decay: float = 0.0
    dropout: float = 0.5
    """The share of the features that are dropped."""
    augment: float = 0.0
    """How strongly training images are distorted, 0 to 1."""
    averaging: float = 0.0
    """The decay of the moving average of the weights; 0: no average."""
    patience: int = 0
    """Stop after this many epochs without a lower validation loss; 0: never."""
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        _require_one_of(RECIPE_NAMES, "--recipe", self.recipe)
        _require(1 <= self.epochs <= 10_000, "--epochs", "must be from 1 to 10000")
        _require(1 <= self.batch_size <= 100_000, "--batch-size", "must be from 1 to 100000")
        _require(0 <= self.validation_split < 1, "--validation-split", "must be at least 0 and less than 1")
        _require_one_of(OPTIMIZERS, "--optimizer", self.optimizer)
        _require(0 < self.learning_rate <= _MAX_FLOAT, "--learning-rate", "must be more than 0 and at most 1e+38")
        _require_one_of(SCHEDULES, "--schedule", self.schedule)
        _require(0 <= self.warmup <= self.epochs, "--warmup", "must be from 0 to the number of epochs")
        _require(0 <= self.weight_decay <= _MAX_FLOAT, "--weight-decay", "must be from 0 to 1e+38")
        _require(0 <= self.dropout < 1, "--dropout", "must be at least 0 and less than 1")
        _require(0 <= self.augment <= 1, "--augment", "must be from 0 to 1")
        _require(0 <= self.averaging < 1, "--averaging", "must be at least 0 and less than 1")
        _require(0 <= self.patience <= 10_000, "--patience", "must be from 0 to 10000")
        can_stop_early = self.patience == 0 or self.validation_split > 0
        _require(can_stop_early, "--patience", "needs images to validate on: --validation-split")
        _require_one_of(PRECISIONS, "--precision", self.precision)
        _require(0 <= self.seed < 2**32, "--seed", "must be from 0 to 4294967295")

    @property
    def changes(self) -> dict[str, int | float | str]:
        """The settings that differ from the recipe's, apart from those that `train` always prints."""
        recipe = vars(RECIPES[self.recipe].settings)
        always_printed = ("recipe", "epochs", "batch_size", "validation_split", "precision", "seed")
        return {
            name: value for name, value in vars(self).items() if name not in always_printed and value != recipe[name]
        }

    @property
    def continues_from_model(self) -> bool:
        """Whether a finished run can be extended from its model file, which holds Adam's state but no other."""
        return self.optimizer == "adam" and not self.averaging

    def split(self, images: int) -> tuple[int, int]:
        """The number of images to train on, which come first, and the number to validate on.

        Raises `SettingError` if there are none to train on.
        """
        training = int(images * (1 - self.validation_split) + 1e-9)  # 10 * (1 - 0.9) is a little less than 1
        _require(training > 0, "--validation-split", f"leaves none of the {images} images to train on")
        return training, images - training

    def steps(self, training: int) -> int:
        """The number of steps in an epoch over `training` images; the last batch may be smaller."""
        return ceil(training / self.batch_size)

    def learning_rates(self, epoch: int, steps: int) -> list[float]:
        """The learning rate of each step of an epoch that has `steps` steps; the first epoch is 1."""
        first = (epoch - 1) * steps
        return [self._learning_rate(step, steps) for step in range(first, first + steps)]

    def _learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate of a step of the run; the first is 0."""
        warmup, total = self.warmup * steps_per_epoch, self.epochs * steps_per_epoch
        if step < warmup:
            return self.learning_rate * min((step + 1) / warmup, 1)
        progress = (step - warmup) / (total - warmup)
        match self.schedule:
            case "linear":
                return self.learning_rate * (1 - progress)
            case "cosine":
                return self.learning_rate * (1 + cos(pi * progress)) / 2
            case _:
                return self.learning_rate


@dataclass(frozen=True)
class Recipe:
    """The settings of a recipe, and in a few words what it is for."""

    purpose: str
    settings: Settings


_NOTEBOOK = Settings()
_FAST = Settings(
    recipe="fast",
    epochs=2,
    batch_size=64,
    optimizer="muon",
    learning_rate=6e-3,
    schedule="linear",
    warmup=0.1,
    weight_decay=0.1,
    dropout=0.0,
)
_BEST = replace(_FAST, recipe="best", epochs=15, weight_decay=0.05, augment=1.0, averaging=0.998)

RECIPES = MappingProxyType(
    {
        "notebook": Recipe("the classic: Adam at a constant rate, dropout 0.5", _NOTEBOOK),
        "fast": Recipe("the classic's accuracy in two epochs: Muon, falling rate", _FAST),
        "best": Recipe("the highest accuracy: distorted digits, averaged weights", _BEST),
    }
)


def check_unchanged(settings: Settings, chosen: Mapping[str, Any], source: str) -> None:
    """Raise `SettingError` if a chosen value differs from that of `settings`, which come from `source`.

    None chooses nothing, and neither does the precision `auto`.
    """
    for name, value in chosen.items():
        fixed = getattr(settings, name)
        if value not in (None, fixed) and (name, value) != ("precision", "auto"):
            raise SettingError(f"--{name.replace('_', '-')}", f"is {fixed} in {source}, not {value}")


def settings_of(chosen: Mapping[str, Any]) -> Settings:
    """The settings of the chosen recipe, by default the notebook's, with the other chosen values in place of its own.

    `chosen` has values by the names of settings; None chooses nothing. Raises `SettingError`.
    """
    values = {name: value for name, value in chosen.items() if value is not None}
    recipe = values.get("recipe", "notebook")
    defaults = RECIPES[recipe].settings if recipe in RECIPES else Settings()  # `Settings` refuses an unknown recipe
    return replace(defaults, **values)
