"""What people see: on terminals of several widths, with names from outside, and while a run goes on."""

import re
from pathlib import Path

import pytest
from processes import run_on_terminal, without_codes
from tiers import slow

from mnist_cli.display.prediction import percent
from mnist_cli.display.progress import epochs_table
from mnist_cli.display.screen import clean
from mnist_cli.figures import Epoch


@pytest.mark.parametrize("width", [20, slow(40), slow(80), slow(120)])
@pytest.mark.parametrize("command", ["summary", "evaluate"])
def test_nothing_is_wider_than_the_terminal(command: str, width: int, tmp_path: Path):
    code, sent = run_on_terminal([command], width, tmp_path)

    assert code == 0
    assert max(len(line) for line in without_codes(sent).splitlines()) <= width


@pytest.mark.parametrize(
    ("environment", "colour", "blocks"),
    [
        ({}, True, True),
        ({"COLORTERM": "truecolor"}, True, True),
        ({"NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"PYTHONIOENCODING": "latin-1"}, True, False),
    ],
    ids=lambda value: " ".join(f"{name}={text}" for name, text in value.items()) if isinstance(value, dict) else None,
)
def test_an_evaluation_is_drawn_as_the_terminal_can_show_it(
    environment: dict[str, str], colour: bool, blocks: bool, small_model: Path, small_npz: Path, tmp_path: Path
):
    code, sent = run_on_terminal(["evaluate", small_model, "--data", small_npz], 80, tmp_path, **environment)

    assert code == 0
    assert bool(re.search(r"\x1b\[[0-9;]*48;[25];", sent)) == colour
    assert ("▀" in sent) == blocks
    assert ("@@" in without_codes(sent)) == (not blocks)
    assert "\\u" not in sent


@pytest.mark.parametrize(("width", "left"), [(80, r"0:\d\d / 0:\d\d left"), slow(120, r"0:\d\d left, 0:\d\d in all")])
def test_a_run_is_live_on_a_terminal_and_ends_as_a_table(width: int, left: str, small_npz: Path, tmp_path: Path):
    code, sent = run_on_terminal(["train", "--epochs", "3", "--data", small_npz], width, tmp_path)

    assert code == 0
    assert "loading TensorFlow" in sent
    assert re.search(rf"Epoch \d/3 .*15/15 loss \d\.\d{{4}}  accuracy \d\.\d{{4}} {left}", without_codes(sent))
    shown = without_codes(sent)
    bars = re.findall(rf"Epoch \d/3 [^\nE]*?{left}", shown)
    assert max(map(len, bars)) <= width - 3  # room for the ^C that a terminal puts behind the cursor
    final = shown[shown.rindex("epoch     loss") :]
    assert [line.split()[0] for line in final.splitlines()[2:5]] == ["1", "2", "3"]
    assert final.count("best") == 1
    assert "Saved" in final


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"COLUMNS": "40"}], ids=["dumb", "narrow"])
def test_a_terminal_that_can_not_be_redrawn_gets_plain_lines(
    environment: dict[str, str], small_npz: Path, tmp_path: Path
):
    code, sent = run_on_terminal(["train", "--epochs", "1", "--data", small_npz], 80, tmp_path, **environment)

    assert code == 0
    assert "epoch 1/1: loss" in without_codes(sent)
    assert "\x1b[2K" not in sent and "\x1b[1A" not in sent


def test_a_width_of_nothing_is_no_width(tmp_path: Path):
    _, sent = run_on_terminal(["summary"], 80, tmp_path, COLUMNS="0")

    assert "34,826" in sent


def test_no_color_keeps_the_colours_away(tmp_path: Path):
    _, sent = run_on_terminal(["predict", "missing.png"], 80, tmp_path, NO_COLOR="1")
    _, coloured = run_on_terminal(["predict", "missing.png"], 80, tmp_path)

    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", sent)
    assert re.search(r"\x1b\[[0-9;]*31m", coloured)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("digit.png", "digit.png"),
        ("é[red]", "é[red]"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\u202egnp", r"\u202egnp"),
        ("\udcff", r"\udcff"),
        ("\x9b", r"\x9b"),
    ],
)
def test_text_from_outside_loses_its_control_characters(text: str, shown: str):
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, ">99.9 %"), (0.9985, "99.9 %"), (0.5, "50.0 %"), (0.001, "0.1 %"), (0.0, "<0.1 %")]
)
def test_no_share_is_rounded_to_certainty(share: float, text: str):
    assert percent(share) == text


def test_the_table_of_epochs_marks_the_best_of_all_even_where_it_is_not_shown():
    history = [Epoch(number, 0.1, 0.9, loss, 0.9, 1.0) for number, loss in enumerate((0.3, 0.1, 0.2), 1)]

    marks = list(epochs_table(history[2:], history).columns[-1].cells)
    assert marks == [""]
    assert list(epochs_table(history, history).columns[-1].cells) == ["", "best", ""]
