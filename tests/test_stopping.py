"""Requests to stop, without the processes that real signals need."""

import os
import signal

import pytest

from mnist_cli.stopping import Interrupted, StopRequest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_interrupts_where_nothing_is_lost(number: int, code: int):
    with pytest.raises(Interrupted) as interrupt, StopRequest().heeded():
        os.kill(os.getpid(), number)

    assert interrupt.value.exit_code == code


def test_where_work_would_be_lost_it_waits_until_it_is_asked_about():
    stop = StopRequest()
    with stop.heeded(), stop.deferred():
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested

    assert stop.interruption("why").exit_code == 143
    assert stop.interruption("why").note == "why"


def test_afterwards_signals_do_what_they_did_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopRequest().heeded():
        assert signal.getsignal(signal.SIGINT) != before[0]

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
