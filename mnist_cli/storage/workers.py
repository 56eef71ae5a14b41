"""Work on files from strangers, done by child processes: with bounds on time and memory, and on all processors at once.

What such a file makes a decoder do can't be foreseen: here it ends, at worst, a child.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from mnist_cli.storage.processors import usable_processors

if sys.platform != "win32":
    import resource

Task = TypeVar("Task")
Answer = TypeVar("Answer")

# A fork has everything loaded already; elsewhere than on Linux system libraries may not survive one.
_FORKS = sys.platform == "linux"
# Answers that wait, for each child, to be given in their turn.
_AHEAD = 8


@dataclass(frozen=True)
class Limits:
    """What work may take: each piece `seconds` of processor time, a child `memory`, in bytes, beyond its parent's."""

    seconds: int
    memory: int


class WorkError(Exception):
    """Work that came to no answer: it exceeded a limit, or its native code crashed."""


class Worker(Generic[Task, Answer]):
    """A child process that does one task after the other. What native code in it writes to stderr goes nowhere.

    `inherited`: the ends of other workers' pipes that are open here, which the child has no business with. `forks`:
    the child has all that is loaded here, and does not begin anew.
    """

    def __init__(
        self,
        work: Callable[[Task], Answer],
        limits: Limits,
        inherited: Sequence[Connection] = (),
        forks: bool = _FORKS,
    ) -> None:
        self._limits = limits
        if not forks:  # or else the child, as it begins, takes files in the current folder for modules of Python
            os.environ["PYTHONSAFEPATH"] = "1"
        context: Any = multiprocessing.get_context("fork" if forks else "spawn")
        self.connection, end = context.Pipe()
        unneeded = (self.connection, *inherited) if forks else ()
        arguments = (work if forks else None, limits, end, unneeded)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        end.close()
        if not forks:  # as an argument, it would be waited for without end where the child dies before it takes it
            self._send(work)

    def begin(self, task: Task) -> None:
        """Hand over a task; where the child has died, `answer` tells of it."""
        self._send(task)

    def _send(self, message: Any) -> None:
        with suppress(OSError):
            self.connection.send(message)

    def answer(self) -> Answer:
        """Wait for the answer to the task. Raises `WorkError`, and whatever the work itself raised."""
        try:
            answer, error = self.connection.recv()
        except (EOFError, OSError):
            raise WorkError(self._how_it_died()) from None
        if isinstance(error, MemoryError):
            raise WorkError(f"needs more than {self._limits.memory // 1_000_000} MB of memory") from error
        if error is not None:
            raise error
        return answer  # type: ignore[no-any-return]

    def _how_it_died(self) -> str:
        self._process.join()
        if self._process.exitcode == -getattr(signal, "SIGXCPU", 0):
            return f"takes more than {self._limits.seconds} seconds"
        return "makes the code that reads it crash"

    def stop(self) -> None:
        self.connection.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _serve(
    work: Callable[[Any], Any] | None, limits: Limits, connection: Connection, unneeded: Sequence[Connection]
) -> None:
    """What a child does until its parent is gone; the first thing that it gets may be its work."""
    for other in unneeded:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    _limit_memory(limits.memory)
    with suppress(EOFError, OSError):
        work = work or connection.recv()
        while True:
            task = connection.recv()
            _limit_time(limits.seconds)
            connection.send(_answer(work, task))


def _answer(work: Callable[[Any], Any], task: Any) -> tuple[Any, Exception | None]:
    """The answer, or what was raised instead."""
    try:
        return work(task), None
    except Exception as error:
        return None, error


def _limit_memory(size: int) -> None:
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        _lower(resource.RLIMIT_DATA, _data_size() + size)


def _data_size() -> int:
    """The bytes that the limit already counts: all that the parent had; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as sizes:
            return int(sizes.read().split()[5]) * resource.getpagesize()
    except OSError:
        return 0


def _limit_time(seconds: int) -> None:
    """Allow so much more time of the processor: a computer that is busy, or asleep, does not count."""
    if sys.platform != "win32":
        _lower(resource.RLIMIT_CPU, ceil(time.process_time()) + seconds)


if sys.platform != "win32":

    def _lower(kind: int, value: int) -> None:
        _, highest = resource.getrlimit(kind)
        resource.setrlimit(kind, (value if highest == resource.RLIM_INFINITY else min(value, highest), highest))


def in_order(
    work: Callable[[Task], Answer], tasks: Iterable[Task], limits: Limits, workers: int | None = None
) -> Iterator[Answer | WorkError]:
    """The answer to each task, in their order; a few tasks are begun ahead. What the work raises is raised.

    `workers`: the number of children, by default one more than there are processors, so that none of these has to wait
    for an answer to be taken.
    """
    most = workers or usable_processors() + 1
    crew: _Crew[Task, Answer] = _Crew(work, limits)
    answers: dict[int, Answer | WorkError] = {}
    numbered = enumerate(tasks)
    following, turn = next(numbered, None), 0
    try:
        while following or crew.busy or answers:
            answers.update(crew.finished(wanted=turn not in answers))
            while following and len(crew.busy) < most and following[0] < turn + most * _AHEAD:
                crew.begin(*following)
                following = next(numbered, None)
            if turn in answers:  # only now that every child has something to do
                yield answers.pop(turn)
                turn += 1
    finally:
        crew.stop()


class _Crew(Generic[Task, Answer]):
    """Workers for the same kind of work; as many as were ever needed at once."""

    def __init__(self, work: Callable[[Task], Answer], limits: Limits) -> None:
        self._work, self._limits = work, limits
        self._idle: list[Worker[Task, Answer]] = []
        self.busy: dict[Any, tuple[int, Worker[Task, Answer]]] = {}

    def begin(self, number: int, task: Task) -> None:
        worker = self._idle.pop() if self._idle else Worker(self._work, self._limits, list(self.busy))
        worker.begin(task)
        self.busy[worker.connection] = (number, worker)

    def finished(self, wanted: bool) -> Iterator[tuple[int, Answer | WorkError]]:
        """The tasks that are done, by their numbers; `wanted`: wait for one, where any is begun."""
        for connection in wait(list(self.busy), None if wanted and self.busy else 0):
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
