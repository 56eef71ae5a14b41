"""Time whole commands, started cold, against plain Keras scripts that do the same.

Both are started cold, in turn, and timed as whole processes; what counts is the median of the ratios. Run it on a
quiet machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from mnist_cli.data import MNIST_PATH, MODEL_PATH
from mnist_cli.datasets.dataset import open_dataset

KERAS_SUMMARY = """
import sys, keras
keras.models.load_model(sys.argv[1]).summary()
"""
KERAS_PREDICT = """
import sys, keras
model = keras.models.load_model(sys.argv[1])
image = keras.utils.load_img(sys.argv[2], color_mode="grayscale", target_size=(28, 28))
print(model.predict(keras.utils.img_to_array(image)[None] / 255, verbose=0).argmax())
"""
KERAS_EVALUATE = """
import sys, keras, numpy as np
model = keras.models.load_model(sys.argv[1])
with np.load(sys.argv[2]) as data:
    x, y = data["x_test"].astype("float32") / 255, keras.utils.to_categorical(data["y_test"], 10)
x = x.reshape(-1, *model.input_shape[1:])
print(model.evaluate(x, y, verbose=0))
"""


@dataclass(frozen=True)
class Cost:
    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Comparison:
    """Two commands that do the same; `goal` is the largest ratio of seconds, `memory_goal` that of peak memory."""

    name: str
    ours: Sequence[str]
    theirs: Sequence[str]
    goal: float
    memory_goal: float | None = None


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its end and take the operating system's own account of it."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"failed: {' '.join(command)[:200]}")
    return Cost(seconds, usage.ru_maxrss * 1024)


def comparisons(digit: Path) -> list[Comparison]:
    python, mnistcli = sys.executable, str(Path(sys.executable).with_name("mnistcli"))
    model = str(MODEL_PATH)

    def script(source: str, *arguments: str) -> list[str]:
        return [python, "-c", source, *arguments]

    return [
        Comparison("--help", [mnistcli, "--help"], script("import typer, rich"), 2),
        Comparison("summary", [mnistcli, "summary", model], script(KERAS_SUMMARY, model), 1 / 10),
        Comparison(
            "predict",
            [mnistcli, "predict", "--model", model, str(digit)],
            script(KERAS_PREDICT, model, str(digit)),
            goal=1 / 13,
            memory_goal=1 / 6,
        ),
        Comparison("evaluate", [mnistcli, "evaluate", model], script(KERAS_EVALUATE, model, str(MNIST_PATH)), 1 / 5),
    ]


def compare(comparison: Comparison, runs: int) -> None:
    measure(comparison.ours), measure(comparison.theirs)  # what the disk has to give is in memory from here on
    pairs = [(measure(comparison.ours), measure(comparison.theirs)) for _ in range(runs)]
    report(comparison.name, "s", [(ours.seconds, theirs.seconds) for ours, theirs in pairs], comparison.goal)
    if comparison.memory_goal is not None:
        peaks = [(ours.peak_bytes / 2**20, theirs.peak_bytes / 2**20) for ours, theirs in pairs]
        report(f"{comparison.name}, peak memory", "MB", peaks, comparison.memory_goal)


def report(name: str, unit: str, pairs: list[tuple[float, float]], goal: float) -> None:
    ours, theirs, ratio = (median(values) for values in (*zip(*pairs, strict=True), [a / b for a, b in pairs]))
    print(f"{name:<36} {ours:8.2f} {unit:<2} {theirs:8.2f} {unit:<2} {ratio:7.3f} {goal:7.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="timed starts of each command")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        digit = Path(folder, "digit.png")
        Image.fromarray(255 - np.kron(open_dataset().test.images[0], np.ones((10, 10), np.uint8))).save(digit)
        print(f"{'':<36} {'mnistcli':>11} {'reference':>11} {'ratio':>7} {'goal':>7}")
        for comparison in comparisons(digit):
            compare(comparison, runs)


if __name__ == "__main__":
    main()
