"""Signals: noted for the loop, or ending the run at once."""

import os
import signal

import pytest

from adr_jax.training.run.stopping import Stopped, StopSignals


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)]
)
def test_a_signal_is_held_for_the_loop(number, code):
    with StopSignals() as signals:
        with signals.held():
            assert not signals.wish
            os.kill(os.getpid(), number)
            assert signals.wish
        assert signals.exit_code == code


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)]
)
def test_outside_the_loop_it_ends_the_run_at_once(number, code):
    with StopSignals(), pytest.raises(Stopped) as stop:
        os.kill(os.getpid(), number)
    assert stop.value.exit_code == code


def test_a_second_interrupt_stops_at_once_but_a_second_sigterm_waits():
    with StopSignals() as signals, signals.held():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    after = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    assert after == before
