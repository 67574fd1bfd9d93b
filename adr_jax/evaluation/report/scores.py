"""The scores of one protocol, as a page shows them."""

from collections.abc import Mapping

from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.words import label
from adr_jax.evaluation.workdir import is_number

ROWS = ("model", "persistence", "extrapolation")
# What a protocol says of itself, in words; all else but its rows is shown by its name.
WORDS = {
    "history": "{} frames in",
    "horizon": "{} out",
    "samples": "{} windows",
    "split": "split {}",
}


def rows_of(protocol: Mapping) -> dict[str, Mapping]:
    """Scores by forecaster: the entries of a protocol that are objects."""
    known = {row: protocol[row] for row in ROWS if isinstance(protocol.get(row), dict)}
    others = {row: s for row, s in protocol.items() if isinstance(s, dict)}
    return {**known, **others}


def table(name: str, protocol: Mapping, rows: Mapping[str, Mapping]) -> dict:
    """One protocol as the template shows it: what it is, in a table and in a word.

    The table has a row for each metric and a column for each forecaster. A metric is a
    number, numbers by name, or a list with one for each step, which is left to curves;
    the numbers in `spread` go beside those of their names. A cell is a value, whether
    it is the best of its row, and its spread or None.
    """
    cells = {who: _flat(metrics) for who, metrics in rows.items()}
    keys = list(dict.fromkeys(key for of in cells.values() for key in of))
    spreads = protocol.get("samples") != 1
    return {
        "name": name,
        "facts": _facts(protocol),
        "verdict": verdict(rows),
        "columns": list(cells),
        "rows": [
            (
                label(*key),
                direction(key[0]),
                [
                    (
                        values.get(key),
                        _is_best(key, who, cells),
                        _spread(rows[who], key) if spreads else None,
                    )
                    for who, values in cells.items()
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
    """The model beside the best of the others, by the first metric; "" if unknown."""
    model = rows.get("model", {})
    metric = next((name for name, value in model.items() if is_number(value)), "")
    better = direction(metric)
    others = {
        row: of[metric]
        for row, of in rows.items()
        if row != "model" and is_number(of.get(metric)) and of[metric] == of[metric]
    }
    if not better or not others:
        return ""
    best = (min if better == "lower" else max)(others, key=lambda row: others[row])
    ours, theirs = model[metric], others[best]
    beats = ours < theirs if better == "lower" else ours > theirs
    than = "against"
    if better == "lower" and min(ours, theirs) > 0:
        factor = numeral(max(ours, theirs) / min(ours, theirs), 2)
        than = f"{factor} times {'less' if beats else 'more'} than"
    return (
        f"The model is {'ahead' if beats else 'behind'} in {label(metric)}: "
        f"{numeral(ours)}, {than} the {numeral(theirs)} of {best}, the best baseline."
    )


def _flat(metrics: Mapping) -> dict[tuple[str, str], object]:
    """Numbers, and numbers by name, under (metric, name)."""
    flat = {}
    for metric, value in metrics.items():
        if metric == "spread":
            continue
        if isinstance(value, dict):
            flat |= {(metric, key): v for key, v in value.items()}
        elif not isinstance(value, list):
            flat[metric, ""] = value
    return flat


def _spread(metrics: Mapping, key: tuple[str, str]) -> float | None:
    spread = metrics.get("spread")
    return spread.get(key[0]) if isinstance(spread, dict) and not key[1] else None


def _is_best(key: tuple[str, str], row: str, cells: Mapping) -> bool:
    values = [values.get(key) for values in cells.values()]
    numbers = [value for value in values if is_number(value) and value == value]
    choose = {"lower": min, "higher": max}.get(direction(key[0]))
    if choose is None or not numbers:
        return False
    return cells[row].get(key) == choose(numbers)
