"""The files that old versions of Keras wrote; `make_keras_files` made them, and tells how."""

import tarfile
from functools import cache
from pathlib import Path


@cache
def old_files() -> dict[str, bytes]:
    """Their contents by their names."""
    with tarfile.open(Path(__file__).with_name("old_keras.tar.xz")) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
