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
    crew: _Crew[Task, Answer] = _Crew(work, limits)
    answers: dict[int, Answer | WorkError] = {}
    numbered = enumerate(tasks)
    following, turn = next(numbered, None), 0
    try:
        while following or crew.busy or answers:
            answers.update(crew.finished(wait_for_one=turn not in answers))
            while following and len(crew.busy) < most and following[0] < turn + most * _AHEAD:
                crew.begin(*following)
                following = next(numbered, None)
            if turn in answers:  # only now, when every child has something to do
                yield answers.pop(turn)
                turn += 1
    finally:
        crew.stop()


class _Crew(Generic[Task, Answer]):
    """Workers for the same kind of work: as many as were ever needed at once."""

    def __init__(self, work: Callable[[Task], Answer], limits: Limits) -> None:
        self._work, self._limits = work, limits
        self._idle: list[Worker[Task, Answer]] = []
        self.busy: dict[Any, tuple[int, Worker[Task, Answer]]] = {}
        """The number of its task and the worker, by the worker's connection."""

    def begin(self, number: int, task: Task) -> None:
        worker = self._idle.pop() if self._idle else Worker(self._work, self._limits, list(self.busy))
        worker.begin(task)
        self.busy[worker.connection] = (number, worker)

    def finished(self, wait_for_one: bool) -> Iterator[tuple[int, Answer | WorkError]]:
        """The number and the answer of each finished task; `wait_for_one`: of at least one, if any was begun."""
        for connection in wait(list(self.busy), None if wait_for_one and self.busy else 0):
            number, worker = self.busy.pop(connection)
            try:
                yield number, worker.answer()
            except WorkError as error:
                worker.stop()
                yield number, error
            else:
                self._idle.append(worker)

    def stop(self) -> None:
        for worker in (*self._idle, *(worker for _, worker in self.busy.values())):
            worker.stop()
