"""Data sets to train and evaluate on: the MNIST that comes with mnistcli, and digits in all the forms that are read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from mnist_cli.arrays import Labels
from mnist_cli.data import MNIST_PATH
from mnist_cli.datasets.digits import Digits, Part, are_grouped, divided, mixed
from mnist_cli.datasets.formats import read_npy
from mnist_cli.datasets.stored import FILE_LIMIT, TEST, TRAIN, checksum
from mnist_cli.errors import DataError
from mnist_cli.storage.archive import Archive
from mnist_cli.storage.files import read_file
from mnist_cli.wording import count

MNIST_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"


@dataclass(frozen=True)
class Dataset:
    """A data set with a training and a test part, which are made where it has no such parts.

    `sha256`: the checksum of its file, or of its files joined; of pictures, that of the prepared images and labels; of
    a set that was put right, one that depends on how. `part_names`: those of the stored parts: "train" and "test", one
    of them, or "all". `part` returns any of them, as stored. `notes`: what was left out or put right, and what is
    doubtful.
    """

    name: str
    sha256: str
    part_names: tuple[str, ...]
    part: Callable[[str], Part] = field(repr=False)
    notes: tuple[str, ...] = ()

    @cached_property
    def train(self) -> Digits:
        """The digits to train on. Any number of the last ones shows all digits. Raises `DataError`."""
        digits = self._training_share
        return digits[mixed(digits.labels)] if self._is_grouped else digits

    @cached_property
    def test(self) -> Digits:
        """The digits to test on, which are not among those to train on. Raises `DataError`."""
        if TEST in self.part_names:
            return self.part(TEST).digits
        digits = self._whole
        chosen = divided(digits.labels)[1]
        if not len(chosen):
            raise DataError(f"{self.name}: too few images to set some aside for testing")
        return digits[chosen]

    @property
    def train_labels(self) -> Labels:
        return self.train.labels

    @property
    def test_labels(self) -> Labels:
        return self.test.labels

    @property
    def training_notes(self) -> tuple[str, ...]:
        """Notes on the parts that were made for training."""
        notes = self.notes
        if TEST not in self.part_names:
            notes += (f"{self.name} has no test part: {_set_aside(self.test)} to test on",)
        if self._is_grouped:
            notes += (f"the training images of {self.name} are grouped by digit; they are mixed",)
        return notes

    def unseen(self, trained_on: Iterable[str]) -> tuple[Digits, tuple[str, ...]]:
        """The digits to evaluate models on that were trained on data with these checksums, and a note if one is due.

        Without a test part, these are all, or those that were set aside if a model was trained on this set. Raises
        `DataError`.
        """
        if TEST in self.part_names:
            return self.test, ()
        if self.sha256 in trained_on:
            return self.test, (f"{self.name} has no test part and was trained on: {_set_aside(self.test)}",)
        digits = self._whole
        evaluated = f"all {len(digits):,} images are" if len(digits) > 1 else "its only image is"
        return digits, (f"{self.name} has no test part: {evaluated} evaluated",)

    @property
    def _whole(self) -> Digits:
        """The digits of the only part."""
        return self.part(self.part_names[0]).digits

    @cached_property
    def _training_share(self) -> Digits:
        if TEST not in self.part_names:
            return self._whole[divided(self._whole.labels)[0]]
        if TRAIN not in self.part_names:
            raise DataError(f"{self.name}: it has no training part, only test images")
        return self.part(TRAIN).digits

    @property
    def _is_grouped(self) -> bool:
        return are_grouped(self._training_share.labels)


def _set_aside(test: Digits) -> str:
    return f"the last tenth of each digit ({count(len(test), 'image')}) is set aside"


def open_dataset(path: Path | None = None, as_is: bool = False) -> Dataset:
    """Open the data set at `path`, in any of the forms that `forms` reads; None: MNIST, whose parts are read when used.

    Images that are turned, inverted or shifted are put right, unless `as_is`. Raises `DataError`.
    """
    if path is None:
        return _open_mnist()
    from mnist_cli.datasets.checking import check  # MNIST is known, and needs neither
    from mnist_cli.datasets.forms import read_stored

    checked = check(read_stored(path), str(path), as_is)
    return Dataset(str(path), checked.sha256, tuple(checked.parts), checked.parts.__getitem__, checked.notes)


def _open_mnist() -> Dataset:
    content = read_file(MNIST_PATH, FILE_LIMIT, DataError)
    sha256 = checksum([content])
    if sha256 != MNIST_SHA256:
        reason = "its SHA-256 is not the known one"
        raise DataError(f"the MNIST on board is damaged: {reason}", "Install mnistcli again.")
    archive = Archive(content)

    @cache
    def part(name: str) -> Part:
        return Part(Digits(read_npy(archive, f"x_{name}", "MNIST"), read_npy(archive, f"y_{name}", "MNIST")))

    return Dataset("MNIST", sha256, (TRAIN, TEST), part)
