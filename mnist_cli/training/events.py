"""What a training run tells while it goes on, and to whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_cli.figures import Epoch, Metrics
from mnist_cli.settings import Settings
from mnist_cli.training.device import Device
from mnist_cli.training.trainer import EpochProgress


@dataclass(frozen=True)
class Plan:
    """What a run is about to do.

    `training`, `validation` and `test` are numbers of images, `steps` those of one epoch. `history` has the epochs
    that are done already, `progress` is that of the epoch at hand; `resumed` tells whether they come from an earlier
    run. `replaces` names what stands where the model and the checkpoint go.
    """

    settings: Settings
    data_name: str
    training: int
    validation: int
    test: int
    steps: int
    parameters: int
    model_path: Path
    history: tuple[Epoch, ...] = ()
    progress: EpochProgress = EpochProgress(1)
    resumed: bool = False
    replaces: tuple[str, ...] = ()


class Listener:
    """What is told about a run while it goes on; this one keeps everything to itself."""

    def planned(self, plan: Plan) -> None:
        """All is well so far; this is what will be done. TensorFlow is loaded next, which takes seconds."""

    def started(self, device: Device, precision: str) -> None:
        """Training begins on the device, computing in `float32` or `bfloat16`."""

    def stepped(self, epoch: int, step: int, means: Metrics) -> None:
        """`step` steps of the epoch are done, with these means so far."""

    def epoch_done(self, epoch: Epoch) -> None:
        """An epoch is over, validated, and safe in the checkpoint."""


class Listeners(Listener):
    """Several listeners as one; each is told everything."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners

    def planned(self, plan: Plan) -> None:
        for listener in self._listeners:
            listener.planned(plan)

    def started(self, device: Device, precision: str) -> None:
        for listener in self._listeners:
            listener.started(device, precision)

    def stepped(self, epoch: int, step: int, means: Metrics) -> None:
        for listener in self._listeners:
            listener.stepped(epoch, step, means)

    def epoch_done(self, epoch: Epoch) -> None:
        for listener in self._listeners:
            listener.epoch_done(epoch)
