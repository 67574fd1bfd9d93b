"""Tables of scores as text."""

import pytest

from adr_jax.evaluation.report import tables


def row(score, ms=None):
    scores = {"nrmse": score, "psnr": 30 + score, "nrmse_at": {"10": score / 2}}
    scores |= {"nrmse_by_step": [score / 2], "spread": {"nrmse": score / 10}}
    return scores if ms is None else scores | {"ms_per_frame": ms}


def result(score, samples=8):
    return {
        "split": "test",
        "samples": samples,
        "history": 10,
        "horizon": 91,
        "model": row(score, ms=4.0),
        "persistence": row(0.25),
        "extrapolation": row(0.5),
    }


def a_run(score, fingerprint="ab", protocols=("rollout",), device="2 x CPU"):
    return {
        "protocols": {name: result(score) for name in protocols},
        "device": device,
        "data": {"name": "water", "split": "distinct", "fingerprint": fingerprint},
    }


def cells(text):
    """Return the lines below the title as lists of words."""
    return [line.split() for line in text.splitlines()[1:]]


def test_a_protocol_of_one_run():
    text = tables.protocol_table("rollout", result(0.0123))
    assert text.splitlines()[0] == (
        "rollout: 10 frames in, 91 out, 8 windows, split test; 'step' columns are nrmse"
    )
    header, *rows = cells(text)
    assert header == ["nrmse", "psnr", "step", "10", "ms/frame"]
    assert rows[0] == ["model", "0.0123", "±1.2e-3", "30.0", "6.15e-3", "4.00"]
    assert rows[1] == ["persistence", "0.250", "±0.025", "30.2", "0.125"]
    assert rows[2][0] == "extrapolation"


def test_runs_side_by_side_on_the_same_data():
    runs = [
        ("a", a_run(0.1)),
        ("b", a_run(0.2, protocols=("rollout", "one_step"), device="1 x GPU")),
    ]
    text = tables.side_by_side(runs)
    assert text.startswith("rollout on water, split distinct, all runs")
    assert "one_step" not in text  # which only one of them has
    header, *rows = cells(text)
    assert header[-2:] == ["ms/frame", "device"]
    assert [row[0] for row in rows] == ["a", "b", "persistence", "extrapolation"]
    assert rows[0][1:4] == ["10", "8", "0.100"]
    assert rows[1][1:4] == ["10", "8", "0.200"]
    assert rows[1][-3:] == ["1", "x", "GPU"]


def test_runs_on_different_data_share_no_table():
    assert tables.side_by_side([("a", a_run(0.1)), ("b", a_run(0.2, "cd"))]) == ""
    assert tables.side_by_side([("a", a_run(0.1))]) == ""


def test_robustness_has_a_table_for_noise_and_one_for_missing_cells():
    scores = {
        "noise": {"model": {"0": 0.01, "0.1": 0.02}},
        "missing": {"model": {"0": 0.01, "0.5": 0.03}},
    }
    facts = {"protocol": "one_step", "split": "test", "samples": 64, "metric": "nrmse"}
    noise, missing = tables.robustness_tables(facts | scores).split("\n\n")
    assert "nrmse of one_step by standard deviations of noise" in noise
    assert cells(noise) == [["0", "0.1"], ["model", "0.0100", "0.0200"]]
    assert "by share missing" in missing
    assert cells(missing)[1] == ["model", "0.0100", "0.0300"]


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_nan_and_infinity_are_printed(score):
    assert str(score) in tables.protocol_table("rollout", result(score))
