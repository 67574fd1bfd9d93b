"""Files and folders that are written whole or not at all, also by epath."""

import pathlib

import pytest
from etils import epath

from adr_jax.data.files.atomic import written_whole


@pytest.fixture(params=[pathlib.Path, epath.Path], ids=["pathlib", "epath"])
def folder(request, tmp_path):
    """Return an empty folder, as either kind of path."""
    return request.param(tmp_path)


def names(folder):
    return sorted(item.name for item in folder.iterdir())


def test_a_file_appears_when_all_went_well_and_replaces_another(folder):
    for content in ("first", "second"):
        with written_whole(folder / "file") as partial:
            partial.write_text(content)
            assert not (folder / "file").exists() or content == "second"
        assert (folder / "file").read_text() == content
    assert names(folder) == ["file"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_nothing_is_left_when_anything_went_wrong(folder, error):
    (folder / "file").write_text("old")
    with pytest.raises(error), written_whole(folder / "file") as partial:
        partial.write_text("half")
        raise error
    with pytest.raises(error), written_whole(folder / "folder") as partial:
        partial.mkdir()
        (partial / "half").write_text("half")
        raise error
    assert names(folder) == ["file"]
    assert (folder / "file").read_text() == "old"


def test_a_folder_appears_with_all_that_is_in_it(folder):
    with written_whole(folder / "folder") as partial:
        (partial / "within").mkdir(parents=True)
        (partial / "within" / "file").write_text("content")
    assert (folder / "folder" / "within" / "file").read_text() == "content"
    assert names(folder) == ["folder"]
