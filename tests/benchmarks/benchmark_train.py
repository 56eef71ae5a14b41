"""How fast training is, and what comes of it, side by side with others: `python tests/benchmarks/benchmark_train.py`.

In turn, as whole processes from the start of Python to the saved model: the notebook's code as a plain Keras script,
the recipes of this tool, and, where PyTorch is installed, the same network there; round after round, each with a seed
of its own. What counts is the median of the ratios to the plain script of the same round. Run it on a quiet machine.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from mnist_cli.data import MNIST_PATH

PLAIN = "plain-keras"

KERAS = """
import sys, numpy as np, keras
from keras import layers
data, target, seed, epochs = sys.argv[1:]
keras.utils.set_random_seed(int(seed))
with np.load(data) as mnist:
    x_train, y_train, x_test, y_test = (mnist[name] for name in ("x_train", "y_train", "x_test", "y_test"))
x_train = np.expand_dims(x_train.astype("float32") / 255, -1)
x_test = np.expand_dims(x_test.astype("float32") / 255, -1)
y_train, y_test = keras.utils.to_categorical(y_train, 10), keras.utils.to_categorical(y_test, 10)
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, (3, 3), activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(64, (3, 3), activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Flatten(),
    layers.Dropout(0.5),
    layers.Dense(10, activation="softmax"),
])
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=int(epochs), validation_split=0.1)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
model.save(target)
print(accuracy)
"""

TORCH = """
import sys, numpy as np, torch
from torch import nn
from torch.nn import functional as F
data, target, seed, epochs, precision = sys.argv[1:]
torch.manual_seed(int(seed))
narrow = precision == "bfloat16"
layout = torch.channels_last if narrow else torch.contiguous_format
with np.load(data) as mnist:
    x_train, y_train, x_test, y_test = (torch.from_numpy(mnist[n]) for n in ("x_train", "y_train", "x_test", "y_test"))
x_train, x_test = (x[:, None].float().div(255).contiguous(memory_format=layout) for x in (x_train, x_test))
y_train, y_test = y_train.long(), y_test.long()
model = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
).to(memory_format=layout)
optimizer = torch.optim.Adam(model.parameters())

def run(x):
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        return model(x).float()

def right(x, y):
    model.eval()
    with torch.no_grad():
        return sum((run(a).argmax(1) == b).sum().item() for a, b in zip(x.split(1000), y.split(1000))) / len(y)

for epoch in range(int(epochs)):
    model.train()
    for chosen in torch.randperm(54000).split(128):
        optimizer.zero_grad()
        F.cross_entropy(run(x_train[chosen]), y_train[chosen]).backward()
        optimizer.step()
    print(right(x_train[54000:], y_train[54000:]))
torch.save(model.state_dict(), target)
print(right(x_test, y_test))
"""


@dataclass(frozen=True)
class Runner:
    """One of those compared: the command for a seed, a number of epochs (None: its own) and a file to write."""

    name: str
    source: str
    arguments: tuple[str, ...] = ()

    def command(self, seed: int, epochs: int, target: Path) -> list[str]:
        if self.source:
            return [
                sys.executable,
                "-c",
                self.source,
                str(MNIST_PATH),
                str(target),
                str(seed),
                str(epochs),
                *self.arguments,
            ]
        mnistcli = str(Path(sys.executable).with_name("mnistcli"))
        own_length = () if "fast" in self.arguments else ("--epochs", str(epochs))
        return [mnistcli, "train", *self.arguments, *own_length, "--seed", str(seed), "-o", str(target), "--json"]


RUNNERS = {
    PLAIN: Runner(PLAIN, KERAS),
    "notebook": Runner("notebook", "", ()),
    "notebook-float32": Runner("notebook-float32", "", ("--precision", "float32")),
    "fast": Runner("fast", "", ("--recipe", "fast")),
    "best": Runner("best", "", ("--recipe", "best")),
    "torch": Runner("torch", TORCH, ("float32",)),
    "torch-bfloat16": Runner("torch-bfloat16", TORCH, ("bfloat16",)),
}


@dataclass(frozen=True)
class Outcome:
    seconds: float
    peak_bytes: int
    accuracy: float
    """On the test images."""


def measure(runner: Runner, seed: int, epochs: int, folder: Path) -> Outcome:
    """Run to the end; time and peak memory as the operating system accounts for them."""
    command = runner.command(seed, epochs, folder / f"{runner.name}.keras")
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as messages:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=messages)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        output.seek(0), messages.seek(0)
        if status:
            raise SystemExit(f"{runner.name} failed:\n{messages.read()}")
        last = output.read().splitlines()[-1]
    accuracy = float(last) if runner.source else json.loads(last)["test"]["accuracy"]
    return Outcome(seconds, usage.ru_maxrss * 1024, accuracy)


def report(name: str, outcomes: Sequence[Outcome], plain: Sequence[Outcome]) -> None:
    seconds = median(outcome.seconds for outcome in outcomes)
    memory = median(outcome.peak_bytes for outcome in outcomes) / 2**20
    accuracies = [outcome.accuracy for outcome in outcomes]
    line = f"{name:<18} {seconds:7.1f} s {memory:7.0f} MB  accuracy {median(accuracies):.4f}"
    if plain:
        pairs = list(zip(outcomes, plain, strict=False))
        time_ratio = median(ours.seconds / theirs.seconds for ours, theirs in pairs)
        memory_ratio = median(ours.peak_bytes / theirs.peak_bytes for ours, theirs in pairs)
        line += f"  time {time_ratio:.3f}, memory {memory_ratio:.3f} of the plain script's"
    print(line, " ".join(f"{accuracy:.4f}" for accuracy in accuracies), sep="  ", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, with the seeds 0, 1, 2, ...")
    parser.add_argument("--epochs", type=int, default=15, help="for all but the recipe `fast`")
    parser.add_argument("--only", nargs="+", choices=RUNNERS, help="those to run; all that can")
    options = parser.parse_args()
    names = options.only or [name for name in RUNNERS if "torch" not in name or importlib.util.find_spec("torch")]
    outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.rounds):
            for name in names:
                outcome = measure(RUNNERS[name], seed, options.epochs, Path(folder))
                outcomes[name].append(outcome)
                print(f"seed {seed}  {name:<18} {outcome.seconds:7.1f} s  {outcome.accuracy:.4f}", flush=True)
    for name in names:
        report(name, outcomes[name], outcomes.get(PLAIN, []))


if __name__ == "__main__":
    main()
