"""Requests to stop, without the processes that real signals need."""

import os
import signal
import sys
from subprocess import PIPE

import pytest
from processes import started

from mnist_cli.training.stopping import Interrupted, StopRequest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_interrupts_where_nothing_is_lost(number: int, code: int):
    with pytest.raises(Interrupted) as interrupt, StopRequest().on_signals():
        os.kill(os.getpid(), number)

    assert interrupt.value.exit_code == code


def test_where_work_would_be_lost_it_waits_until_it_is_asked_about():
    stop = StopRequest()
    with stop.on_signals(), stop.deferred():
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested

    assert stop.interruption().exit_code == 143
    assert stop.interruption("go on").hint == "go on"


HOLDING_ON = """
import time
from mnist_cli.training.stopping import StopRequest
stop = StopRequest()
with stop.on_signals(), stop.deferred():
    print("holding on", flush=True)
    while not stop.requested:
        time.sleep(0.01)
    print("heard", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_signal_ends_the_process_at_once(number: int, code: int):
    with started([sys.executable, "-c", HOLDING_ON], stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding on\n"
        process.send_signal(number)
        assert process.stdout.readline() == "heard\n"
        process.send_signal(number)

        assert process.wait(timeout=5) == code


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        stop = StopRequest()
        with stop.on_signals():
            os.kill(os.getpid(), signal.SIGTERM)
        assert not stop.requested
    finally:
        signal.signal(signal.SIGTERM, before)


def test_afterwards_signals_do_what_they_did_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopRequest().on_signals():
        assert signal.getsignal(signal.SIGINT) != before[0]

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
