"""Child processes: answers in order, and an end for work that takes too long, needs too much, or crashes."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from mnist_cli.storage.workers import Limits, WorkError, in_order

LIMITS = Limits(seconds=1, memory=300_000_000)


def test_answers_come_in_the_order_of_their_tasks():
    def work(task: int) -> int:
        time.sleep(0.02 * (task % 3 == 0))
        return -task

    assert list(in_order(work, range(50), LIMITS, workers=3)) == [-task for task in range(50)]


def test_there_may_be_nothing_to_do():
    assert list(in_order(abs, [], LIMITS)) == []


def test_only_a_few_tasks_are_begun_ahead():
    begun = []

    def tasks():
        for task in range(1000):
            begun.append(task)
            yield task

    answers = in_order(abs, tasks(), LIMITS, workers=2)
    next(answers)

    assert len(begun) < 50


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (lambda: all(zero == 0 for zero in iter(int, 1)), "takes more than 1 seconds"),
        (lambda: bytearray(600_000_000), "needs more than 300 MB"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "crash"),
        (lambda: os._exit(0), "crash"),
    ],
    ids=["time", "memory", "crash", "exit"],
)
def test_work_that_ends_badly_is_told_of_in_its_place(bad, told: str):
    first, ended, last = in_order(lambda task: bad() if task == 1 else task, range(3), Limits(1, 300_000_000))

    assert (first, last) == (0, 2)
    assert isinstance(ended, WorkError) and told in str(ended)


def test_memory_of_the_parent_does_not_count():
    had = bytearray(400_000_000)

    assert list(in_order(lambda task: len(bytearray(task)), [200_000_000], LIMITS)) == [200_000_000]
    assert len(had) == 400_000_000


def test_time_is_counted_for_each_task():
    def work(task: int) -> int:
        end = time.process_time() + 0.5
        while time.process_time() < end:
            pass
        return task

    assert list(in_order(work, range(4), LIMITS, workers=1)) == list(range(4))


def test_what_the_work_raises_is_raised_and_ends_the_children():
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda task: 1 // task, [1, 0, 1], LIMITS))

    assert multiprocessing.active_children() == []


def test_no_child_outlives_its_work(tmp_path: Path):
    children = tmp_path / "children"

    def work(task: int) -> int:
        with children.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return task

    answers = in_order(work, range(100), LIMITS, workers=2)
    next(answers)
    answers.close()

    for child in set(children.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(int(child), 0)


def test_what_native_code_says_goes_nowhere(capfd: pytest.CaptureFixture[str]):
    assert list(in_order(lambda task: os.write(2, b"chatter\n"), [0], LIMITS)) == [8]

    assert capfd.readouterr().err == ""
