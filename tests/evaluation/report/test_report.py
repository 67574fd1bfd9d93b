"""The page about one run: text, tables, pictures and links."""

import copy
import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from etils import epath
from report_files import (
    CONFIG,
    METRICS,
    RESULTS,
    Page,
    make_examples,
    write_examples,
    write_run,
)

from adr_jax.errors import InputError
from adr_jax.evaluation.report import write_report
from adr_jax.evaluation.workdir import read_metrics


@pytest.fixture
def workdir(tmp_path) -> epath.Path:
    return write_run(epath.Path(tmp_path) / "wave run")


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> epath.Path:
    folder = epath.Path(tmp_path_factory.mktemp("run")) / "wave run"
    return write_report(write_run(folder))


@pytest.fixture(scope="module")
def page(path) -> Page:
    return Page(path)


# Scores -------------------------------------------------------------------------------


def test_numbers_shown_are_the_numbers_given(page):
    one_step, rollout = page.table(0), page.table(1)
    assert list(one_step) == ["model", "persistence", "extrapolation"] == list(rollout)
    for forecaster in one_step:
        given = RESULTS["protocols"]["one_step"][forecaster]
        assert one_step[forecaster]["nRMSE"]["value"] == given["nrmse"]
        assert one_step[forecaster]["PSNR"]["value"] == given["psnr"]
        given = RESULTS["protocols"]["rollout"][forecaster]
        assert rollout[forecaster]["nRMSE"]["value"] == given["nrmse"]
        assert rollout[forecaster]["mass drift"]["value"] == given["mass_drift"]
        assert (
            rollout[forecaster]["nRMSE at step 10"]["value"] == given["nrmse_at"]["10"]
        )
    assert one_step["model"]["nRMSE"]["text"] == "★ 1.11e-4 ±2.3e-5"
    assert one_step["model"]["PSNR"]["text"] == "38.2 ±1.5"
    assert one_step["persistence"]["nRMSE"]["text"] == "6.80e-3"
    assert one_step["persistence"]["oddity"]["text"] == "–"


def test_each_protocol_has_its_own_table_under_its_name(page):
    assert page.table(2)["model"]["novelty"]["value"] == 0.25
    for words in (
        "Protocol one_step 10 frames in, 1 out, 728 windows, split test The model is "
        "ahead in nRMSE: 1.11e-4, 16 times less than the 1.80e-3 of extrapolation,",
        "Protocol rollout 10 frames in, 12 out, 8 windows, split test",
        "Protocol a new <protocol> split validation",
    ):
        assert words in page.words
    assert "best median worst" not in page.words


def test_the_best_score_is_marked_by_the_direction_of_the_metric(page):
    def best(metric: str) -> set:
        cells = {
            forecaster: cells[metric] for forecaster, cells in page.table(0).items()
        }
        starred = {
            forecaster for forecaster, cell in cells.items() if "★" in cell["text"]
        }
        assert starred == {
            forecaster for forecaster, cell in cells.items() if cell["class"]
        }
        return starred

    assert best("nRMSE") == {"model"}  # lower is better
    assert best("PSNR") == {"extrapolation"}  # higher is better
    assert best("oddity") == set()  # nobody knows


def with_scores(workdir, **protocols) -> Page:
    (workdir / "results.json").write_text(json.dumps({"protocols": protocols}))
    return Page(write_report(workdir))


def test_nan_is_shown_and_is_never_best(workdir):
    scores = {"model": {"nrmse": float("nan")}, "persistence": {"nrmse": 0.5}}
    page = with_scores(workdir, p=scores)
    assert page.table(0)["model"]["nRMSE"]["text"] == "nan"
    assert page.table(0)["persistence"]["nRMSE"]["text"] == "★ 0.500"
    assert "The model is behind in nRMSE: nan" in page.words


@pytest.mark.parametrize(
    ("model", "other", "words"),
    [
        ({"nrmse": 0.2}, {"nrmse": 0.1}, "behind in nRMSE: 0.200, 2.0 times more than"),
        ({"psnr": 30.0}, {"psnr": 20.0}, "ahead in PSNR: 30.0, against the 20.0 of"),
        ({"psnr": 20.0}, {"psnr": 30.0}, "behind in PSNR: 20.0, against the 30.0 of"),
    ],
    ids=["behind", "higher is better", "and lower is not"],
)
def test_the_verdict_compares_with_the_best_baseline(workdir, model, other, words):
    page = with_scores(workdir, p={"model": model, "persistence": other})
    assert f"The model is {words}" in page.words


@pytest.mark.slow
def test_a_single_sample_has_no_spread(workdir):
    model = {"nrmse": 0.5, "spread": {"nrmse": 0.0}}
    page = with_scores(workdir, p={"samples": 1, "model": model})
    assert page.table(0)["model"]["nRMSE"]["text"] == "★ 0.500"


# The page -----------------------------------------------------------------------------


def test_the_page_states_model_data_and_commands(page, path):
    for part in (
        "adrnet on shallow_water wave run",
        "adrnet, 79,320 parameters, seed 0",
        "4,000 steps in 28 min 32 s, on 2 x CPU",
        "split distinct: 84 train, 8 validation, 9 test trajectories",
        "(65 train, 6 validation, 7 test distinct initial states)",
        "fingerprint 9f3ac21b",
        "a cell is 2 km, a step 5 min",
        "adr_jax 0.1.0, jax 0.10.2",
        RESULTS["command"],
        f"python -m adr_jax report --workdir {path.parent}",
    ):
        assert part in page.words


def test_page_opens_offline_and_is_light(path, page):
    assert page.loaded  # the frames: without them the next line says nothing
    assert all(link.startswith(("data:image/png;", "#")) for link in page.loaded)
    text = path.read_text()
    assert "http:" not in text and "https:" not in text and "@import" not in text
    assert not {"link", "iframe", "object", "audio", "video"} & set(page.tags)
    scripts = [attrs for tag, attrs in page.attributes if tag == "script"]
    assert scripts == [{}]
    assert all(part.startswith("#") for part in text.split("url(")[1:])


def test_every_picture_has_an_alternative_text(page):
    assert not page.unnamed
    of_groups = [alt for alt in page.alts if alt.startswith("Arrows of block")]
    assert len(of_groups) == 6  # two blocks of three
    starts = [alt.split(":")[0] for alt in page.alts if alt not in of_groups]
    assert starts == [
        "nRMSE against lead time (min)",
        *(
            f"{panel} of the sample {sample}{what}"
            for sample in (
                "median (window 5 of 8)",
                "best (window 3 of 8)",
                "worst, first (window 1 of 8)",
            )
            for panel, what in (
                ("target", ""),
                ("forecast", ""),
                ("forecast − target", ""),
                ("target, forecast, forecast − target", " at 3 steps."),
            )
        ),
        *3 * ["Arrows over a frame"],
        "Spectrum at step 1, 5 min",
        "Spectrum at step 6, 30 min",
        "Spectrum at step 12, 1 h",
        "loss against the training step",
        "validation nRMSE against the training step",
    ]
    # Steps of five minutes; the first and last value of the curve.
    assert "persistence from 6.80e-3 at 5 to 0.0236 at 60" in page.alts[0]


def test_charts_are_also_files(path):
    names = {file.name for file in (path.parent / "figures").iterdir()}
    assert names - {"samples.npz"} == {
        "rollout_nrmse_by_step.svg",
        "spectrum_1.svg",
        "spectrum_6.svg",
        "spectrum_12.svg",
        "loss.svg",
        "validation_nrmse.svg",
    }


def test_identifiers_are_unique_and_references_exist(page):
    assert len(set(page.ids)) == len(page.ids)
    inner = {link[1:] for link in page.loaded if link.startswith("#")}
    assert inner and inner <= set(page.ids)
    labels = [
        a["aria-labelledby"] for _, a in page.attributes if "aria-labelledby" in a
    ]
    assert labels and set(labels) <= set(page.ids)


def test_text_of_the_config_is_escaped(path, page):
    assert "<script>alert" not in path.read_text()
    assert CONFIG["model"]["note"] in page.text


def test_same_files_give_the_same_page(path):
    first = path.read_bytes()
    assert write_report(path.parent).read_bytes() == first


def test_the_page_can_be_written_elsewhere(workdir, tmp_path):
    output = tmp_path / "page.html"
    assert write_report(workdir, output) == epath.Path(output)
    assert output.exists() and not (workdir / "report.html").exists()


# Shares and displacements -------------------------------------------------------------


def test_shares_are_those_stored(page):
    table = page.table(3)
    given = 100 * make_examples().shares
    for n, term in enumerate(("advection", "diffusion", "reaction")):
        cells = [table[term][f"block {b}"] for b in (1, 2)]
        assert [cell["value"] for cell in cells] == given[:, n].tolist()
    assert table["diffusion"]["block 2"]["text"] == "0.4 %"
    assert table["reaction"]["block 1"]["text"] == "30 %"


def test_blocks_and_groups_have_their_longest_displacement(workdir):
    motion = np.zeros((2, 5, 6, 3, 2))
    motion[0, 3, 3, :, 0] = (3.0, 0.0, -6.0)  # the mean -1, and added to
    motion[1, 3, 3, :, 0] = -0.5
    net = np.broadcast_to(motion.mean(axis=3).sum(axis=0), (3, 3, 5, 6, 2))
    write_examples(workdir, make_examples(motion=motion, net_motion=net))
    page = Page(write_report(workdir))
    for words in (
        "net motion: longest 1.5 cells",
        "block 1: longest 1.0 cells",
        "block 2: longest 0.50 cells",
        # Largest displacements first, whatever their index.
        "group 3: longest 6.0 cells group 1: longest 3.0 cells group 2: longest 0",
        "km in 5 min",
    ):
        assert words in page.words


# What is missing ----------------------------------------------------------------------


def test_a_run_of_an_earlier_version_lists_missing_sections(workdir):
    (workdir / "figures" / "samples.npz").unlink()
    results = copy.deepcopy(RESULTS)
    for key in ("data", "command", "versions", "device"):
        del results[key]
    (workdir / "results.json").write_text(json.dumps(results))
    page = Page(write_report(workdir))
    assert (
        "Left out Forecasts, What moves where, Share of each term, Spectra: "
        f"{workdir / 'figures' / 'samples.npz'} is missing" in page.words
    )
    assert "holds no command" in page.words
    assert not page.unnamed and len(page.tables) == 3
    assert "script" not in page.tags


def test_other_sections_are_shown_without_scores_and_training(workdir):
    (workdir / "results.json").write_text('{"protocols": {}}')
    (workdir / "metrics.jsonl").write_text('{"step": 1, "rate": 2.0}')
    page = Page(write_report(workdir))
    assert "Scores: results.json names no protocol" in page.words
    assert "Training: metrics.jsonl has neither a loss nor" in page.words
    assert "Sample: median" in page.words


def test_a_network_without_displacement(workdir):
    none = {"shares": None, "net_motion": None, "motion": None}
    write_examples(workdir, make_examples(**none))
    page = Page(write_report(workdir))
    assert "What moves where: the network has no displacements." in page.words
    why = "the network has no advection, diffusion and reaction"
    assert f"Share of each term: {why}." in page.words
    assert "Sample: median" in page.words
    assert not any("rrows" in alt for alt in page.alts)
    assert "Arrows over the forecast" not in page.words


@pytest.mark.parametrize("space", [(24,), (4, 20, 24)], ids=["1-D", "3-D"])
def test_frames_that_are_not_two_dimensional(workdir, space):
    parts = ("pictures", "net_motion", "motion", "ground")
    write_examples(workdir, make_examples(space=space, **dict.fromkeys(parts)))
    page = Page(write_report(workdir))
    n = len(space)
    assert f"Forecasts: frames are drawn in two dimensions, not {n}." in page.words
    assert f"moves where: arrows are drawn in two dimensions, not {n}." in page.words
    assert "Share of each term The shares of advection" in page.words
    assert "Spectrum at step 1" in page.words


def test_a_forecast_that_blew_up_is_still_drawn(workdir):
    examples = make_examples()
    examples.pictures[:, 1:, 1] = 1e30
    examples.pictures[:, 1:, 2] = np.nan
    examples.spectra[1:] = np.nan
    examples.motion[:] = np.nan
    examples.net_motion[:] = np.inf
    write_examples(workdir, examples)
    page = Page(write_report(workdir))
    assert not page.unnamed
    assert "missing or NaN" in page.words


def test_a_loss_that_is_never_finite_is_drawn(workdir):
    (workdir / "metrics.jsonl").write_text('{"step": 1, "loss": NaN}')
    page = Page(write_report(workdir))
    assert (
        "loss against the training step: loss from nan at 1 to nan at 1." in page.alts
    )


def test_missing_cells_leave_no_spectrum(workdir):
    examples = make_examples()
    examples.spectra[0, 1] = np.nan
    write_examples(workdir, examples)
    page = Page(write_report(workdir))
    assert "Left out Spectra: cells are missing from these frames" in page.words


# Files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken", [b'{"step": 60, "lo', b"\0\0", b"\xff", b"[1]", b'{"loss": 1}']
)
def test_a_broken_line_of_metrics_is_skipped(workdir, broken):
    file = workdir / "metrics.jsonl"
    # A resumed run continues after the broken line and repeats steps.
    again = b'\n{"step": 40, "loss": 0.125}\n{"step": 30, "loss": 0.375}'
    file.write_bytes(file.read_bytes() + broken + again)
    series, skipped = read_metrics(workdir)
    assert skipped == 1
    assert list(series["loss"].items()) == [(20, 0.5), (30, 0.375), (40, 0.125)]
    assert series["validation_nrmse"] == {40: METRICS[2]["validation_nrmse"]}
    page = Page(write_report(workdir))
    assert "1 unreadable line of metrics.jsonl left out" in page.text


@pytest.mark.parametrize("name", ["config.json", "results.json", "metrics.jsonl"])
def test_a_missing_file_is_named_with_what_writes_it(workdir, name):
    (workdir / name).unlink()
    with pytest.raises(InputError, match=rf"{name} is missing: train.py writes it"):
        write_report(workdir)


@pytest.mark.parametrize(
    "name, content",
    [
        ("config.json", b"{"),
        ("config.json", b"[]"),
        ("results.json", b'{"protocols": {'),
        ("results.json", b"{}"),
        ("results.json", b'{"protocols": {"one_step": 3}}'),
        ("results.json", b"\xff\xfe"),
        ("metrics.jsonl", b""),
        ("metrics.jsonl", b"{"),
        ("figures/samples.npz", b""),
        ("figures/samples.npz", b"PK\x03\x04 but no archive"),
        ("figures/samples.npz", b"anything"),
    ],
)
def test_a_damaged_file_is_named_with_what_writes_it(workdir, name, content):
    (workdir / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} is damaged \(.+\): train.py writes"):
        write_report(workdir)
    assert not (workdir / "report.html").exists()


def test_cut_or_incomplete_samples_are_damaged(workdir):
    file = workdir / "figures" / "samples.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    with pytest.raises(InputError, match="samples.npz is damaged"):
        write_report(workdir)
    file.write_bytes(whole)
    arrays = dict(np.load(file))
    del arrays["windows"]
    np.savez(file, **arrays)
    with pytest.raises(InputError, match="damaged .*windows"):
        write_report(workdir)
    examples = make_examples()
    for name in ("roles", "scores_at", "pictures", "net_motion"):
        shorter = {name: getattr(examples, name)[:2]}
        write_examples(workdir, dataclasses.replace(examples, **shorter))
        with pytest.raises(InputError, match=f"expected {name} of 3 samples, 3 steps"):
            write_report(workdir)


@pytest.mark.parametrize("library", ["matplotlib", "jinja2"])
def test_a_missing_library_says_what_to_install(workdir, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(
        InputError, match=rf"{library}.*pip install 'adr_jax\[report\]'"
    ):
        write_report(workdir)


def test_importing_the_report_loads_no_plotting():
    code = (
        "import sys, adr_jax.evaluation.report;"
        "assert not {'matplotlib', 'jinja2', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_plotting_keeps_no_global_state(workdir):
    # Reading "backend" would choose one, which loads pyplot.
    code = (
        "import sys, matplotlib as m;"
        "settings = lambda: {k: m.rcParams[k] for k in m.rcParams if k != 'backend'};"
        "before = settings();"
        "from adr_jax.evaluation.report import write_report;"
        f"write_report({str(workdir)!r});"
        "assert 'matplotlib.pyplot' not in sys.modules;"
        "assert settings() == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_style_covers_dark_mode_phones_and_paper(path):
    style = re.findall(r"<style>(.*?)</style>", path.read_text(), re.DOTALL)[0]
    for medium in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print"):
        assert medium in style
    assert 'name="viewport"' in path.read_text()
