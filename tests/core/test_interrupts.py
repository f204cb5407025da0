"""A request to stop ends one run, or all runs of an experiment."""

import os
import signal

import pytest

from pdefreq.core.interrupts import ending_all, interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_request_and_the_previous_handlers_are_restored(number):
    before = signal.getsignal(number)
    with interruptible() as asked:
        assert not asked()
        os.kill(os.getpid(), number)
        assert asked()
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_ends_an_experiment_at_its_current_run(number):
    finished = []
    with pytest.raises(KeyboardInterrupt), ending_all():
        for run in range(3):
            with interruptible() as asked:
                os.kill(os.getpid(), number)
                finished.append((run, asked()))
    assert finished == [(0, True)]


def test_without_a_request_nothing_is_raised():
    with ending_all(), interruptible() as asked:
        assert not asked()
