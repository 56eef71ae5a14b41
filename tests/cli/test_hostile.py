"""Files from strangers, opened by the command itself: refused in one line, in little time and memory."""

import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import measured
import processes
import pytest
from hostile_data import BOMBS as DATA_BOMBS
from hostile_data import DATA, RECORDS, npz, write_data
from hostile_models import MARKER, MODELS
from hostile_pictures import BOMBS, READ, REFUSED, saved
from measured import Outcome
from tiers import slow

from mnist_cli.data import MODEL_PATH

# Of one file: seconds and bytes.
REFUSED_WITHIN, PICTURE_WITHIN, MEMORY = 5, 10, 1_000_000_000

EXPORTED = (".onnx", ".tflite")

Command = Sequence[str | Path]
a_sample_and_all = pytest.mark.parametrize("every", [12, slow(1)], ids=["sample", "all"])


def run_all(commands: Sequence[Command], cwd: Path, at_once: int = 2) -> list[Outcome]:
    """What becomes of commands of `mnistcli` in a folder, so many of them at once."""
    order = json.dumps([at_once, [list(map(str, command)) for command in commands]])
    done = processes.run([sys.executable, measured.__file__], input=order, cwd=cwd, seconds=600)
    assert done.returncode == 0, done.stderr
    return [Outcome(**fields) for fields in json.loads(done.stdout)]


def answered(outcome: Outcome, seconds: float) -> list[str]:
    """What is wrong with an answer, or an error, whatever it says."""
    text = outcome.out + outcome.err
    wrong = {
        f"exit code {outcome.code}": outcome.code not in (0, 1),
        f"took {outcome.seconds:.1f} s": outcome.seconds > seconds,
        f"took {outcome.memory // 1_000_000} MB": outcome.memory > MEMORY,
        "shows a traceback": "Traceback" in text,
        "is no error that a user can meet": "internal error" in text,
        "shows characters that do something": not text.replace("\n", "").isprintable(),
    }
    return [complaint for complaint, holds in wrong.items() if holds]


def refused(outcome: Outcome, seconds: float = REFUSED_WITHIN) -> list[str]:
    """What is wrong with a refusal."""
    wrong = {
        f"exit code {outcome.code}": outcome.code != 1,
        f"printed {outcome.out[:200]!r}": outcome.out != "",
        f"told {outcome.err[:500]!r}": outcome.err.count("\n") != 1 or not outcome.err.startswith("error: "),
    }
    return [complaint for complaint, holds in wrong.items() if holds] + answered(outcome, seconds)


def complaints(commands: Iterable[Command], outcomes: Iterable[list[str]]) -> dict[str, list[str]]:
    return {" ".join(map(str, command)): wrong for command, wrong in zip(commands, outcomes, strict=True) if wrong}


def assert_no_marker(folder: Path) -> None:
    assert [path for path in folder.rglob("*") if path.name == MARKER] == []


def special_files(folder: Path, suffix: str) -> list[Path]:
    """What is no regular file: each would be waited for, or read without end."""
    paths = {name: folder / f"{name}{suffix}" for name in ("fifo", "folder", "loop", "nothing", "socket", "device")}
    os.mkfifo(paths["fifo"])
    paths["folder"].mkdir()
    paths["loop"].symlink_to(paths["loop"].name)
    paths["nothing"].symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(paths["socket"]))
    paths["device"].symlink_to("/dev/zero")
    return [*paths.values(), Path("/dev/stdin"), Path("/dev/tty"), Path("/proc/self/mem"), Path("/proc/self/pagemap")]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with a short name, as a socket needs it."""
    return tmp_path_factory.mktemp("h")


def write_sample(folder: Path, contents: dict[str, bytes], every: int, suffix: str = "") -> None:
    for name in list(contents)[::every]:
        (folder / f"{name}{suffix}").write_bytes(contents[name])


@a_sample_and_all
def test_hostile_and_broken_models_are_refused(every: int, folder: Path):
    write_sample(folder, MODELS, every, ".keras")
    models = [*sorted(folder.iterdir()), *special_files(folder, ".keras")[:: max(every // 4, 1)]]
    commands = [["predict", "--model", model, "seven.png"] for model in models]
    (folder / "seven.png").write_bytes(saved("PNG"))

    assert complaints(commands, map(refused, run_all(commands, folder))) == {}
    assert_no_marker(folder)


@a_sample_and_all
def test_hostile_and_broken_models_are_not_exported(every: int, folder: Path):
    write_sample(folder, MODELS, 2 * every, ".keras")
    commands = [["export", model, f"out{suffix}"] for model in sorted(folder.iterdir()) for suffix in EXPORTED]

    assert complaints(commands, map(refused, run_all(commands, folder))) == {}
    assert list(folder.glob("out*")) == []
    assert_no_marker(folder)


def test_what_is_no_regular_file_is_not_written_to(folder: Path):
    special = [path for path in special_files(folder, ".onnx") if path.suffix and path.stem != "nothing"]
    commands = [["export", MODEL_PATH, path] for path in special]

    assert complaints(commands, map(refused, run_all(commands, folder))) == {}


def models_with_hostile_records(every: int, folder: Path) -> list[Path]:
    """Copies of the model on board, each beside one of a sample of the hostile records."""
    write_sample(folder, RECORDS, every, ".json")
    models = [path.with_suffix(".keras") for path in sorted(folder.iterdir())]
    for model in models:
        shutil.copyfile(MODEL_PATH, model)
    return models


@a_sample_and_all
def test_models_with_hostile_records_are_exported(every: int, folder: Path):
    models = models_with_hostile_records(every, folder)
    commands = [["export", model, model.with_suffix(".onnx"), "--no-check"] for model in models]
    outcomes = run_all(commands, folder)

    assert complaints(commands, (answered(outcome, REFUSED_WITHIN) for outcome in outcomes)) == {}
    assert {outcome.err for outcome in outcomes if outcome.code != 0} == set()


@pytest.mark.parametrize(
    "name", ["https://example.org/cnn.keras", slow("hf://keras/cnn"), slow("gs://bucket/cnn.keras"), "~/x"]
)
def test_models_are_files_of_this_machine(name: str, folder: Path):
    assert refused(*run_all([["summary", name]], folder)) == []


@a_sample_and_all
def test_hostile_and_broken_pictures_are_refused(every: int, folder: Path):
    write_sample(folder, REFUSED, every)
    special = [*special_files(folder, ".png"), "https://example.org/7.png"]
    pictures = [*sorted(path for path in folder.iterdir() if path.name in REFUSED), *special[:: max(every // 4, 1)]]
    commands = [["predict", picture] for picture in pictures]

    assert complaints(commands, map(refused, run_all(commands, folder))) == {}
    assert_no_marker(folder)


def test_odd_pictures_are_read(folder: Path):
    for name, content in READ.items():
        (folder / name).write_bytes(content)
    outcome, plain = run_all([["predict", *options, *READ] for options in (["--json"], [])], folder)

    answers = list(map(json.loads, outcome.out.splitlines()))
    assert {answer["path"]: answer["error"] for answer in answers if answer["status"] != "digit"} == {}
    assert answered(outcome, PICTURE_WITHIN) == []
    several = [answer["path"] for answer in answers if "the first of several pictures taken" in answer["steps"]]
    assert several == ["animated.gif", "animated.png", "animated.webp", "pages.tiff"]
    assert re.findall("(.*): the first of several", plain.err) == several
    assert_no_marker(folder)


@a_sample_and_all
def test_no_picture_takes_more_than_a_picture_may(every: int, folder: Path):
    write_sample(folder, {name: BOMBS[name]() for name in list(BOMBS)[:: 2 * every - 1]}, 1)
    commands = [["predict", picture] for picture in sorted(folder.iterdir())]
    outcomes = run_all(commands, folder, at_once=1)

    assert complaints(commands, (answered(outcome, PICTURE_WITHIN) for outcome in outcomes)) == {}


@a_sample_and_all
def test_hostile_and_broken_data_sets_are_refused(every: int, folder: Path):
    write_data(folder, {name: DATA[name] for name in list(DATA)[::every]})
    if every == 1:
        write_data(folder, {name: make() for name, make in DATA_BOMBS.items()})
    data = [*sorted(folder.iterdir()), *special_files(folder, ".npz")[:: max(every // 4, 1)]]
    commands = [["evaluate", MODEL_PATH, "--data", path] for path in data]

    assert complaints(commands, map(refused, run_all(commands, folder))) == {}
    assert_no_marker(folder)


@a_sample_and_all
def test_hostile_and_broken_records_spoil_nothing(every: int, folder: Path):
    models = models_with_hostile_records(every, folder)
    (folder / "seven.png").write_bytes(saved("PNG"))
    commands = [
        command
        for model in models
        for command in (["summary", model], ["predict", "--model", model, "--csv", "seven.png"])
    ]
    outcomes = run_all(commands, folder)

    assert complaints(commands, (answered(outcome, REFUSED_WITHIN) for outcome in outcomes)) == {}
    assert {outcome.err for outcome in outcomes if outcome.code != 0} == set()
    assert_no_marker(folder)


# For the shell, for patterns, for terminals, for what prints them; the slash makes a folder of what comes before it.
NAMES = [
    *("with spaces  .png", "é 数字 ٧.png", "-dash.png", "--json.png", "-.png", "~.png", "$HOME.png", "`touch x`.png"),
    *("quote'\".png", "comma,.png", ";semi.png", "\\.png", ".hidden.png", "...", "no suffix", "x" * 250 + ".png"),
    *("star*.png", "[ab].png", "[!a].png", "what?.png", "**.png", "{a,b}.png", "[.png"),
    *("new\nline.png", "return\r.png", "tab\t.png", "bell\a.png", "\x1b[31m.png", "\x1b]0;owned\x07.png", "\x7f.png"),
    *("bidi \u202egnp.exe", "isolate \u2066.png", "zero \u200b width.png", "line \u2028 separator.png", "c1 \x9b.png"),
    *("%s.png", "{0}.png", "[red].png", "[bold red]x[.png", "[/].png", "[/red].png", "\udcff\udc80.png"),
]


@pytest.fixture
def named(folder: Path) -> list[str]:
    for name in NAMES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(saved("PNG"))
    return NAMES


def shown(name: str) -> str:
    """Bytes that are no UTF-8, as JSON and CSV have them."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def test_pictures_of_any_name_are_found_and_shown_safely(named: list[str], folder: Path):
    commands = [["predict", *options, "--", *named] for options in ([], ["--json"], ["--csv"])]
    commands.append(["predict", "--explain", "--", *named[-6:]])
    plain, as_json, as_csv, explained = outcomes = run_all(commands, folder)

    assert complaints(commands, (answered(outcome, 60) for outcome in outcomes)) == {}
    assert {outcome.code for outcome in outcomes} == {0}
    assert len(plain.out.splitlines()) == len(named)
    assert [json.loads(line)["path"] for line in as_json.out.splitlines()] == list(map(shown, named))
    assert as_csv.out.count("\n") == len(named) + 1
    for name in ("[red].png", "[/red].png", "star*.png", "{0}.png", "\\x1b[31m.png", "\\u202e", "\\udcff"):
        assert name in plain.out
    assert explained.out.count("[red].png") == 1


def test_pictures_of_any_name_are_found_in_folders(named: list[str], folder: Path):
    (outcome,) = run_all([["predict", "--json", "."]], folder)

    found = [json.loads(line)["path"] for line in outcome.out.splitlines()]
    assert sorted(found) == sorted(shown(name) for name in named if name.endswith(".png"))


@a_sample_and_all
def test_pictures_that_are_not_there_are_told_of_safely(every: int, folder: Path):
    commands = [["predict", "--", name] for name in NAMES[::every]]

    assert complaints(commands, map(refused, run_all(commands, folder))) == {}


@a_sample_and_all
def test_models_and_data_sets_of_any_name_are_found_and_shown_safely(every: int, folder: Path):
    commands: list[Command] = []
    for number, name in enumerate(name for name in NAMES[::every] if len(name) < 200):
        home = folder / str(number)
        model, data = home / f"{name}.keras", home / f"{name}.npz"
        model.parent.mkdir(parents=True)
        shutil.copyfile(MODEL_PATH, model)
        data.write_bytes(npz())
        exported = home / f"{name}.onnx"
        commands += [["summary", model, "--json"], ["evaluate", model, "--data", data]]
        commands += [["export", model, exported, "--data", data]]
    outcomes = run_all(commands, folder)

    assert complaints(commands, (answered(outcome, 20) for outcome in outcomes)) == {}
    assert {outcome.err for outcome in outcomes if outcome.code} == set()
    told = [json.loads(outcome.out)["model"] for outcome in outcomes[::3]]
    assert told == [shown(str(model)) for _, model, _ in commands[::3]]
