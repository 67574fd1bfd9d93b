"""Files that a command writes: new ones only, complete or not at all."""

import contextlib
import importlib
import pathlib
from collections.abc import Callable, Iterator

from adr_jax.data.files.atomic import written_whole
from adr_jax.errors import InputError


def check_new(path: pathlib.Path, flag: str, suffixes: tuple[str, ...] = ()) -> None:
    """Raise InputError if a new file cannot be written at `path`."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{flag} {path}: expected a name in {', '.join(suffixes)}")
    if path.exists():
        raise InputError(f"{flag} {path} exists; name another file or delete it first")
    if not path.parent.is_dir():
        raise InputError(f"{flag} {path}: no folder {path.parent}; make it first")


@contextlib.contextmanager
def written(path: pathlib.Path, flag: str) -> Iterator[pathlib.Path]:
    """Yield a temporary path beside `path`, renamed when all went well.

    Raises:
      InputError: it cannot be written.
    """
    try:
        with written_whole(path) as partial:
            partial.touch(exist_ok=False)
            yield partial
    except OSError as error:
        raise InputError(
            f"{flag} {path} cannot be written ({error.strerror or error}); name a "
            "file elsewhere"
        ) from error


def drawn_by(module: str, function: str) -> Callable:
    """Return what a module of the report draws with --gif.

    Raises:
      InputError: the extra for reports is missing.
    """
    try:
        found = importlib.import_module(f"adr_jax.evaluation.report.{module}")
    except ImportError as error:
        raise InputError(
            f"--gif needs {error.name}: pip install 'adr_jax[report]'"
        ) from error
    return getattr(found, function)
