"""Public files with a stable address: fetched, resumed where cut off, and checked.

A file in progress is `.NAME.partial`. It gets its name once its MD5 sum is the
published one.
"""

import hashlib
import http.client
import pathlib
import urllib.error
import urllib.request
from typing import NamedTuple

from tqdm import tqdm

from adr_jax.errors import InputError

# Seconds to wait for a server, and bytes read at a time.
PATIENCE, PIECE = 60, 2**20


class PublicFile(NamedTuple):
    """A file that anyone may fetch."""

    address: str
    md5: str
    # Below the data root.
    path: str
    size: str


_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
_DIGITS = (
    PublicFile(
        f"{_MNIST}/train-images-idx3-ubyte.gz",
        md5="f68b3c2dcbeaaa9fbdd348bbdeb94873",
        path="mnist/train-images-idx3-ubyte.gz",
        size="9.9 MB",
    ),
    PublicFile(
        f"{_MNIST}/t10k-images-idx3-ubyte.gz",
        md5="9fb629c4189551a2d022fa330f9573f3",
        path="mnist/t10k-images-idx3-ubyte.gz",
        size="1.6 MB",
    ),
)
# By the name of the data set that reads them.
FILES = {
    "shallow_water": (
        PublicFile(
            "https://darus.uni-stuttgart.de/api/access/datafile/133021",
            md5="75d838c47aa410694bdc912ea7f22282",
            path="2D_rdb_NA_NA.h5",
            size="6.6 GB",
        ),
    ),
    "mnist": _DIGITS,
    "moving_mnist": (
        *_DIGITS,
        PublicFile(
            "http://www.cs.toronto.edu/~nitish/unsupervised_video/mnist_test_seq.npy",
            md5="be083ec986bfe91a449d63653c411eb2",
            path="mnist_test_seq.npy",
            size="819 MB",
        ),
    ),
}


def fetch(file: PublicFile, root: pathlib.Path) -> pathlib.Path:
    """Fetch the file to its path under `root` unless it exists, and return the path.

    Resumes an interrupted call, and retries for as long as an attempt brings something.

    Raises:
      InputError: it cannot be reached or written, its content is not what was
        published, or another file has its name.
    """
    path = root / file.path
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.exists():
            _check(path, file, f"{path} is another file: move it away")
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _is_all_of(file.address, partial):
            pass
        try:
            _check(partial, file, "it is deleted: the same command tries again")
        except InputError:
            partial.unlink()
            raise
        partial.rename(path)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"{file.address} could not be fetched to {path} ({reason}): the same "
            "command resumes"
        ) from error
    return path


def _is_all_of(address: str, partial: pathlib.Path) -> bool:
    """Append what the server sends to `partial`; False if it was cut off after some."""
    size = partial.stat().st_size if partial.exists() else 0
    headers = {"User-Agent": "adr_jax", "Range": f"bytes={size}-"}
    request = urllib.request.Request(address, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if size and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return True  # the file ends where `partial` does
        raise
    with response:
        # A server may send everything anew instead of the rest.
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        start = size if resumed else 0
        expected = start + int(response.headers.get("Content-Length", 0))
        with (
            partial.open("ab" if resumed else "wb") as file,
            tqdm(
                desc=partial.name.strip(".").removesuffix(".partial"),
                initial=start,
                total=expected if expected > start else None,
                unit="B",
                unit_scale=True,
                disable=None,
            ) as bar,
        ):
            try:
                while piece := response.read(PIECE):
                    bar.update(file.write(piece))
                if file.tell() < expected:
                    raise http.client.IncompleteRead(b"", expected - file.tell())
            except (OSError, http.client.HTTPException):
                if file.tell() <= size:
                    raise
                return False
    return True


def _check(path: pathlib.Path, file: PublicFile, remedy: str) -> None:
    """Raise InputError for other content than the published."""
    with path.open("rb") as opened:
        md5 = hashlib.file_digest(opened, "md5").hexdigest()
    if md5 != file.md5:
        raise InputError(
            f"{file.address}: MD5 {md5} instead of the published {file.md5}; {remedy}"
        )
