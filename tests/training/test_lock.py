"""One training at a time into one output."""

import shutil
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from processes import started

from mnist_cli.errors import OutputError
from mnist_cli.training import lock
from mnist_cli.training.lock import reserved

HOLD = """
import sys
from pathlib import Path
from mnist_cli.training.lock import reserved
with reserved(Path(sys.argv[1])) as alone:
    print(alone, flush=True)
    sys.stdin.read()
"""


def test_a_reserved_path_is_refused_to_others_until_its_owner_is_dead(tmp_path: Path):
    path = tmp_path / "m.keras"
    with started([sys.executable, "-c", HOLD, path], stdin=PIPE, stdout=PIPE) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == "True\n"
        with pytest.raises(OutputError, match="another training"), reserved(path):
            pass
        with reserved(tmp_path / "other.keras") as alone:
            assert alone
    with reserved(path) as alone:
        assert alone

    assert list(tmp_path.iterdir()) == []


def test_without_locks_the_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(self: object, **options: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(lock.FileLock, "acquire", no_locks)

    with reserved(tmp_path / "m.keras") as alone:
        assert not alone


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path):
    with reserved(tmp_path / "m.keras"):
        [lock_file] = tmp_path.iterdir()
    (tmp_path / "precious").write_text("precious")
    lock_file.symlink_to("precious")
    with reserved(tmp_path / "m.keras") as alone:
        assert not alone

    assert (tmp_path / "precious").read_text() == "precious"


def test_a_folder_that_is_gone_is_no_reason_to_hide_what_went_wrong(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(KeyError), reserved(folder / "m.keras"):
        shutil.rmtree(folder)
        raise KeyError
