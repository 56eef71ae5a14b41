"""The scripts beside the tests still run."""

import sys
from pathlib import Path

import pytest
from processes import run, run_python

TESTS = Path(__file__).parent
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("script", sorted(TESTS.glob("benchmarks/*.py")), ids=lambda path: path.stem)
def test_benchmarks_start(script: Path):
    assert "usage: " in run([sys.executable, script, "--help"]).stdout


def test_hostile_files_are_written(tmp_path: Path):
    done = run([sys.executable, TESTS / "corpus" / "write_hostile.py", tmp_path])

    assert done.returncode == 0, done.stderr
    assert all(len(list((tmp_path / kind).iterdir())) > 20 for kind in ("models", "pictures", "data", "records"))


def test_the_pictures_of_the_readme_are_drawn(tmp_path: Path):
    script = (
        "import pathlib, sys, draw_pictures\ndraw_pictures.FOLDER = pathlib.Path(sys.argv[1])\ndraw_pictures.main()"
    )
    done = run_python(script, tmp_path, env={"PYTHONPATH": str(TESTS / "corpus")})

    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in (TESTS / "screenshots").iterdir()}
