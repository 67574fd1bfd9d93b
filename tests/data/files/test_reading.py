"""Errors of readers become one line that names the file."""

import pytest

from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError


def test_the_message_names_file_reason_and_remedy():
    message = r"^f.h5 cannot be read \(bad magic\): it is damaged, .*; fetch it$"
    with pytest.raises(InputError, match=message), reading("f.h5", "fetch it"):
        raise OSError("bad\n  magic")


def test_an_error_without_words_is_named_by_its_type():
    message = r"\(EOFError\): .*; make or fetch it again"
    with pytest.raises(InputError, match=message), reading("f.h5"):
        raise EOFError


def test_an_input_error_stays_as_it_is():
    with pytest.raises(InputError, match="^the first$"), reading("the second"):
        raise InputError("the first")


def test_an_interruption_is_no_damage():
    with pytest.raises(KeyboardInterrupt), reading("f.h5"):
        raise KeyboardInterrupt
