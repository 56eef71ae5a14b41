"""What native code writes to stderr is filtered; what Python writes is not, then and later."""

import pytest
from processes import run_python

SCRIPT = """
import logging, os, re, sys
from mnist_cli.training.quiet import without_native_lines

with without_native_lines(re.compile(b"chatter")):
    os.write(2, b"chatter from native code\\nnative news\\n")
    print("python news", file=sys.stderr)
    logging.basicConfig(format="%(message)s")
logging.warning("a later warning")
os.write(2, b"chatter that comes later\\n")
"""


def test_only_the_unwanted_native_lines_are_left_out():
    done = run_python(SCRIPT)

    assert sorted(done.stderr.splitlines()) == [
        "a later warning",
        "chatter that comes later",
        "native news",
        "python news",
    ]


@pytest.mark.slow
def test_genuine_warnings_of_tensorflow_appear():
    script = "from mnist_cli.training.backend import tf\ntf.get_logger().warning('take care')"
    done = run_python(script)

    assert done.stderr.strip().endswith("take care")
    assert done.stderr.count("\n") == 1
