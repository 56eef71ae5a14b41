"""Training from a request to the saved model, as a sequence of events."""

from collections.abc import Generator

from mnist_cli.storage.files import remove_strays
from mnist_cli.training.events import Event, Planned
from mnist_cli.training.lock import reserved
from mnist_cli.training.start import TrainingRequest, plan_run
from mnist_cli.training.stopping import StopRequest


def train(request: TrainingRequest, stop: StopRequest | None = None) -> Generator[Event]:
    """Train as requested; the last event is `Trained`.

    The run is saved in a checkpoint beside the model after every epoch, and before it stops on a signal. Raises
    `DataError`, `ModelError`, `OutputError`, `SettingError`, `TrainingError` and `Interrupted`.
    """
    run = plan_run(request)
    with reserved(run.model_path) as is_locked:
        if is_locked:
            for path in run.output_paths:
                remove_strays(path)
        yield Planned(run)
        from mnist_cli.training.loop import Loop  # loads TensorFlow

        yield from Loop(run, request, stop or StopRequest()).events()
