"""The scores of one protocol, as a page shows them."""

from collections.abc import Mapping

from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.words import label
from adr_jax.evaluation.workdir import is_number

FORECASTERS = ("model", "persistence", "extrapolation")
# Facts of a protocol that are worded; all others are shown by their names.
WORDS = {
    "history": "{} frames in",
    "horizon": "{} out",
    "samples": "{} windows",
    "split": "split {}",
}


def by_forecaster(protocol: Mapping) -> dict[str, Mapping]:
    """Return the scores of each forecaster: the entries that are objects."""
    entries = {name: s for name, s in protocol.items() if isinstance(s, dict)}
    known = {name: entries[name] for name in FORECASTERS if name in entries}
    return {**known, **entries}


def table(name: str, protocol: Mapping, rows: Mapping[str, Mapping]) -> dict:
    """Return one protocol as the template shows it.

    The table has a row for each metric and a column for each forecaster. A score that
    is an object has a row for each of its keys; a list, one value for each step, is
    left to the charts. A cell is a value, whether it is the best of its row, and its
    spread or None.
    """
    columns = {forecaster: _flat(scores) for forecaster, scores in rows.items()}
    keys = list(dict.fromkeys(key for scores in columns.values() for key in scores))
    has_spread = protocol.get("samples") != 1
    return {
        "name": name,
        "facts": _facts(protocol),
        "verdict": verdict(rows),
        "columns": list(columns),
        "rows": [
            (
                label(*key),
                direction(key[0]),
                [
                    (
                        scores.get(key),
                        _is_best(key, forecaster, columns),
                        _spread(rows[forecaster], key) if has_spread else None,
                    )
                    for forecaster, scores in columns.items()
                ],
            )
            for key in keys
        ],
    }


def _facts(protocol: Mapping) -> str:
    known = [WORDS[key].format(protocol[key]) for key in WORDS if key in protocol]
    others = [
        f"{key.replace('_', ' ')} {value}"
        for key, value in protocol.items()
        if key not in {*WORDS, "best_median_worst"} and not isinstance(value, dict)
    ]
    return ", ".join(known + others)


def verdict(rows: Mapping[str, Mapping]) -> str:
    """Compare the model with the best baseline by the first metric; "" if unknown."""
    model = rows.get("model", {})
    metric = next((name for name, value in model.items() if is_number(value)), "")
    better = direction(metric)
    baselines = {
        name: scores[metric]
        for name, scores in rows.items()
        if name != "model"
        and is_number(scores.get(metric))
        and scores[metric] == scores[metric]
    }
    if not better or not baselines:
        return ""
    best = (min if better == "lower" else max)(baselines, key=lambda n: baselines[n])
    score, baseline = model[metric], baselines[best]
    is_ahead = score < baseline if better == "lower" else score > baseline
    than = "against"
    if better == "lower" and min(score, baseline) > 0:
        factor = numeral(max(score, baseline) / min(score, baseline), 2)
        than = f"{factor} times {'less' if is_ahead else 'more'} than"
    return (
        f"The model is {'ahead' if is_ahead else 'behind'} in {label(metric)}: "
        f"{numeral(score)}, {than} the {numeral(baseline)} of {best}, the best "
        "baseline."
    )


def _flat(scores: Mapping) -> dict[tuple[str, str], object]:
    """Return single values, and the values of objects, by (metric, key)."""
    flat = {}
    for metric, value in scores.items():
        if metric == "spread":
            continue
        if isinstance(value, dict):
            flat |= {(metric, key): v for key, v in value.items()}
        elif not isinstance(value, list):
            flat[metric, ""] = value
    return flat


def _spread(scores: Mapping, key: tuple[str, str]) -> float | None:
    spread = scores.get("spread")
    return spread.get(key[0]) if isinstance(spread, dict) and not key[1] else None


def _is_best(key: tuple[str, str], forecaster: str, columns: Mapping) -> bool:
    values = [scores.get(key) for scores in columns.values()]
    numbers = [value for value in values if is_number(value) and value == value]
    choose = {"lower": min, "higher": max}.get(direction(key[0]))
    if choose is None or not numbers:
        return False
    return columns[forecaster].get(key) == choose(numbers)
