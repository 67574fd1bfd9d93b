"""What time went to, by a clock that the test moves."""

import pytest

from adr_jax.training.run import clock


@pytest.fixture
def wait(monkeypatch):
    """Move time on by so many seconds."""
    now = [100.0]
    monkeypatch.setattr(clock.time, "perf_counter", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_validation_and_compilation_do_not_count(wait):
    watch = clock.Clock(seconds=50.0)
    wait(2)
    with watch.stopped():
        wait(1000)
    wait(3)
    assert watch.read() == 55


def test_a_lap_has_rate_and_share_of_waiting(wait):
    watch = clock.Clock(step=10)
    for step in (20, 40):
        with watch.waiting():
            wait(1)
        wait(3)
        with watch.stopped():
            wait(1000)
        # 4 seconds each, for 10 and then 20 steps.
        assert watch.lap(step) == {
            "steps_per_second": (step - step // 2) / 4,
            "wait_share": 0.25,
        }


def test_start_up_says_what_it_went_to(wait):
    start_up = clock.StartUp()
    with start_up.part("data"):
        wait(2)
    wait(0.5)
    with start_up.part("compilation"):
        wait(6)
    assert str(start_up) == "first step after 8.5 s: data 2.0 s, compilation 6.0 s"
