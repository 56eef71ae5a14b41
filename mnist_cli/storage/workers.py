"""Work on untrusted files in child processes: with limits on time and memory, and on all processors at once.

What such a file makes a decoder do can't be foreseen: at worst, it ends one child.
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

# Answers per child that may wait for their turn.
_AHEAD = 8


@dataclass(frozen=True)
class Limits:
    """The processor time for each task, in seconds, and a child's memory beyond its parent's, in bytes."""

    seconds: int
    memory: int


class WorkError(Exception):
    """The work on a task came to no answer: it exceeded a limit, or its native code crashed."""


class Worker(Generic[Task, Answer]):
    """A forked child process that does one task after another. What its native code writes to stderr is dropped.

    `other_connections`: this process's connections to other workers; the child closes its copies of them, or else the
    others would not notice the end of this process.
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
        """Hand over a task. If the child has died, `answer` reports it."""
        with suppress(OSError):
            self.connection.send(task)

    def answer(self) -> Answer:
        """Wait for the answer to the task. Raises `WorkError`, and whatever the work itself raised."""
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
        self.connection.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _serve(work: Callable[[Any], Any], limits: Limits, connection: Connection, unneeded: Sequence[Connection]) -> None:
    """The life of a child, until its parent is gone."""
    for other in unneeded:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _set_limit(resource.RLIMIT_DATA, _inherited_memory() + limits.memory)
    with suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            # Processor time, because a computer that is busy or asleep should not count.
            _set_limit(resource.RLIMIT_CPU, ceil(time.process_time()) + limits.seconds)
            connection.send(_answer(work, task))


def _answer(work: Callable[[Any], Any], task: Any) -> tuple[Any, Exception | None]:
    """The answer, or what was raised instead."""
    try:
        return work(task), None
    except Exception as error:
        return None, error


def _set_limit(kind: int, value: int) -> None:
    _, highest = resource.getrlimit(kind)
    resource.setrlimit(kind, (value if highest == resource.RLIM_INFINITY else min(value, highest), highest))


def _inherited_memory() -> int:
    """The parent's memory, in bytes, which counts towards the child's limit; 0 where the system doesn't say."""
    try:
        with open("/proc/self/statm") as sizes:
            return int(sizes.read().split()[5]) * resource.getpagesize()
    except OSError:
        return 0


def in_order(
    work: Callable[[Task], Answer], tasks: Iterable[Task], limits: Limits, workers: int | None = None
) -> Iterator[Answer | WorkError]:
    """The answer to each task, in their order; a few tasks are begun ahead. What the work raises is raised.

    `workers`: the number of children; by default one more than there are processors, so that no processor is idle
    while an answer waits to be taken.
    """
    most = workers or usable_processors() + 1
    idle: list[Worker[Task, Answer]] = []
    busy: dict[Any, tuple[int, Worker[Task, Answer]]] = {}  # by the worker's connection, with the number of its task
    answers: dict[int, Answer | WorkError] = {}  # by the number of the task
    numbered = enumerate(tasks)
    following, turn = next(numbered, None), 0
    try:
        while following or busy or answers:
            for connection in wait(list(busy), None if busy and turn not in answers else 0):
                number, worker = busy[connection]
                try:
                    answers[number] = worker.answer()
                    idle.append(worker)
                except WorkError as error:
                    answers[number] = error
                    worker.stop()
                del busy[connection]
            while following and len(busy) < most and following[0] < turn + most * _AHEAD:
                number, task = following
                worker = idle.pop() if idle else Worker(work, limits, list(busy))
                worker.begin(task)
                busy[worker.connection] = number, worker
                following = next(numbered, None)
            if turn in answers:  # only now, when every child has something to do
                yield answers.pop(turn)
                turn += 1
    finally:
        for worker in (*idle, *(worker for _, worker in busy.values())):
            worker.stop()
