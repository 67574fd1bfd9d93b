"""Exceptions for what a user can mend, and the words of their messages."""

# The exit code of what Ctrl-C ended, as shells have it.
INTERRUPTED = 130


class InputError(ValueError):
    """Bad input: a file, a configuration, an argument.

    The message names the thing, what was expected, and the remedy, in one line. The
    entry points print it without a traceback; any other exception is our own mistake
    and keeps its traceback.
    """


class Diverged(InputError):
    """A forecast that has blown up; a command that meets it has an exit code for it."""

    exit_code = 3


def counted(number: int, noun: str) -> str:
    """Return a number of things: "1 channel", "3 channels"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
