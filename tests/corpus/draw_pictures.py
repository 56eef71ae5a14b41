"""Draw the terminal pictures of the README: `python tests/corpus/draw_pictures.py`.

The commands run in this process, on a console that records what it shows. Training is not run again: its picture is
drawn from the record of the model that ships with the package, by the code that draws it in a run.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from made_pictures import KINDS
from rich.console import Console

from mnist_cli.cli.app import app
from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import open_dataset
from mnist_cli.display import screen as screen_module
from mnist_cli.display.progress import epochs_table
from mnist_cli.display.screen import Screen
from mnist_cli.display.training import TrainedView, show_device, show_plan
from mnist_cli.model.file import read_model
from mnist_cli.training.checkpoint import Checkpoint
from mnist_cli.training.events import Started, Trained
from mnist_cli.training.resuming import recorded_settings
from mnist_cli.training.start import Run

FOLDER = Path(__file__).parents[1] / "screenshots"
WIDTH = 80
WIDE = 120
OUTPUT = Path("models/cnn.keras")


def draw(name: str, command: str, action: Callable[[], None], width: int = WIDTH) -> None:
    """Run `action` on a recording console and save what it showed as an SVG titled with the command."""
    with open("/dev/null", "w") as nowhere:
        console = Console(
            file=nowhere,
            record=True,
            width=width,
            force_terminal=True,
            color_system="truecolor",
            markup=False,
            highlight=False,
        )
        console.print(f"$ {command}", style="bold")
        screen_module._console = lambda stream, stderr: console
        action()
    svg = console.export_svg(title="mnistcli", unique_id=name)
    (FOLDER / f"{name}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def run(*arguments: str) -> None:
    app(list(arguments), standalone_mode=False)


def show_training() -> None:
    record = read_model(MODEL_PATH).record
    assert record is not None
    settings = recorded_settings(record)
    screen, run_of_record = (
        Screen(),
        Run(OUTPUT, Checkpoint(settings, record.command, record.data.sha256), open_dataset()),
    )
    show_plan(screen, run_of_record)
    show_device(screen, Started(str(record.machine["device"]), settings.precision, is_native=True))
    screen.err.print("", epochs_table(list(record.history), list(record.history)), "", sep="\n")
    screen.show(TrainedView(Trained(OUTPUT, record)))


def show_predictions(folder: Path) -> None:
    """One of the test images, written anew with a pen and photographed, laid open."""
    made = KINDS["phone_photo"](open_dataset().test.images[0], np.random.default_rng(0))
    made.save(folder / "seven")
    run("predict", "--explain", "seven.jpg")


def main() -> None:
    import os
    import shutil
    import tempfile

    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        OUTPUT.parent.mkdir()
        for suffix in (".keras", ".json"):
            shutil.copy(MODEL_PATH.with_suffix(suffix), OUTPUT.with_suffix(suffix))
        draw("evaluate", f"mnistcli evaluate {OUTPUT}", lambda: run("evaluate", str(OUTPUT)), WIDE)
        draw("summary", f"mnistcli summary {OUTPUT}", lambda: run("summary", str(OUTPUT)))
        draw("predict", "mnistcli predict --explain seven.jpg", lambda: show_predictions(Path(folder)))
        draw("export", f"mnistcli export {OUTPUT} digits.onnx", lambda: run("export", str(OUTPUT), "digits.onnx"))
        shutil.rmtree(OUTPUT.parent)
        draw("train", "mnistcli train --recipe best", show_training)


if __name__ == "__main__":
    sys.exit(main())
