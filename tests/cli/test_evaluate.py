"""The command that judges: its figures, comparisons, reports and exit codes."""

import json
from pathlib import Path

import pytest
from processes import Run, has_control_characters, is_one_line, run_shell

from mnist_cli.data import MODEL_PATH


def test_the_json_has_its_documented_keys(run: Run):
    values = json.loads(run("evaluate", "--json").stdout)

    assert values["samples"] == 10_000
    assert 0.990 <= values["accuracy"] < 0.9999
    assert values["errors"] == sum(map(sum, values["confusion"])) - sum(values["confusion"][d][d] for d in range(10))
    assert sum(values["confusion"][7]) == 1028  # rows are the true digits, and the test images show 1,028 sevens
    assert 0 < values["loss"] < 0.1
    assert values["coverage"]["share"] > 0.98
    assert values["accuracy"] < values["coverage"]["accuracy"] < 1


def test_other_data_is_judged(run: Run, small_model: Path, small_npz: Path):
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
    assert is_one_line(below.stderr) and below.stderr.startswith("error: the accuracy 0.")
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
    assert is_one_line(first.stderr) and "the report is in a/r.html" in first.stderr
    assert json.loads(again.stdout)["samples"] == 400
    assert is_one_line(other.stderr) and "never overwrites" in other.stderr and other.stdout == ""
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["r.html"]


def test_a_reader_that_leaves_early_spoils_neither_report_nor_exit_code(
    small_model: Path, small_npz: Path, tmp_path: Path
):
    evaluate = 'mnistcli evaluate "$1" --data "$2" --report r.svg --min-accuracy 1 | true'
    done = run_shell(evaluate, small_model, small_npz, cwd=tmp_path)

    assert done.returncode == 3
    assert (tmp_path / "r.svg").read_text().endswith("</svg>\n")


def test_changed_images_are_judged_and_that_is_said_in_one_line(run: Run, small_model: Path, small_npz: Path):
    done = run("evaluate", small_model, "--data", small_npz, "--robustness")

    assert done.returncode == 0
    assert is_one_line(done.stderr) and "changed versions of the images" in done.stderr
    assert all(word in done.stdout for word in ("rotation", "30 degrees", "inversion", "thinner strokes"))
