"""The idx reader: the content of a file, or one sentence on what is wrong with it."""

import gzip
import re

import numpy as np
import pytest

from adr_jax.data.files import idx
from adr_jax.errors import InputError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = bytes.fromhex("00000803 00000002 00000003 00000004") + IMAGES.tobytes()


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_an_array_comes_back_compressed_or_not(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(CONTENT) if name.endswith(".gz") else CONTENT)
    np.testing.assert_array_equal(idx.read(path), IMAGES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("short", CONTENT[:-1], "has 39 bytes where its header promises 40"),
        ("long", CONTENT + b"0", "has 41 bytes where its header promises 40"),
        ("header", CONTENT[:10], "cut short"),
        ("empty", b"", "starts with nothing"),
        ("magic", b"\x89PNG" + CONTENT[4:], "starts with 89 50 4e 47"),
        ("floats", bytes.fromhex("00000d03") + CONTENT[4:], "starts with 00 00 0d 03"),
        ("packed", gzip.compress(CONTENT), "mend its name"),
        ("unpacked.gz", CONTENT, "cannot be read"),
        ("cut.gz", gzip.compress(CONTENT)[:-12], "cannot be read"),
        ("bad.gz", gzip.compress(CONTENT)[:10] + b"\xff" * 30, "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_a_damaged_file_is_refused_by_name(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        idx.read(path)
    assert re.match(re.escape(str(path)), str(error.value))
    assert "fetch it again" in str(error.value)


def test_the_public_digits_are_read(real_data):
    images = idx.read(real_data / "mnist" / "t10k-images-idx3-ubyte.gz")
    labels = idx.read(real_data / "mnist" / "t10k-labels-idx1-ubyte.gz")
    assert images.shape == (10_000, 28, 28)
    assert labels.shape == (10_000,)
    assert set(labels.tolist()) == set(range(10))
