"""Files: reading regular files only, and replacing files whole or not at all."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mnist_cli.errors import MnistCliError, OutputError

_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL

_REASONS = {
    errno.EISDIR: "this is a folder, not a file",
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "its symbolic links run in a circle",
    errno.ENXIO: "not a regular file",
    errno.ENAMETOOLONG: "the name is too long",
}


def read_file(path: Path, limit: int, error: type[MnistCliError]) -> bytes:
    """The bytes of the regular, non-empty local file at `path`.

    The file is opened once, without blocking, and checked through the open descriptor, so that the checked file is the
    one that is read. Raises `error` if it doesn't exist, isn't a regular file, is empty, or is larger than `limit`
    bytes.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            size = _checked_size(os.fstat(file.fileno()), path, limit, error)
            content = file.read(size + 1)
    except (OSError, ValueError) as reason:  # ValueError: a NUL character in the name
        raise error(f"{path}: {_why(reason)}") from reason
    if len(content) != size:
        raise error(f"{path}: changed while it was read")
    return content


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # or else opening a FIFO waits for a writer


def _why(reason: Exception) -> str:
    if isinstance(reason, OSError):
        return _REASONS.get(reason.errno or 0, reason.strerror or str(reason))
    if isinstance(reason, RuntimeError):  # raised by Path.resolve for links in a circle, up to Python 3.12
        return _REASONS[errno.ELOOP]
    return "no such file"


def _checked_size(status: os.stat_result, path: Path, limit: int, error: type[MnistCliError]) -> int:
    if not stat.S_ISREG(status.st_mode):
        raise error(f"{path}: not a regular file")
    if status.st_size == 0:
        raise error(f"{path}: the file is empty")
    if status.st_size > limit:
        raise error(f"{path}: too large ({size_text(status.st_size)}; at most {size_text(limit)} are read)")
    return status.st_size


def size_text(size: int) -> str:
    """A number of bytes as text for people, in powers of 1024: `136.0 KB`."""
    if size < 1024:
        return f"{size} bytes"
    scaled = size / 1024
    for unit in ("KB", "MB", "GB"):
        if scaled < 1024:
            return f"{scaled:.1f} {unit}"
        scaled /= 1024
    return f"{scaled:.1f} TB"


def write_files(contents: dict[Path, bytes]) -> None:
    """Write each content to its path whole, or leave the existing file unchanged.

    The bytes go to temporary files in the same folders, are flushed to the disk, read back and compared. Only then is
    each temporary file renamed, which replaces the old file in one step. Raises `OutputError`.
    """
    staged: list[tuple[Path, Path, Path]] = []  # path, temporary file, target
    path = next(iter(contents))  # an error names the path whose turn it is
    try:
        for path, content in contents.items():
            target = _target(path)
            temporary = temporary_beside(target)
            staged.append((path, temporary, target))
            _write_new(temporary, target, content)
        for path, temporary, target in staged:  # noqa: B007
            os.replace(temporary, target)
    except (OSError, RuntimeError, ValueError) as reason:
        raise OutputError(f"{path}: could not be written, and is as it was: {_why(reason)}") from reason
    finally:
        for _, temporary, _ in staged:
            temporary.unlink(missing_ok=True)
    for _, _, target in staged:
        _flush_folder(target.parent)


def are_one_file(paths: Sequence[Path]) -> bool:
    """Whether two of the paths lead to the same file."""
    with suppress(OSError, RuntimeError):
        return len({_target(path) for path in paths}) < len(paths)
    return False


def remove_file(path: Path) -> None:
    """Remove the file that `path` leads to, if possible."""
    with suppress(OSError, RuntimeError):
        _target(path).unlink(missing_ok=True)


def check_destination(path: Path, is_ours: Callable[[Path], bool], hint: str) -> None:
    """Check, before any work is done, that `write_files` can write a file at `path`; make missing folders.

    Raises `OutputError` with the hint, also as `check_replaceable` does.
    """
    try:
        target = _target(path)
        if target.exists() and not target.is_file():
            raise OutputError(f"{path}: exists but is not a regular file", hint)
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = temporary_beside(target)
        os.close(os.open(probe, _CREATE_FLAGS, 0o666))
        probe.unlink(missing_ok=True)  # `remove_strays` of a training run may have been faster
    except (OSError, RuntimeError, ValueError) as reason:
        raise OutputError(f"{path}: can't be written: {_why(reason)}", hint) from reason
    check_replaceable(path, is_ours, hint)


def check_replaceable(path: Path, is_ours: Callable[[Path], bool], hint: str) -> None:
    """Raise `OutputError` with the hint if `path` is a file with content that `is_ours` doesn't recognise."""
    try:
        replaceable = not os.path.exists(path) or os.path.getsize(path) == 0 or is_ours(path)
    except OSError as reason:
        raise OutputError(f"{path}: can't be read: {_why(reason)}", hint) from reason
    if not replaceable:
        raise OutputError(f"{path}: mnistcli never overwrites a file it doesn't recognise", hint)


def _target(path: Path) -> Path:
    """The path with all symbolic links resolved. Raises `OSError` or `RuntimeError` for links in a circle."""
    target = path.resolve()
    if target.is_symlink():  # from Python 3.13 on, resolve() accepts links in a circle
        raise OSError(errno.ELOOP, "")
    return target


def temporary_beside(path: Path, suffix: str = ".tmp") -> Path:
    """A random name, in the folder of `path`, for a file that will soon be renamed to `path` or removed."""
    target = _target(path)
    return target.with_name(f"{_temporary_prefix(target)}{os.urandom(4).hex()}{suffix}")


def remove_strays(path: Path) -> None:
    """Remove the temporary files that a killed process left beside `path`. No other process may be writing there."""
    with suppress(OSError, RuntimeError):
        target = _target(path)
        for stray in target.parent.glob(f"{_temporary_prefix(target)}*"):
            stray.unlink(missing_ok=True)


def lock_path(path: Path) -> Path:
    """The file beside `path` that is locked while a training run writes there."""
    target = _target(path)
    return target.with_name(f".mnistcli-{_name_hash(target)}.lock")


def _temporary_prefix(target: Path) -> str:
    """The prefix of all temporary files for a target: short even if the name of the target is long."""
    return f".mnistcli-{_name_hash(target)}-"


def _name_hash(target: Path) -> str:
    return hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]


def _write_new(path: Path, target: Path, content: bytes) -> None:
    """Write the file that will replace the target, with the target's permissions if that exists."""
    with os.fdopen(os.open(path, _CREATE_FLAGS, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if path.read_bytes() != content:
        raise OSError(errno.EIO, "what was read back is not what was written")
    if target.exists():
        path.chmod(stat.S_IMODE(target.stat().st_mode))


def _flush_folder(folder: Path) -> None:
    """Make a rename survive a power cut, if the file system can flush folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
