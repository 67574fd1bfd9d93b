"""The model card: the numbers of the results, and the limits of the model."""

import copy
import json
import math

import pytest

from adr_jax import data
from adr_jax.__main__ import main
from adr_jax.evaluation.report.model_card import is_better, model_card
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.training import loop

STEPS = 12


def row(nrmse, psnr, by_step=()):
    scores = {"nrmse": nrmse, "psnr": psnr, "spread": {"nrmse": nrmse / 8, "psnr": 1.5}}
    if by_step:
        scores |= {"nrmse_at": {"10": by_step[9]}, "nrmse_by_step": by_step}
    return scores


def protocol(model, persistence, extrapolation):
    facts = {"split": "test", "samples": 728, "history": 4, "horizon": STEPS}
    rows = {"model": model, "persistence": persistence, "extrapolation": extrapolation}
    return {**facts, **rows}


RESULTS = {
    "protocols": {
        "one_step": protocol(row(1.1e-4, 38.2), row(6.8e-3, 31.0), row(1.8e-3, 34.6)),
        "rollout": protocol(
            row(0.03, 30.5, [0.0049 * step for step in range(1, STEPS + 1)]),
            row(0.04, 28.4, [0.04] * 8 + [0.06, 0.06, 0.05, 0.05]),
            row(0.3, 12.7, [0.05 * step for step in range(1, STEPS + 1)]),
        ),
    },
    "config": {
        "data": {"path": "", "history": 4},
        "model": {
            "name": "adrnet",
            "transport": "push",
            "frames_out": 1,
            "boundary": "periodic",
        },
    },
    "seed": 3,
    "step": 4000,
    "parameters": 79320,
    "train_seconds": 1712.4,
    "trained_on": "1 x GPU",
    "device": "2 x CPU",
    "versions": {"adr_jax": "0.1.0", "jax": "0.10.2"},
    "data": {
        "name": "cloudcast",
        "fingerprint": "9f3ac21b",
        "split": "in_time",
        "trajectories": {"train": 84, "validation": 8, "test": 9},
        "states": {"train": 65, "validation": 6, "test": 7},
        "unit": "",
        "cell_size": "15 km",
        "frame_interval": 0.25,
    },
    "frame_shape": [128, 96, 1],
    "channels": ["cloud"],
    "command": "python train.py --config configs/cloudcast.py",
}


def tables(card):
    """Read protocol -> row -> column -> cell back from the Markdown."""
    found, name, columns = {}, "", []
    for line in card.splitlines():
        if line.startswith("**"):
            name = line.split("**")[1]
            found[name] = {}
        elif line.startswith("| ") and "---" not in line:
            forecaster, *row = (cell.strip() for cell in line.strip("|").split("|"))
            if forecaster:
                found[name][forecaster] = dict(zip(columns, row, strict=True))
            else:
                columns = row
    return found


def check_same_numbers(card, protocols):
    found = tables(card)
    assert list(found) == list(protocols)
    for name, scores in protocols.items():
        for forecaster, row in found[name].items():
            for column, cell in row.items():
                step = column.removeprefix("step ")
                column = {"ms/frame": "ms_per_frame"}.get(column, column)
                known = scores[forecaster]
                if column.startswith("step "):
                    headline = next(iter(known))
                    assert cell == numeral(known[f"{headline}_at"][step])
                elif column in known:
                    score, _, spread = cell.partition(" ±")
                    assert score == numeral(known[column])
                    if spread:
                        assert spread == numeral(known["spread"][column], 2)
                else:
                    assert (column, cell) == ("ms_per_frame", "")


def test_the_numbers_of_the_card_are_those_of_the_results():
    card = model_card(RESULTS, "clouds")
    check_same_numbers(card, RESULTS["protocols"])
    for text in (
        "# Model card: clouds",
        "79,320 parameters",
        "4 frames of 128 x 96 cells of cloud",
        "train: 84 trajectories of 65 distinct states",
        "CC BY-NC-SA 4.0",
        "cell size: 15 km",
        "frame interval: 0.25",
        "unit: not stated",
        "`periodic`",
        "seed 3, step 4000",
        "1712 s of training on 1 x GPU",
        "scored on 2 x CPU",
        "jax 0.10.2",
        RESULTS["command"],
    ):
        assert text in card


def test_the_card_states_where_a_baseline_wins():
    card = model_card(RESULTS, "clouds")
    assert card.count("No baseline is better by any of these.") == 2
    assert "A baseline wins" not in card
    worse = copy.deepcopy(RESULTS)
    worse["protocols"]["one_step"]["model"].update(nrmse=2e-3, psnr=30.0)
    card = " ".join(model_card(worse, "clouds").split())
    assert card.count("No baseline is better by any of these.") == 1
    assert "by nrmse, extrapolation (1.80e-3) against the model's 2.00e-3" in card
    assert "by psnr, persistence (31.0) and extrapolation (34.6) against" in card
    worse["protocols"]["rollout"]["persistence"]["nrmse_at"]["10"] = 0.04
    card = " ".join(model_card(worse, "clouds").split())
    assert (
        "by nrmse at step 10, persistence (0.0400) against the model's 0.0490" in card
    )
    assert "No baseline is better" not in card


def test_the_card_states_up_to_which_step_the_model_is_better():
    card = " ".join(model_card(RESULTS, "clouds").split())
    # 0.0049 for each step, against 0.05 at the last steps.
    assert "in `rollout`, step 11 of 12 is the first whose nrmse is worse" in card
    better = copy.deepcopy(RESULTS)
    better["protocols"]["rollout"]["persistence"]["nrmse_by_step"] = [0.07] * STEPS
    card = " ".join(model_card(better, "clouds").split())
    assert "all of 12 steps have a better nrmse than persistence" in card


def test_nan_is_the_worst_score():
    assert is_better(9.0, math.nan, "nrmse") and not is_better(math.nan, 9.0, "nrmse")
    assert not is_better(math.nan, math.nan, "nrmse")
    assert is_better(2.0, 1.0, "psnr") and not is_better(2.0, 1.0, "nrmse")
    assert not is_better(1.0, 1.0, "psnr") and not is_better(1.0, 1.0, "nrmse")


def test_rounding_is_no_defeat():
    """Of sums of float32, which keep seven digits."""
    assert not is_better(6e-10, 1.8e-9, "mass_drift")
    assert not is_better(0.12345678, 0.12345679, "rmse")
    assert is_better(6e-10, 1.8e-9, "rmse")  # in units in which values may be small
    assert is_better(6e-5, 1.8e-4, "mass_drift")


@pytest.mark.parametrize("name", ["arrays", "radar", "ocean"])
def test_a_file_of_the_user_has_no_stated_source(name):
    results = copy.deepcopy(RESULTS)
    results["data"]["name"] = name
    card = model_card(results, "mine")
    assert "on its owner's terms" in card
    licences = {data.source(name).licence for name in data.NAMES}
    assert [licence for licence in licences if licence in card] == [
        data.source(name).licence
    ]


@pytest.mark.slow
def test_training_and_evaluate_write_the_card(config, tmp_path, capsys):
    config.train.steps = 2
    loop.train_and_evaluate(config, tmp_path)
    card = tmp_path / "model_card.md"
    results = json.loads((tmp_path / "results.json").read_text())
    assert f"model card: {card}" in capsys.readouterr().out
    check_same_numbers(card.read_text(), results["protocols"])
    card.unlink()
    output = tmp_path / "again.json"
    main(["evaluate", "--workdir", str(tmp_path), "--output", str(output)])
    again = json.loads(output.read_text())
    check_same_numbers(card.read_text(), again["protocols"])
    card.unlink()
    main(["evaluate", f"--workdir={tmp_path}", f"--data={config.data.path}"])
    assert not card.exists()
