"""What the tests share: the real digits, a small real subset of them, a model trained on it, and the command itself."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import processes
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image
from processes import Done, Run

from mnist_cli.arrays import Probabilities
from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset, open_dataset
from mnist_cli.evaluation.comparison import Comparison
from mnist_cli.evaluation.metrics import Evaluation, Trial
from mnist_cli.evaluation.report import Report
from mnist_cli.model.engine import open_engine
from mnist_cli.model.file import read_model
from mnist_cli.model.interface import Interface
from mnist_cli.model.record import Record
from mnist_cli.training.events import Trained
from mnist_cli.training.run import train
from mnist_cli.training.start import TrainingRequest
from mnist_cli.training.stopping import StopRequest

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


@pytest.fixture(scope="session")
def shipped_answers(mnist: Dataset) -> Probabilities:
    """What the model on board answers to the test images."""
    return open_engine(read_model(MODEL_PATH)).probabilities(mnist.test.images)


def trained(request: TrainingRequest, stop: StopRequest | None = None) -> Record:
    """Train to the end; the record of the model."""
    *_, last = train(request, stop)
    assert isinstance(last, Trained)
    return last.record


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write what the commands print to tests/golden/")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_works() -> Iterator[None]:
    """Let Ctrl-C interrupt the processes of tests even where pytest ignores it, as in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `mnistcli` as a process of its own, in an empty folder unless told otherwise, with pipes for its streams."""
    empty = tmp_path_factory.mktemp("empty")

    def run(*arguments: str | Path, cwd: Path = empty, **options) -> Done:
        return processes.run([sys.executable, "-m", "mnist_cli", *arguments], cwd=cwd, **options)

    return run


@pytest.fixture(scope="session")
def small_training(run: Run, small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    """A `mnistcli train` on the small subset, in a pipe and a narrow window; and the model that it made."""
    folder = tmp_path_factory.mktemp("training")
    done = run("train", "--epochs", "2", "--data", small_npz, cwd=folder, env={"COLUMNS": "40"})
    assert done.returncode == 0, done.stderr
    return done, folder / "models" / "cnn.keras"


@pytest.fixture(scope="session")
def small_model(small_training: tuple[Done, Path]) -> Path:
    """A model that `mnistcli train` made of the small subset, with its record beside it."""
    return small_training[1]


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


def certain(*digits: int) -> np.ndarray:
    """Probabilities of a model that answers these digits, sure of each."""
    return np.eye(10)[list(digits)]


def made_up_answers(labels: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities of a model that reads most of the images right."""
    scores = np.random.default_rng(seed).random((len(labels), 10)) ** 4 + 0.9 * np.eye(10)[labels]
    return scores / scores.sum(axis=1, keepdims=True)


@pytest.fixture(scope="session")
def pictures(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The first ten test images as large pictures, dark on light, under names that want care."""
    names = ("7", "2 two", "[red]", "[/]", "é", "-x", "new\nline", "esc\x1b[31m", "\u202egnp", "%s{0}")
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{name}.png" for name in names]
    for path, image in zip(paths, mnist.test.images, strict=False):
        path.parent.mkdir(exist_ok=True)  # one of the names has a slash in it
        Image.fromarray(255 - np.kron(image, np.ones((10, 10), np.uint8))).save(path)
    return paths
