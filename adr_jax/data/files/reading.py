"""One error for whatever goes wrong while a file is read."""

import contextlib
from collections.abc import Iterator

from adr_jax.errors import InputError

REMEDY = "make or fetch it again"


@contextlib.contextmanager
def reading(what: object, remedy: str = REMEDY) -> Iterator[None]:
    """Turn what a library raises for a damaged file into an InputError of one line.

    Args:
      what: the file, and the part of it that is read; the message begins with it.
      remedy: what to do, the end of the message.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # what the libraries raise has no common type
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{what} cannot be read ({reason}): it is damaged, truncated or not what "
            f"its name says; {remedy}"
        ) from error
