"""What every command prints, as a whole: on a terminal of 80 columns without colours, and for training in a pipe.

`pytest tests/test_golden.py --write-golden` writes what they print now; look at the difference before you commit it.
"""

import re
import shutil
from pathlib import Path

import pytest
from processes import Done, run_on_terminal, without_codes

from mnist_cli.data import MODEL_PATH

GOLDEN = Path(__file__).with_name("golden")
COMMANDS = {
    "help": ["--help"],
    "help-train": ["train", "--help"],
    "help-evaluate": ["evaluate", "--help"],
    "help-summary": ["summary", "--help"],
    "help-predict": ["predict", "--help"],
    "help-export": ["export", "--help"],
    "summary": ["summary"],
    "evaluate": ["evaluate", "--data", "small.npz", "--robustness", "--quiet"],
    "predict": ["predict", "7.png", "2 two.png", "missing.png"],
    "predict-explain": ["predict", "--explain", "7.png"],
    "export": ["export", "models/cnn.keras", "cnn.onnx", "--data", "small.npz"],
}


@pytest.fixture(scope="module")
def folder(small_npz: Path, pictures: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model on board, where a user's own is looked for, a small data set and two pictures."""
    folder = tmp_path_factory.mktemp("golden")
    (folder / "models").mkdir()
    for file in (MODEL_PATH, MODEL_PATH.with_suffix(".json")):
        shutil.copy(file, folder / "models")
    for file in (small_npz, *pictures[:2]):
        shutil.copy(file, folder)
    return folder


def compare(name: str, text: str, config: pytest.Config) -> None:
    """Hold a text against its file, or write the file."""
    path = GOLDEN / f"{name}.txt"
    text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    if config.getoption("--write-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_on_a_terminal(name: str, folder: Path, pytestconfig: pytest.Config):
    _, sent = run_on_terminal(COMMANDS[name], 80, folder, NO_COLOR="1")

    text = re.sub(r"(Time +)\d+\.\d+ s", r"\1#.## s", without_codes(sent))
    text = re.sub(r"onnxruntime [\d.]+", "onnxruntime #", text)
    text = re.sub(r"at most \S+ in|\d+\.\d+ ms", lambda figure: re.sub(r"[\d.e-]+", "#", figure[0]), text)
    # Of thousands of changed images, one or the other may be read differently on another processor.
    text = re.sub(r"(?s)Robustness.*", lambda part: re.sub(r"[+-]?(\d)", "#", part[0]), text)
    compare(name, text, pytestconfig)


def test_training_in_a_pipe(small_training: tuple[Done, Path], small_npz: Path, pytestconfig: pytest.Config):
    """Without what depends on the processor: the figures, the marks in the charts, and its name."""
    done, _ = small_training
    text = (done.stderr + done.stdout).replace(str(small_npz), "small.npz")
    text = re.sub(r"(Device +).*", r"\1(its name and precision)", text)
    text = re.sub(r"\d+\.\d+", lambda figure: re.sub(r"\d", "#", figure[0]), text)
    text = re.sub(r"│[^│\n]*", lambda chart: re.sub("[ox*]", " ", chart[0]), text)

    compare("train", re.sub(r"(loss was in epoch) \d", r"\1 #", text), pytestconfig)


def test_there_is_no_file_without_a_command():
    assert {path.stem for path in GOLDEN.iterdir()} == {*COMMANDS, "train"}
