"""The same answers in all surroundings: variables, configuration of Keras, locale, streams, the current folder."""

import json
from pathlib import Path

import keras
import processes
import pytest
from hostile_models import MARKER
from hostile_pictures import saved
from processes import MNISTCLI, Run, run_shell
from tiers import slow

from mnist_cli.data import MODEL_PATH

# What Python, NumPy and Keras import; each of these files would show that it was.
MODULES = ("multiprocessing", "pickle", "socket", "json", "struct", "site", "numpy", "keras", "tensorflow", "h5py")


@pytest.fixture(scope="module", params=["with a record", slow("without")])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model, as it is and as a model from elsewhere, which has branches and is asked what it expects."""
    if request.param == "with a record":
        return MODEL_PATH
    keras.utils.set_random_seed(0)
    image = keras.Input((28, 28, 1))
    features = keras.layers.Conv2D(4, 5, activation="relu")(keras.layers.Rescaling(2.0, -1.0)(image))
    flat = keras.layers.Concatenate()([keras.layers.Flatten()(part) for part in (features, image)])
    path = tmp_path_factory.mktemp("model") / "branches.keras"
    keras.Model(image, keras.layers.Dense(10, activation="softmax")(flat)).save(path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose `keras.json` asks for another backend, type and order of axes."""
    home = tmp_path_factory.mktemp("home")
    (home / ".keras").mkdir()
    config = {"backend": "jax", "floatx": "float16", "epsilon": 0.5, "image_data_format": "channels_first"}
    (home / ".keras" / "keras.json").write_text(json.dumps(config))
    return home


@pytest.fixture(scope="module")
def digit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "seven.png"
    path.write_bytes(saved("PNG"))
    return path


@pytest.fixture(scope="module")
def usual(run: Run, model: Path, digit: Path) -> str:
    done = run("predict", "--json", "--model", model, digit)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": "{home}"},
        {"KERAS_HOME": "{home}/.keras", "KERAS_BACKEND": "jax", "HOME": "/nonexistent"},
        {"LC_ALL": "tr_TR.UTF-8", "LANG": "C", "PYTHONUTF8": "0", "PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error"},
    ],
    ids=lambda environment: " ".join(environment),
)
def test_variables_and_configuration(
    environment: dict[str, str], run: Run, model: Path, home: Path, digit: Path, usual: str
):
    changed = {name: value.format(home=home) for name, value in environment.items()}
    done = run("predict", "--json", "--model", model, digit, env=changed)

    assert done.stdout == usual
    assert done.returncode == 0


@pytest.mark.parametrize("command", ['unset HOME; "$@"', '"$@" <&-', '"$@" 2>&-'])
def test_no_home_and_closed_streams(command: str, model: Path, digit: Path, usual: str):
    done = run_shell(command, "mnistcli", "predict", "--json", "--model", model, digit)

    assert done.stdout == usual
    assert done.returncode == 0


def test_files_in_the_current_folder_are_no_modules(model: Path, digit: Path, usual: str, tmp_path: Path):
    for module in MODULES:
        (tmp_path / f"{module}.py").write_text(f"open({MARKER!r}, 'a').write({module!r})\nraise SystemExit\n")
    command = [MNISTCLI, "predict", "--json", "--model", model, digit]
    done = processes.run(command, cwd=tmp_path)

    assert done.stdout == usual
    assert done.returncode == 0
    assert not (tmp_path / MARKER).exists()


SURROUNDINGS = {"KERAS_BACKEND": "jax", "HOME": "/nonexistent", "TERM": "dumb", "NO_COLOR": "1"}


@pytest.mark.parametrize(
    "environment",
    [SURROUNDINGS, *(slow({name: value}) for name, value in SURROUNDINGS.items()), slow({"PYTHONOPTIMIZE": "2"})],
    ids=lambda environment: " ".join(environment),
)
def test_the_same_model_is_trained(
    environment: dict[str, str], run: Run, small_npz: Path, small_model: Path, tmp_path: Path
):
    done = run("train", "--epochs", "2", "--data", small_npz, "-o", "m.keras", cwd=tmp_path, env=environment)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m.keras").read_bytes() == small_model.read_bytes()
