"""The number of processors."""

import os


def usable_processors() -> int:
    """The number of processors that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
