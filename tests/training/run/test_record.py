"""Runs of other versions: what they lack is named, in one line, by whatever uses it."""

import json
import shutil

import pytest
from etils import epath

import adr_jax
from adr_jax import data
from adr_jax.__main__ import main
from adr_jax.errors import InputError
from adr_jax.training import configuration, loop
from adr_jax.training.run import checkpoint, record


@pytest.fixture
def rewrite(untrained, tmp_path):
    """Make a run whose record, configuration or model is another version's."""

    def make(change_record=None, change_config=None):
        workdir = tmp_path / "run"
        shutil.copytree(untrained, workdir)
        config = json.loads((workdir / "config.json").read_text())
        if change_config:
            change_config(config)
        (workdir / "config.json").write_text(json.dumps(config))
        best = checkpoint.Checkpoints(epath.Path(workdir / "best"), keep=1)
        state, content = best.restore()
        if change_record:
            change_record(content)
        best.save(0, state, content)
        best.close()
        return workdir

    return make


def errors(workdir, water_file):
    """Yield what each way to use a run says of it."""
    with pytest.raises(InputError) as python:
        model = adr_jax.load(workdir)
        model.forecast(data.load(model.config.data).trajectories.read(0, 0, 4), 1)
    yield str(python.value)
    output = workdir.parent / "output.h5"
    for command in (
        "evaluate",
        f"forecast --input {water_file} --steps 1 --output {output}",
        f"export --output {output}",
    ):
        with pytest.raises(SystemExit) as stop:
            main([*command.split(), "--workdir", str(workdir)])
        yield str(stop.value.code)
        assert not output.exists()


def check_told(workdir, water_file, *parts):
    for message in errors(workdir, water_file):
        assert "\n" not in message
        for part in (
            *parts,
            "another version of adr_jax wrote it",
            "another --workdir",
        ):
            assert part in message


@pytest.mark.slow
@pytest.mark.parametrize("key", ["frame_shape", "statistics"])
def test_a_record_that_lacks_what_is_needed(key, rewrite, water_file):
    workdir = rewrite(lambda content: content.pop(key))
    check_told(workdir, water_file, f"no {key!r}", "run/best/0", "0.1.0")


def test_statistics_that_lack_a_number(rewrite, water_file):
    workdir = rewrite(lambda content: content["statistics"].pop("first_difference"))
    check_told(workdir, water_file, "no 'first_difference'")


def test_a_checkpoint_from_before_there_were_digests(rewrite, water_file, monkeypatch):
    save = checkpoint.ocp.args.JsonSave
    with monkeypatch.context() as before:
        before.setattr(
            checkpoint.ocp.args,
            "JsonSave",
            lambda content: save({"record": content["record"]}),
        )
        workdir = rewrite()
    check_told(workdir, water_file, "no digest")


def test_a_configuration_that_lacks_a_field(rewrite, water_file):
    workdir = rewrite(change_config=lambda config: config["model"].pop("context"))
    check_told(workdir, water_file, "config.json: ", "no field model.context")


def test_another_network(rewrite, water_file):
    workdir = rewrite(change_config=lambda config: config["model"].update(channels=6))
    check_told(workdir, water_file, "params/blocks/", "(1, 4)", "(1, 6)")


def test_what_is_not_needed_may_be_missing(rewrite, water_file):
    def forget(content):
        for key in ("device", "command", "version"):
            del content[key]

    workdir = rewrite(forget, lambda config: config["train"].pop("ema"))
    model = adr_jax.load(workdir)
    frames = data.load(model.config.data).trajectories.read(0, 0, 4)
    assert model.forecast(frames, 1).shape == (1, 16, 16, 1)


@pytest.mark.slow
def test_a_run_of_another_version_is_not_continued(config, tmp_path):
    dataset = data.load(config.data)
    loop.train(configuration.read(config), epath.Path(tmp_path), dataset)
    checkpoints = checkpoint.Checkpoints(epath.Path(tmp_path / "checkpoints"), keep=3)
    state, content = checkpoints.restore()
    for lacking, message in (
        ("best_score", "no 'best_score'"),
        ("average", "average/params/.* is absent"),
    ):
        told = {name: of for name, of in content.items() if name != lacking}
        kept = {name: of for name, of in state.items() if name != lacking}
        checkpoints.save(6, kept, told)
        checkpoints.wait()
        config.train.steps = 8
        with pytest.raises(InputError, match=message):
            loop.train(configuration.read(config), epath.Path(tmp_path), dataset)
    checkpoints.close()


def test_all_that_is_written_is_asked_for(config):
    written = set(record.new_record(configuration.read(config), data.load(config.data)))
    assert written == {*record.KEYS, "cell_size", "frame_interval"}


def test_frames_at_another_interval_are_refused(rewrite, water_file):
    workdir = rewrite(lambda content: content.update(frame_interval="5 min"))
    flags = ["evaluate", f"--workdir={workdir}", f"--data={water_file}"]
    with pytest.raises(SystemExit) as stop:
        main([*flags, "--protocols=one_step"])
    assert "forecasts frames 5 min apart, those of shallow_water" in str(stop.value)


def test_a_short_file_is_scored_by_what_fits_and_the_rest_is_named(
    rewrite, water_file, capsys
):
    def protocols(*names):
        return rewrite(None, lambda config: config["eval"].update(protocols=names))

    workdir = protocols("one_step", "cloudcast")
    main(["evaluate", f"--workdir={workdir}", f"--data={water_file}"])
    printed = capsys.readouterr().out
    assert "not scored by cloudcast: a window of 32 frames does not fit" in printed
    assert "advected" in printed
    shutil.rmtree(workdir)
    with pytest.raises(SystemExit, match="a window of 32 frames does not fit"):
        workdir = protocols("cloudcast")
        main(["evaluate", f"--workdir={workdir}", f"--data={water_file}"])


@pytest.mark.parametrize(
    ("program", "typed"),
    [
        ("/any/place/adr_jax/__main__.py", "python -m adr_jax"),
        ("train.py", "python train.py"),
    ],
)
def test_the_command_is_what_was_typed(program, typed):
    argv = [program, "train", "--workdir", "my runs"]
    assert record._command(argv) == f"{typed} train --workdir 'my runs'"
