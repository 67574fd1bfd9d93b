"""Locks: one run in a workdir, one process of a machine that makes data."""

import contextlib
import os
import pathlib
import socket
import tempfile
from collections.abc import Iterator

from etils import epath

from adr_jax.errors import InputError
from adr_jax.evaluation.workdir import LOCK_FILE

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None


def is_remote(path: epath.Path) -> bool:
    """Return whether it is a bucket's address, such as gs://BUCKET/run."""
    return "://" in str(path)


@contextlib.contextmanager
def claimed(workdir: epath.Path) -> Iterator[None]:
    """Make the folder if need be, and this process its only writer.

    On a disk it holds a lock, which ends with the process. Buckets have no locks.

    Raises:
      InputError: it cannot be written, or another run holds it.
    """
    lock = workdir / LOCK_FILE
    descriptor = None
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        if fcntl is None or is_remote(workdir):
            lock.write_text("")
        else:
            descriptor = _lock(os.fspath(lock))
    except OSError as error:
        raise InputError(
            f"workdir {workdir} cannot be written ({error.strerror or error}); "
            "name another with --workdir"
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the disk may be the reason to end
            lock.unlink()
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def one_at_a_time(task: str) -> Iterator[None]:
    """Make other processes of this user on this machine wait for their turn."""
    if fcntl is None:
        yield
        return
    path = pathlib.Path(tempfile.gettempdir(), f"adr_jax-{os.getuid()}-{task}.lock")
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock(path: str) -> int:
    """Open and lock a file; its open descriptor holds the lock."""
    assert fcntl is not None
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode(errors="replace")
            os.close(descriptor)
            raise InputError(
                f"workdir {os.path.dirname(path)} is in use by {holder or 'a run'}: "
                "wait for it, stop it, or name another --workdir"
            ) from None
        except OSError:
            return descriptor  # a file system without locks
        # The run before may have removed the file after it was opened here.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                break
        os.close(descriptor)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
    return descriptor
