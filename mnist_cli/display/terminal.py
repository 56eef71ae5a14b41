"""Whether output goes to a terminal; in a module of its own, so that help need not load Rich to find out."""

import os
from typing import TextIO


def is_terminal(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal whose cursor can be moved, which excludes the cells of a notebook."""
    if stream is None or "JPY_PARENT_PID" in os.environ or os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    try:
        return stream.isatty()
    except ValueError:  # the stream is closed
        return False
