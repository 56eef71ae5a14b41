"""The command as a process of its own: what it prints, where, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from processes import Run

from mnist_cli import __version__
from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import Dataset

COMMANDS = ("train", "evaluate", "summary", "predict")
LAZY = ("tensorflow", "keras", "scipy", "sklearn")


@pytest.fixture(scope="module")
def pictures(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The first ten test images as large pictures, dark on light, under names that want care."""
    names = ("7", "2 two", "[red]", "[/]", "é", "-x", "new\nline", "esc\x1b[31m", "\u202egnp", "%s{0}")
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{name}.png" for name in names]
    for path, image in zip(paths, mnist.test.images, strict=False):
        path.parent.mkdir(exist_ok=True)  # one of the names has a slash in it
        Image.fromarray(255 - np.kron(image, np.ones((10, 10), np.uint8))).save(path)
    return paths


def one_line(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1


def has_control_characters(text: str) -> bool:
    return any(not (character.isprintable() or character == "\n") for character in text)


# Help, version, usage


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_is_there_with_an_example(command: str | None, flag: str, run: Run):
    done = run(*filter(None, (command, flag)))

    assert done.returncode == 0
    assert f"Example: mnistcli {command or 'predict'}" in done.stdout
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_version(run: Run):
    done = run("--version")

    assert (done.returncode, done.stdout) == (0, f"mnistcli {__version__}\n")


def test_the_installed_command_is_the_same_program():
    done = subprocess.run([Path(sys.executable).with_name("mnistcli"), "--version"], capture_output=True, text=True)

    assert done.stdout == f"mnistcli {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--epochs", "0"], "--epochs"),
        (["train", "--epochs", "many"], "--epochs"),
        (["train", "--validation-split", "1.5"], "--validation-split"),
        (["train", "--validation-split", "0.9999999"], "--validation-split"),
        (["train", "--batch-size", "0"], "--batch-size"),
        (["train", "--seed", "-1"], "--seed"),
        (["train", "--output", "model.h5"], ".keras"),
        (["train", "--unknown"], "--unknown"),
        (["evaluate", "--min-accuracy", "99"], "--min-accuracy"),
        (["evaluate", "--min-accuracy", "nan"], "--min-accuracy"),
        (["evaluate", "--mistakes", "-1"], "--mistakes"),
        (["evaluate", "--report", "new/report.pdf"], "--report"),
        (["predict"], "IMAGE"),
        (["predict", "--top", "0", "digit.png"], "--top"),
        (["predict", ""], "must not be empty"),
        (["summary", "one.keras", "two.keras"], "two.keras"),
        (["trian"], "train"),
    ],
)
def test_wrong_usage_ends_with_2_and_leaves_nothing(arguments: list[str], message: str, run: Run, tmp_path: Path):
    done = run(*arguments, cwd=tmp_path)

    assert list(tmp_path.iterdir()) == []

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_completion_completes_commands_options_and_model_files(run: Run, tmp_path: Path):
    (tmp_path / "mine.keras").touch()
    (tmp_path / "mine.txt").touch()
    (tmp_path / "folder").mkdir()

    def complete(line: str) -> list[str]:
        words = line.split(" ")
        environment = {
            "_MNISTCLI_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        return run(cwd=tmp_path, env=environment).stdout.split()

    assert "evaluate" in complete("mnistcli ev")
    assert "--epochs" in complete("mnistcli train --ep")
    assert complete("mnistcli summary m") == ["mine.keras"]
    assert complete("mnistcli predict --model ") == ["folder/", "mine.keras"]


COMPLETION = {"_MNISTCLI_COMPLETE": "complete_bash", "COMP_WORDS": "mnistcli summary d", "COMP_CWORD": "2"}


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--help"], {}),
        (["--version"], {}),
        (["train", "--help"], {}),
        (["summary"], {}),
        (["evaluate"], {}),
        (["predict", "digit.png"], {}),
        ([], COMPLETION),
    ],
    ids=["help", "version", "help of train", "summary", "evaluate", "predict", "completion"],
)
def test_only_training_loads_tensorflow(
    arguments: list[str], environment: dict[str, str], pictures: list[Path], tmp_path: Path
):
    Image.open(pictures[0]).save(tmp_path / "digit.png")
    script = (
        "import sys, mnist_cli.cli.app\n"
        f"sys.argv = ['mnistcli', *{arguments!r}]\n"
        "try:\n    mnist_cli.cli.app.main()\n"
        "except SystemExit as end:\n"
        f"    sys.exit(end.code or bool(set({LAZY!r}) & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, env=os.environ | environment
    )

    assert done.returncode == 0, done.stderr


# train


def test_train_off_a_terminal_prints_a_plain_line_per_epoch(run: Run, small_npz: Path, tmp_path: Path):
    done = run("train", "--epochs", "2", "--data", small_npz, cwd=tmp_path, env={"COLUMNS": "40"})

    assert done.returncode == 0
    lines = done.stderr.splitlines()
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in epochs] == ["epoch 1/2", "epoch 2/2"]
    assert all("val. accuracy" in line and line.endswith(" s") for line in epochs)
    assert not has_control_characters(done.stdout + done.stderr)
    assert [line.split()[0] for line in done.stdout.splitlines()[-4:]] == ["Test", "Trained", "Saved", "Next"]
    assert done.stdout.startswith("loss, logarithmic ") and "o training   x validation" in done.stdout
    assert max(map(len, done.stdout.splitlines()[:-4])) <= 80
    assert (tmp_path / "models" / "cnn.keras").is_file()
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["cnn.json", "cnn.keras"]


def test_tensorflow_says_nothing(run: Run, small_npz: Path, tmp_path: Path):
    done = run("train", "--epochs", "1", "--data", small_npz, "--quiet", cwd=tmp_path)

    assert done.stderr == ""


def test_train_json_is_the_record(run: Run, small_npz: Path, tmp_path: Path):
    done = run("train", "--epochs", "1", "--data", small_npz, "--json", "-o", "a b.keras", cwd=tmp_path)

    assert json.loads(done.stdout) == json.loads((tmp_path / "a b.json").read_text())
    assert json.loads(done.stdout)["command"].endswith("-o 'a b.keras'")


@pytest.mark.parametrize(
    ("data", "output", "message"),
    [
        ("missing.npz", "m.keras", "missing.npz: no such file"),
        (".", "m.keras", "no IDX files"),
        ("text.npz", "m.keras", "not an .npz file"),
        ("nan.npz", "m.keras", "finite"),
        ("small.npz", "folder.keras", "not a regular file"),
        ("small.npz", "text.npz/m.keras", "can't be written"),
        ("small.npz", "package.keras", "package.json"),
        ("small.npz", "loop.keras", "circle"),
        ("small.npz", f"{'n' * 300}.keras", "too long"),
        (f"{'n' * 300}.npz", "m.keras", "too long"),
    ],
)
def test_what_can_not_be_trained_is_said_in_one_line(
    data: str, output: str, message: str, run: Run, small_npz: Path, tmp_path: Path
):
    (tmp_path / "text.npz").write_text("text")
    (tmp_path / "package.json").write_text('{"name": "something else"}')
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "small.npz").write_bytes(small_npz.read_bytes())
    (tmp_path / "loop.keras").symlink_to("loop.keras")
    with np.load(small_npz) as arrays:
        np.savez(tmp_path / "nan.npz", **dict(arrays) | {"x_test": arrays["x_test"] * np.float32("nan")})
    before = sorted(tmp_path.rglob("*"))

    done = run("train", "--data", data, "--output", output, cwd=tmp_path)

    assert done.returncode == 1
    assert one_line(done.stderr) and message in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


# evaluate and summary


def test_evaluate_json_has_its_documented_keys(run: Run):
    values = json.loads(run("evaluate", "--json").stdout)

    assert values["samples"] == 10_000
    assert 0.990 <= values["accuracy"] < 0.9999
    assert values["errors"] == sum(map(sum, values["confusion"])) - sum(values["confusion"][d][d] for d in range(10))
    assert sum(values["confusion"][7]) == 1028  # rows are the true digits, and the test images show 1,028 sevens
    assert 0 < values["loss"] < 0.1
    assert values["coverage"]["share"] > 0.98
    assert values["accuracy"] < values["coverage"]["accuracy"] < 1


def test_evaluate_on_other_data(run: Run, small_model: Path, small_npz: Path):
    done = run("evaluate", small_model, "--data", small_npz)

    assert done.returncode == 0
    assert "400 test images" in done.stdout
    assert not has_control_characters(done.stdout)


def test_below_the_least_accuracy_the_result_is_printed_and_the_exit_code_is_3(
    run: Run, small_model: Path, small_npz: Path
):
    below, reached = (
        run("evaluate", small_model, "--data", small_npz, "--json", "--min-accuracy", least) for least in ("1", "0.1")
    )

    assert (below.returncode, reached.returncode) == (3, 0)
    assert below.stdout.startswith('{"model"')
    assert json.loads(below.stdout)["errors"] == json.loads(reached.stdout)["errors"] > 0
    assert one_line(below.stderr) and below.stderr.startswith("error: the accuracy 0.")
    assert reached.stderr == ""


def test_two_models_are_compared_on_the_same_images(run: Run, small_model: Path, small_npz: Path):
    arguments = ("evaluate", small_model, "--data", small_npz, "--compare", MODEL_PATH, "--quiet")
    plain, values = run(*arguments), json.loads(run(*arguments, "--json").stdout)
    other = values["comparison"]

    assert f"Other        {MODEL_PATH}" in plain.stdout and "the other is better at the 5 % level" in plain.stdout
    assert other["difference"] == pytest.approx(values["accuracy"] - other["accuracy"]) and other["difference"] < 0
    assert other["only_right"] - other["only_other_right"] == other["errors"] - values["errors"]
    assert 0 < other["p_value"] < 0.05
    assert len(other["differing"]) >= other["only_right"] + other["only_other_right"]


def test_misread_images_are_drawn_in_plain_characters_in_a_pipe(run: Run, small_model: Path, small_npz: Path):
    drawn, left_out = (run("evaluate", small_model, "--data", small_npz, "--mistakes", number) for number in ("3", "0"))

    assert drawn.stdout.count("\nimage ") == 2 and "@" in drawn.stdout  # two rows, of two and of one
    assert "Worst mistakes" not in left_out.stdout and "@" not in left_out.stdout
    assert not has_control_characters(drawn.stdout)


def test_a_report_is_written_and_replaced_but_replaces_nothing_else(
    run: Run, small_model: Path, small_npz: Path, tmp_path: Path
):
    (tmp_path / "mine.html").write_text("mine")
    arguments = ("evaluate", small_model, "--data", small_npz, "--json", "--report")
    first, again, other = (run(*arguments, name, cwd=tmp_path) for name in ("a/r.html", "a/r.html", "mine.html"))

    assert (first.returncode, again.returncode, other.returncode) == (0, 0, 1)
    assert one_line(first.stderr) and "the report is in a/r.html" in first.stderr
    assert json.loads(again.stdout)["samples"] == 400
    assert one_line(other.stderr) and "no report" in other.stderr and other.stdout == ""
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["r.html"]


def test_a_reader_that_leaves_early_spoils_neither_report_nor_exit_code(
    small_model: Path, small_npz: Path, tmp_path: Path
):
    evaluate = f"{sys.executable} -m mnist_cli evaluate {small_model} --data {small_npz}"
    command = f"{evaluate} --report r.svg --min-accuracy 1 | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, cwd=tmp_path)

    assert done.returncode == 3
    assert (tmp_path / "r.svg").read_text().endswith("</svg>\n")


def test_changed_images_are_judged_and_that_is_said_in_one_line(run: Run, small_model: Path, small_npz: Path):
    done = run("evaluate", small_model, "--data", small_npz, "--robustness")

    assert done.returncode == 0
    assert one_line(done.stderr) and "changed versions of the images" in done.stderr
    assert all(word in done.stdout for word in ("rotation", "30 degrees", "inversion", "thinner strokes"))


def test_summary_json_has_its_documented_keys(run: Run):
    values = json.loads(run("summary", "--json").stdout)

    assert values["parameters"] == 34_826
    assert values["parameter_bytes"] == 4 * 34_826
    first = {"name": "conv2d", "type": "Conv2D", "output_shape": [26, 26, 32], "parameters": 320}
    assert values["layers"][0] | first == values["layers"][0]
    assert values["record"]["command"] == "mnistcli train --recipe best"
    temperature, threshold = (values["record"]["calibration"][name] for name in ("temperature", "threshold"))
    assert f"temperature {temperature:.4g}, threshold {threshold:.4g}" in run("summary").stdout


def test_summary_and_evaluate_take_the_users_own_model_first(run: Run, small_model: Path, tmp_path: Path):
    (tmp_path / "models").mkdir()
    for suffix in (".keras", ".json"):
        (tmp_path / "models" / f"cnn{suffix}").write_bytes(small_model.with_suffix(suffix).read_bytes())

    done = run("summary", cwd=tmp_path)

    assert "Model models/cnn.keras" in done.stdout
    assert done.stderr == ""


def test_the_model_on_board_is_used_and_that_is_said(run: Run, tmp_path: Path):
    assert "comes with mnistcli" in run("summary", cwd=tmp_path).stderr
    assert run("summary", "--quiet", cwd=tmp_path).stderr == ""


@pytest.mark.parametrize("command", ["summary", "evaluate", "predict"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.keras", "no such file"),
        ("folder.keras", "a folder"),
        ("empty.keras", "empty"),
        ("text.keras", "not a model file"),
        ("truncated.keras", "not a .keras model file, or a damaged one"),
        ("fifo.keras", "not a regular file"),
    ],
)
def test_bad_models_are_refused_in_one_line(
    command: str, name: str, message: str, run: Run, pictures: list[Path], tmp_path: Path
):
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "empty.keras").touch()
    (tmp_path / "text.keras").write_text("text")
    (tmp_path / "truncated.keras").write_bytes(MODEL_PATH.read_bytes()[:-1000])
    os.mkfifo(tmp_path / "fifo.keras")
    arguments = ["--model", name, pictures[0]] if command == "predict" else [name]

    done = run(command, *arguments, cwd=tmp_path)

    assert done.returncode == 1
    assert one_line(done.stderr) and message in done.stderr
    assert done.stdout == ""


# predict


def test_predict_reads_every_picture_in_order(run: Run, pictures: list[Path], mnist: Dataset):
    done = run("predict", *pictures)

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [int(line[0]) for line in lines] == mnist.test.labels[:10].tolist()
    assert "[red].png" in lines[2] and "[/].png" in lines[3] and "é.png" in lines[4]
    assert r"new\nline" in lines[6] and r"esc\x1b[31m" in lines[7] and r"\u202egnp" in lines[8]
    assert not has_control_characters(done.stdout)


def test_predict_json_has_an_object_per_line_with_its_documented_keys(run: Run, pictures: list[Path], mnist: Dataset):
    done = run("predict", "--json", *pictures)

    readings = [json.loads(line) for line in done.stdout.splitlines()]
    assert [reading["path"] for reading in readings] == [str(path) for path in pictures]
    for reading, label in zip(readings, mnist.test.labels, strict=False):
        assert (reading["status"], reading["digit"], reading["digits"], reading["error"]) == (
            "digit",
            label,
            [label],
            None,
        )
        assert len(reading["probabilities"]) == 10
        assert sum(reading["probabilities"]) == pytest.approx(1)
        assert reading["confidence"] == max(reading["probabilities"]) == reading["probabilities"][label]


def test_top_names_as_many_digits_as_asked(run: Run, pictures: list[Path]):
    assert "then" not in run("predict", "--top", "1", pictures[0]).stdout
    assert run("predict", "--top", "10", pictures[0]).stdout.count("%") == 10


def test_a_bad_picture_is_reported_in_its_place_and_does_not_stop_the_rest(
    run: Run, pictures: list[Path], tmp_path: Path
):
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "blank.png").write_bytes(b"")
    Image.new("L", (50, 50), 255).save(tmp_path / "white.png")
    (tmp_path / "folder").mkdir()
    sources = [pictures[0], "text.png", "missing.png", "folder", "blank.png", "white.png", pictures[1]]

    plain, as_json = (run("predict", *flags, *sources, cwd=tmp_path) for flags in ([], ["--json"]))

    assert plain.returncode == as_json.returncode == 1
    assert [line[0] for line in plain.stdout.splitlines()] == ["7", "-", "2"]
    assert [line.split(": ")[1] for line in plain.stderr.splitlines()[1:]] == [
        "text.png",
        "missing.png",
        "folder",
        "blank.png",
        "4 of 7 pictures could not be read",
    ]
    assert "4 of 7 pictures could not be read" in as_json.stderr
    statuses = [json.loads(line)["status"] for line in as_json.stdout.splitlines()]
    assert statuses == ["digit", "error", "error", "error", "error", "none", "digit"]


def test_a_name_that_looks_like_an_option_is_found_after_two_dashes(run: Run, pictures: list[Path]):
    done = run("predict", "--", "-x.png", cwd=pictures[5].parent)

    assert done.returncode == 0
    assert done.stdout.startswith("1")


# The rest of the contract with the terminal


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_terminal_will_do(encoding: str, run: Run, pictures: list[Path]):
    environment = {"PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    summary, predicted = (
        run(*arguments, env=environment, encoding=encoding) for arguments in (["summary"], ["predict", pictures[4]])
    )

    assert summary.returncode == predicted.returncode == 0
    assert "34,826" in summary.stdout
    assert ("é.png" if encoding != "ascii" else r"\xe9.png") in predicted.stdout


def test_forced_colour_colours_and_does_nothing_else(run: Run, pictures: list[Path], small_npz: Path, tmp_path: Path):
    coloured = run("predict", pictures[0], env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
    trained = run(
        "train", "--epochs", "1", "--data", small_npz, cwd=tmp_path, env={"FORCE_COLOR": "1", "TERM": "xterm"}
    )

    assert "\x1b[" in coloured.stdout
    for off in ({"FORCE_COLOR": "0"}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}):
        assert "\x1b[" not in run("predict", pictures[0], env=off).stdout
    assert "epoch 1/1" in trained.stderr
    assert not any(code in trained.stderr for code in ("\r", "\x1b[2K", "\x1b[1A", "\x1b[?25l"))


def test_a_reader_that_leaves_early_is_no_error(pictures: list[Path]):
    command = f"{sys.executable} -m mnist_cli summary | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=pictures[0].parent)

    assert done.returncode == 0
    assert done.stdout.startswith("Model")
    assert one_line(done.stderr)  # the note about the model in use


@pytest.mark.parametrize("arguments", [["summary"], ["evaluate", "--json"]], ids=" ".join)
def test_a_closed_stdout_is_an_error_in_one_line(arguments: list[str], tmp_path: Path):
    command = f"{sys.executable} -m mnist_cli {' '.join(arguments)} --quiet >&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)

    assert done.returncode == 1
    assert one_line(done.stderr) and "stdout is closed" in done.stderr


def test_closed_standard_streams_do_not_spoil_a_model(run: Run, small_npz: Path, small_model: Path, tmp_path: Path):
    command = f"{sys.executable} -m mnist_cli train --epochs 2 --data {small_npz} -o m.keras <&- >&- 2>&-"
    subprocess.run(["bash", "-c", command], cwd=tmp_path)

    assert (tmp_path / "m.keras").read_bytes() == small_model.read_bytes()


def test_a_run_is_repeated_from_its_record_and_compared(run: Run, small_npz: Path, small_model: Path, tmp_path: Path):
    record = small_model.with_suffix(".json")
    done = run("train", "--data", small_npz, "--from-record", record, cwd=tmp_path)
    other = run("train", "--from-record", record, "--data", small_npz, "--json", "--seed", "1", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "the model is identical to the recorded one" in done.stdout
    assert (tmp_path / "models" / "small-again.keras").read_bytes() == small_model.read_bytes()
    assert (other.returncode, other.stdout) == (2, "")
    assert "--seed is 0 in the record, not 1" in other.stderr


def test_what_is_no_record_is_not_repeated(run: Run, small_npz: Path):
    done = run("train", "--from-record", small_npz)

    assert done.returncode == 1
    assert one_line(done.stderr) and "not a training record" in done.stderr


def test_figures_are_written_for_tensorboard(run: Run, small_npz: Path, tmp_path: Path):
    done = run("train", "--epochs", "1", "--data", small_npz, "--tensorboard", "board", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert sorted(path.parent.name for path in tmp_path.glob("board/*/events.out.tfevents.*")) == [
        "train",
        "validation",
    ]


def test_training_goes_on_when_nobody_follows_it(small_npz: Path, tmp_path: Path):
    command = (
        f"{sys.executable} -m mnist_cli train --epochs 1 --data {small_npz} -o m.keras 2>&1 >/dev/null | head -n 1"
    )
    done = subprocess.run(["bash", "-c", command + "; exit ${PIPESTATUS[0]}"], capture_output=True, cwd=tmp_path)

    assert done.returncode == 0
    assert (tmp_path / "m.json").is_file()


def test_notes_that_can_not_be_written_are_no_reason_to_give_no_result(pictures: list[Path]):
    command = f"{sys.executable} -m mnist_cli predict 7.png 2> /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=pictures[0].parent)

    assert (done.returncode, done.stdout[0]) == (0, "7")


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_help_that_can_not_be_written_is_an_error_in_one_line(flag: str, tmp_path: Path):
    command = f"{sys.executable} -m mnist_cli {flag} > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)

    assert done.returncode == 1
    assert one_line(done.stderr) and "No space left" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["evaluate", "--data", "no.npz"], ["predict", "no.png"], ["predict", "--json", "no.png"]]
)
def test_a_failure_without_a_model_given_is_told_in_one_line(arguments: list[str], run: Run):
    done = run(*arguments)

    assert done.returncode == 1
    assert done.stderr.count("error: ") == 1
    assert one_line(done.stderr) or "--json" in arguments  # where the note comes with the JSON


def test_an_output_that_is_full_is_an_error_in_one_line(pictures: list[Path]):
    command = f"{sys.executable} -m mnist_cli predict --quiet 7.png > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=pictures[0].parent)

    assert done.returncode == 1
    assert one_line(done.stderr) and "No space left" in done.stderr


def test_the_traceback_of_the_unexpected_comes_with_debug_only(run: Run, tmp_path: Path):
    script = (
        "import sys, mnist_cli.datasets.dataset, mnist_cli.cli.app\n"
        "def burst(path): raise ZeroDivisionError('inside')\n"
        "mnist_cli.datasets.dataset.open_dataset = burst\n"
        "sys.argv = ['mnistcli', *sys.argv[1:]]\n"
        "mnist_cli.cli.app.main()\n"
    )
    plain, debug = (
        subprocess.run([sys.executable, "-c", script, "evaluate", "-q", *flags], capture_output=True, text=True)
        for flags in ([], ["--debug"])
    )

    assert plain.returncode == debug.returncode == 1
    assert one_line(plain.stderr) and "--debug" in plain.stderr
    assert "Traceback" in debug.stderr and "ZeroDivisionError: inside" in debug.stderr


@pytest.mark.parametrize(
    "environment",
    [{"KERAS_BACKEND": "jax"}, {"HOME": "/nonexistent"}, {"PYTHONOPTIMIZE": "2"}, {"TERM": "dumb"}, {"NO_COLOR": "1"}],
    ids=lambda environment: next(iter(environment)),
)
def test_the_surroundings_do_not_change_the_answers(
    environment: dict[str, str], run: Run, small_npz: Path, small_model: Path, tmp_path: Path
):
    done = run("train", "--epochs", "2", "--data", small_npz, "-o", "m.keras", cwd=tmp_path, env=environment)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m.keras").read_bytes() == small_model.read_bytes()
