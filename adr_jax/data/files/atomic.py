"""Files and folders that are written whole or not at all."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import TypeVar

from etils import epath

Path = TypeVar("Path", bound=pathlib.PurePath)


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces it when all went well.

    The temporary file or folder is removed when anything went wrong. An `epath.Path`
    may be in a bucket, where the replacement is a copy.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    written = epath.Path(partial)
    try:
        yield partial
        written.replace(path)
    finally:
        with contextlib.suppress(OSError):  # the first error is the one to report
            if written.is_dir():
                written.rmtree()
            else:
                written.unlink(missing_ok=True)
