"""Work on untrusted files in child processes, with limits on time and memory, on all processors at once.

A hostile file can make a decoder crash or run out of memory; then it ends one child, and not the command.
"""

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from mnist_cli.storage.processors import usable_processors

Task = TypeVar("Task")
Answer = TypeVar("Answer")

# The number of tasks per child that may be begun before their turn.
_AHEAD = 8


@dataclass(frozen=True)
class Limits:
    """Limits of a child: processor time for each task, in seconds, and memory in addition to the parent's, in bytes."""

    seconds: int
    memory: int


class WorkError(Exception):
    """A task without an answer: it exceeded a limit, or native code crashed. The message continues "it ..."."""


class Worker(Generic[Task, Answer]):
    """A forked child process that does one task after another. What its native code writes to stderr is dropped.

    `other_connections`: the parent's connections to other workers. The child closes its copies of them, because a
    worker notices the end of the parent only when all copies are closed.
    """

    def __init__(
        self, work: Callable[[Task], Answer], limits: Limits, other_connections: Sequence[Connection] = ()
    ) -> None:
        self._limits = limits
        context = multiprocessing.get_context("fork")
        self.connection, child_connection = context.Pipe()
        arguments = (work, limits, child_connection, (self.connection, *other_connections))
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        child_connection.close()

    def begin(self, task: Task) -> None:
        """Send a task to the child. If the child has died, `answer` reports it."""
        with suppress(OSError):
            self.connection.send(task)

    def answer(self) -> Answer:
        """Wait for the answer to the task. Raises `WorkError`, or what the work itself raised."""
        try:
            answer, error = self.connection.recv()
        except (EOFError, OSError):
            raise WorkError(self._cause_of_death()) from None
        if isinstance(error, MemoryError):
            raise WorkError(f"needs more than {self._limits.memory // 1_000_000} MB of memory") from error
        if error is not None:
            raise error
        return answer  # type: ignore[no-any-return]

    def _cause_of_death(self) -> str:
        self._process.join()
        if self._process.exitcode == -signal.SIGXCPU:
            return f"takes more than {self._limits.seconds} seconds"
        return "makes the code that reads it crash"

    def stop(self) -> None:
        """End the child at once."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _serve(work: Callable[[Any], Any], limits: Limits, connection: Connection, unneeded: Sequence[Connection]) -> None:
    """Answer tasks until the parent closes the connection or ends. This is all that a child runs."""
    for other in unneeded:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _set_limit(resource.RLIMIT_DATA, _inherited_memory() + limits.memory)
    with suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            # Processor time, so that a busy or sleeping computer makes no difference.
            _set_limit(resource.RLIMIT_CPU, ceil(time.process_time()) + limits.seconds)
            connection.send(_answer(work, task))


def _answer(work: Callable[[Any], Any], task: Any) -> tuple[Any, Exception | None]:
    """The answer and None, or None and the exception raised instead."""
    try:
        return work(task), None
    except Exception as error:
        return None, error


def _set_limit(kind: int, value: int) -> None:
    """Set the soft limit of a resource, at most to its hard limit."""
    _, highest = resource.getrlimit(kind)
    resource.setrlimit(kind, (value if highest == resource.RLIM_INFINITY else min(value, highest), highest))


def _inherited_memory() -> int:
    """The parent's memory, in bytes, which counts towards the child's limit; 0 where the system doesn't say."""
    try:
        with open("/proc/self/statm") as sizes:
            return int(sizes.read().split()[5]) * resource.getpagesize()
    except OSError:
        return 0


def in_child(work: Callable[[Task], Answer], task: Task, limits: Limits) -> Answer:
    """The answer to a single task, from a child of its own. Raises `WorkError`, or what the work itself raised."""
    worker = Worker(work, limits)
    try:
        worker.begin(task)
        return worker.answer()
    finally:
        worker.stop()


def in_order(
    work: Callable[[Task], Answer], tasks: Iterable[Task], limits: Limits, workers: int | None = None
) -> Iterator[Answer | WorkError]:
    """Yield the answers in the order of the tasks, or a `WorkError` for a task without one.

    A few tasks are begun ahead. Exceptions of the work itself are raised. `workers`: the number of children; by
    default one more than there are processors, so that no processor is idle while an answer waits to be taken.
    """
    workers = workers or usable_processors() + 1
    idle: list[Worker[Task, Answer]] = []
    busy: dict[Any, tuple[int, Worker[Task, Answer]]] = {}  # task numbers and workers by their connections
    answers: dict[int, Answer | WorkError] = {}  # by task number
    numbered = enumerate(tasks)
    upcoming = next(numbered, None)  # the next task to begin
    turn = 0  # the number of the next task to yield
    try:
        while upcoming or busy or answers:
            for connection in wait(list(busy), None if busy and turn not in answers else 0):
                number, worker = busy[connection]
                try:
                    answers[number] = worker.answer()
                    idle.append(worker)
                except WorkError as error:
                    answers[number] = error
                    worker.stop()
                del busy[connection]
            while upcoming and len(busy) < workers and upcoming[0] < turn + workers * _AHEAD:
                number, task = upcoming
                worker = idle.pop() if idle else Worker(work, limits, list(busy))
                worker.begin(task)
                busy[worker.connection] = number, worker
                upcoming = next(numbered, None)
            if turn in answers:  # last, so that every child is busy while the caller uses the answer
                yield answers.pop(turn)
                turn += 1
    finally:
        for worker in (*idle, *(worker for _, worker in busy.values())):
            worker.stop()
