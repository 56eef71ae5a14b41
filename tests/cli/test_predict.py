"""The command that reads pictures: its answers, in order, with the bad pictures in their place."""

import json
from pathlib import Path

import pytest
from PIL import Image
from processes import Run, has_control_characters

from mnist_cli.datasets.dataset import Dataset


def test_every_picture_is_read_in_order(run: Run, pictures: list[Path], mnist: Dataset):
    done = run("predict", *pictures)

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [int(line[0]) for line in lines] == mnist.test.labels[:10].tolist()
    assert "[red].png" in lines[2] and "[/].png" in lines[3] and "é.png" in lines[4]
    assert r"new\nline" in lines[6] and r"esc\x1b[31m" in lines[7] and r"\u202egnp" in lines[8]
    assert not has_control_characters(done.stdout)


def test_the_json_has_an_object_per_line_with_its_documented_keys(run: Run, pictures: list[Path], mnist: Dataset):
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
