"""What a run writes while it runs, on a disk and in a bucket."""

import io
import json
import struct

import fsspec
import numpy as np
import pytest
from etils import epath
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

from adr_jax.evaluation.workdir import write_json
from adr_jax.training.run import locks
from adr_jax.training.run.journal import Journal

METRICS = {"loss": 0.5, "steps_per_second": 2.0, "wait_share": 0.01}


class Bucket(MemoryFileSystem):
    """Like a bucket it has no appending."""

    protocol = ("gcs", "gs")
    store: dict = {}

    def __init__(self, **options):
        super().__init__()

    def _open(self, path, mode="rb", **options):
        assert "a" not in mode
        return super()._open(path, mode, **options)


@pytest.fixture(params=["disk", "bucket"])
def workdir(request, tmp_path):
    if request.param == "disk":
        return epath.Path(tmp_path)
    fsspec.register_implementation("gcs", Bucket, clobber=True)
    workdir = epath.Path("gs://bucket/run")
    workdir.mkdir(parents=True, exist_ok=True)
    return workdir


def lines(workdir):
    return (workdir / "metrics.jsonl").read_text().splitlines()


def events(workdir):
    """Yield the values of event files: records of length, bytes, checksums."""
    for path in sorted((workdir / "tensorboard").iterdir()):
        content = io.BytesIO(path.read_bytes())
        while header := content.read(12):
            event = Event.FromString(content.read(struct.unpack("<Q", header[:8])[0]))
            content.read(4)
            yield from ((event.step, value) for value in event.summary.value)


def test_a_line_and_an_event_for_each_record(workdir):
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    with Journal(workdir, first_step=0, total_steps=6) as journal:
        journal.record(2, {"loss": 0.25})
        journal.sync()
        assert [json.loads(line) for line in lines(workdir)] == [
            {"step": 2, "loss": 0.25}
        ]
        journal.record(4, {"loss": 0.125})
        journal.show(4, "forecast", picture)
    assert [json.loads(line)["step"] for line in lines(workdir)] == [2, 4]
    written = list(events(workdir))
    losses = [(step, v.simple_value) for step, v in written if v.tag == "loss"]
    assert losses == [(2, 0.25), (4, 0.125)]
    (image,) = [v.image for step, v in written if v.tag == "forecast" and step == 4]
    shown = np.asarray(Image.open(io.BytesIO(image.encoded_image_string)))
    np.testing.assert_array_equal(shown.reshape(3, 4, -1)[..., 0], picture)


def test_what_nothing_defined_is_left_out(workdir):
    with Journal(workdir, first_step=0, total_steps=6) as journal:
        journal.record(3, {"validation_far": float("nan"), "validation_csi": 0.5})
    assert [json.loads(line) for line in lines(workdir)] == [
        {"step": 3, "validation_csi": 0.5}
    ]
    assert [value.tag for _, value in events(workdir)] == ["validation_csi"]


def test_lines_of_steps_to_be_done_again_are_dropped(workdir):
    whole = ['{"step": 2, "loss": 1.0}', '{"step": 4, "loss": 0.5}']
    text = "\n".join([*whole, '{"step": 6, "loss": 0.2}', '{"step": 8, "lo'])
    (workdir / "metrics.jsonl").write_text(text)
    with Journal(workdir, first_step=4, total_steps=8) as journal:
        journal.record(6, {"loss": 0.25})
    assert lines(workdir) == [*whole, '{"step": 6, "loss": 0.25}']


def test_what_was_recorded_survives_an_error(workdir):
    with (
        pytest.raises(KeyboardInterrupt),
        Journal(workdir, first_step=0, total_steps=8) as journal,
    ):
        journal.record(2, {"loss": 0.25})
        raise KeyboardInterrupt
    assert len(lines(workdir)) == 1


def test_where_no_terminal_is_a_step_is_a_plain_line(tmp_path, capsys):
    with Journal(epath.Path(tmp_path), first_step=0, total_steps=600) as journal:
        journal.progress(120, METRICS)
        journal.progress(240, METRICS | {"wait_share": 0.3, "device_memory_gib": 7.25})
    printed = capsys.readouterr()
    first, second = printed.out.splitlines()
    assert first == "step 120/600  loss 0.5  2 steps/s  4.0 min left"
    assert "  waiting for data 30%  7.2 GiB  2 steps/s  3.0 min" in second
    assert printed.err == ""


def test_a_bucket_is_claimed_and_written():
    fsspec.register_implementation("gcs", Bucket, clobber=True)
    workdir = epath.Path("gs://bucket/claimed")
    with locks.claimed(workdir):
        write_json(workdir / "results.json", {"a": 1})
    assert [path.name for path in workdir.iterdir()] == ["results.json"]
