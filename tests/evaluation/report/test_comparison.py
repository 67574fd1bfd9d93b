"""The page with several runs side by side, and its refusals."""

import copy
import json

import numpy as np
import pytest
from etils import epath
from report_files import RESULTS, Page, make_examples, scores, write_examples, write_run

from adr_jax.__main__ import main
from adr_jax.errors import InputError
from adr_jax.evaluation.report import write_comparison


def other_results() -> dict:
    results = copy.deepcopy(RESULTS)
    results["protocols"]["rollout"]["model"] = scores(5.5e-5)
    results["command"] = "python train.py --config configs/other.py"
    return results


@pytest.fixture
def runs(tmp_path) -> list[epath.Path]:
    """Return two runs that share two of their three windows."""
    folder = epath.Path(tmp_path)
    examples = make_examples(
        windows=np.array([7, 2, 0]), roles=("median", "worst", "first")
    )
    return [
        write_run(folder / "one"),
        write_run(folder / "two", other_results(), examples),
    ]


@pytest.fixture
def page(runs) -> Page:
    return Page(write_comparison(runs))


def change(workdir: epath.Path, edit) -> None:
    results = json.loads((workdir / "results.json").read_text())
    edit(results)
    (workdir / "results.json").write_text(json.dumps(results))


def test_a_table_has_both_models_and_the_baselines_once(page):
    table = page.table(1)
    assert list(table) == ["one", "two", "persistence", "extrapolation"]
    for name, results in (("one", RESULTS), ("two", other_results())):
        given = results["protocols"]["rollout"]["model"]
        assert table[name]["nRMSE"]["value"] == given["nrmse"]
        assert table[name]["nRMSE at step 10"]["value"] == given["nrmse_at"]["10"]
    assert "★" in table["two"]["nRMSE"]["text"]
    assert "★" not in table["one"]["nRMSE"]["text"]


def test_error_curves_of_runs_share_axes(page):
    (curves,) = [alt for alt in page.alts if alt.startswith("nRMSE against")]
    for name in ("one", "two", "persistence", "extrapolation"):
        assert f"{name} from " in curves
    losses = [alt for alt in page.alts if alt.startswith("loss against")]
    assert len(losses) == 1 and "one from" in losses[0] and "two from" in losses[0]


def test_windows_that_both_stored_are_side_by_side(page):
    assert "Sample: window 3 of 8 (best of one; worst of two)" in page.words
    assert "Sample: window 1 of 8 (worst, first of one; first of two)" in page.words
    assert "window 5 of 8" not in page.words  # stored by the first alone
    panels = [alt.split(" of the sample")[0] for alt in page.alts if "sample" in alt]
    expected = ["target", "forecast of one", "forecast of two"]
    errors = [f"forecast − target of {name}" for name in ("one", "two")]
    assert panels[:5] == expected + errors


def test_each_run_has_its_own_shares_and_command(page):
    for name in ("one", "two"):
        assert f"{name} advectiondiffusionreaction block 1" in page.words
    assert RESULTS["command"] in page.words
    assert other_results()["command"] in page.words


def test_comparison_with_a_network_without_displacement(runs):
    none = {"shares": None, "net_motion": None, "motion": None, "spacing": 1}
    first, second = Page(write_comparison(runs)), runs[0]
    write_examples(second, make_examples(**none))
    page = Page(write_comparison(runs))
    assert len(page.tables) == len(first.tables) - 1  # one of two with shares
    # The arrows of the other run are unchanged.
    moved = [
        [a for tag, a in view.attributes if tag == "path" and "data-paths" in a]
        for view in (first, page)
    ]
    assert len(moved[1]) == len(moved[0]) / 2 > 0
    assert moved[1][0]["transform"] == moved[0][0]["transform"]


def test_it_opens_offline(page, runs):
    assert all(link.startswith(("data:image/png;", "#")) for link in page.loaded)
    assert len(set(page.ids)) == len(page.ids) and not page.unnamed
    inner = {link[1:] for link in page.loaded if link.startswith("#")}
    assert inner <= set(page.ids)


def test_runs_of_one_name_are_shown_by_their_paths(runs, tmp_path):
    again = epath.Path(tmp_path) / "elsewhere" / "one"
    page = Page(write_comparison([runs[0], write_run(again)]))
    assert list(page.table(0))[:2] == ["one", "elsewhere/one"]


def test_a_long_name_leaves_room_for_the_curves(runs):
    longest = runs[0].rename(runs[0].with_name("one" + 30 * "-long"))
    page = Page(write_comparison([longest, runs[1]]))
    assert longest.name in page.table(0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", "radar"), ("split", "pdebench"), ("fingerprint", "0")],
)
def test_other_data_are_refused(runs, key, value):
    change(runs[1], lambda results: results["data"].update({key: value}))
    known = RESULTS["data"][key]
    message = f"not comparable: the {key} of their data is {known} in one, {value} in"
    with pytest.raises(InputError, match=message):
        write_comparison(runs)
    assert not (runs[0] / "comparison.html").exists()


def test_a_run_without_facts_of_its_data_is_refused(runs):
    change(runs[1], lambda results: results.pop("data"))
    with pytest.raises(InputError, match="two cannot be compared: .* name of its data"):
        write_comparison(runs)


@pytest.mark.parametrize("key", ["split", "history", "horizon", "samples"])
def test_a_protocol_on_other_windows_is_not_compared(runs, key):
    def edit(results):
        results["protocols"]["rollout"][key] = 3

    change(runs[1], edit)
    page = Page(write_comparison(runs))
    assert "and so not shown: rollout." in page.words
    assert "Protocol rollout" not in page.words


def test_runs_that_share_no_protocol_are_refused(runs):
    def edit(results):
        results["protocols"] = {"rollout": results["protocols"]["rollout"]}
        results["protocols"]["rollout"]["history"] = 4

    change(runs[1], edit)
    message = r"share no protocol on the same windows .*4 frames in, 12 out, 8 windows"
    with pytest.raises(InputError, match=message) as error:
        write_comparison(runs)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_missing_or_other_examples_are_left_out(runs):
    write_examples(runs[1], make_examples(protocol="one_step"))
    page = Page(write_comparison(runs))
    reason = (
        "the runs stored forecasts of different protocols: rollout by one, one_step"
    )
    assert f"Forecasts: {reason}" in page.words
    (runs[1] / "figures" / "samples.npz").unlink()
    page = Page(write_comparison(runs))
    file = runs[1] / "figures" / "samples.npz"
    assert f"Forecasts, Share of each term: {file} is missing" in page.words


def test_the_command_writes_one_page_or_none(runs, tmp_path, capsys):
    output = tmp_path / "both.html"
    workdirs = [str(run) for run in runs]
    main(["report", "--workdir", *workdirs, "--output", str(output)])
    assert capsys.readouterr().out.strip() == str(output)
    assert output.exists()
    for arguments, message in (
        (["--workdir", workdirs[0], workdirs[0]], "one is named twice"),
        (["--workdir", *4 * workdirs[:1]], "compares 2 or 3 runs, not 4"),
        (["--workdir", *workdirs, "--output", "absent/page.html"], "no folder absent"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["report", *arguments])
        assert message in str(stop.value.code)
        assert "\n" not in str(stop.value.code)
