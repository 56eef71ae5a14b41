"""A lock on the output: one training run at a time may write there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_cli.errors import OutputError
from mnist_cli.storage.files import lock_path


@contextmanager
def reserved(path: Path) -> Iterator[bool]:
    """Lock the model file at `path` inside the block; False if the file system has no locks.

    The operating system drops the lock when the process dies, however it dies. Raises `OutputError` if another process
    holds it.
    """
    lock = FileLock(lock_path(path))
    try:
        lock.acquire(blocking=False)
    except Timeout as reason:
        hint = "Wait for it, or choose another --output."
        raise OutputError(f"{path}: another training run is writing there", hint) from reason
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        with suppress(OSError):  # the folder may be gone or read-only by now
            lock_path(path).unlink()
        lock.release()
