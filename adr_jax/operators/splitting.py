"""Operator splitting: a step of a sum of processes from steps of each alone.

A step is a function of a state and a time step `h` that returns the state `h` later.
The state may be anything, an array or a tree of them.
"""

from collections.abc import Callable
from typing import TypeVar

State = TypeVar("State")
Step = Callable[[State, float], State]


def lie(*steps: Step) -> Step:
    """Take each process for the whole time step, in the order given.

    Of first order in `h` where the processes do not commute, however exact they are.
    """

    def step(state: State, h: float) -> State:
        for process in steps:
            state = process(state, h)
        return state

    return step


def strang(*steps: Step) -> Step:
    """Take half a step of all processes but the last, the last whole, then go back.

    `strang(A, D, R)` is `A(h/2) D(h/2) R(h) D(h/2) A(h/2)`. Of second order in `h` if
    every process is of second order by itself: with Euler steps it is symmetric, and
    its splitting error smaller than that of `lie`, but of first order all the same.
    """
    *outer, last = steps

    def step(state: State, h: float) -> State:
        for process in outer:
            state = process(state, h / 2)
        state = last(state, h)
        for process in reversed(outer):
            state = process(state, h / 2)
        return state

    return step
