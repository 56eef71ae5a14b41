"""What the tests share: the real digits, a small real subset of them, a model trained on it, and the command itself."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.evaluation.comparison import Comparison
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.evaluation.report import Report
from mnist_cli.evaluation.robustness import Trial
from mnist_cli.model.file import read_model
from mnist_cli.model.interface import Interface
from mnist_cli.model.record import Record
from mnist_cli.training.events import Trained
from mnist_cli.training.run import train
from mnist_cli.training.start import TrainingRequest
from mnist_cli.training.stopping import StopRequest

Run = Callable[..., subprocess.CompletedProcess[str]]

SMALL_TRAIN, SMALL_TEST = 2000, 400

# The same examples every time; `pytest --hypothesis-profile thorough` looks for new ones.
settings.register_profile(
    "usual", max_examples=500, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile("thorough", settings.get_profile("usual"), max_examples=20_000, derandomize=False)
settings.load_profile("usual")


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return open_dataset()


@pytest.fixture(scope="session")
def small_npz(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first images of MNIST as an `.npz` with Keras' keys."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(path, **small_arrays(mnist))
    return path


def small_arrays(mnist: Dataset) -> dict[str, np.ndarray]:
    return {
        "x_train": mnist.train.images[:SMALL_TRAIN],
        "y_train": mnist.train.labels[:SMALL_TRAIN],
        "x_test": mnist.test.images[:SMALL_TEST],
        "y_test": mnist.test.labels[:SMALL_TEST],
    }


def trained(request: TrainingRequest, stop: StopRequest | None = None) -> Record:
    """Train to the end; the record of the model."""
    *_, last = train(request, stop)
    assert isinstance(last, Trained)
    return last.record


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `mnistcli` as a process of its own, in an empty folder unless told otherwise, with pipes for its streams."""
    empty = tmp_path_factory.mktemp("empty")
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_", "FORCE_", "NO_"))
    }

    def run(*arguments: str | Path, cwd: Path = empty, env: dict[str, str] | None = None, **options):
        return subprocess.run(
            [sys.executable, "-m", "mnist_cli", *map(str, arguments)],
            cwd=cwd,
            env=clean | (env or {}),
            text=True,
            capture_output=True,
            timeout=300,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def small_model(run: Run, small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that `mnistcli train` made of the small subset, with its record beside it."""
    path = tmp_path_factory.mktemp("model") / "small.keras"
    done = run("train", "--epochs", "2", "--data", small_npz, "--output", path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="session")
def full_report(mnist: Dataset) -> Report:
    """A report with every part in it: 400 real images, of which made-up models misread some."""
    digits = mnist.test[:SMALL_TEST]
    evaluation, other = (Evaluation(digits.labels, made_up_answers(digits.labels, seed)) for seed in (0, 1))
    return Report(
        model=Path("models/[red]é.keras"),
        record=read_model(MODEL_PATH).record,
        interface=Interface(),
        data="MNIST",
        is_mnist=True,
        images=digits.images,
        evaluation=evaluation,
        seconds=0.5,
        trials=(Trial("shift", 1, "px", 30, 0.925), Trial("inversion", None, "", 300, 0.25)),
        comparison=Comparison(Path("</pre><script>.keras"), evaluation, other),
    )


def made_up_answers(labels: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities of a model that reads most of the images right."""
    scores = np.random.default_rng(seed).random((len(labels), 10)) ** 4 + 0.9 * np.eye(10)[labels]
    return scores / scores.sum(axis=1, keepdims=True)
