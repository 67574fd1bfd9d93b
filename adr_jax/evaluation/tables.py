"""Scores as text: what `train.py` and `evaluate` print."""

from collections.abc import Iterable, Mapping, Sequence

from adr_jax.evaluation.numerals import numeral
from adr_jax.evaluation.robustness import LEVELS
from adr_jax.evaluation.run_files import is_number


def protocol_table(name: str, result: Mapping) -> str:
    """One protocol of one run, model and baselines in rows."""
    rows = {who: cells(of) for who, of in result.items() if isinstance(of, Mapping)}
    title = f"{name}: {result['history']} frames in, {result['horizon']} out, "
    title += f"{result['samples']} windows, split {result['split']}"
    headline = next(iter(result["model"]))
    if result["model"].get(f"{headline}_at"):
        title += f"; 'step' columns are {headline}"
    return f"{title}\n{_grid(rows)}"


def side_by_side(runs: Sequence[tuple[str, Mapping]]) -> str:
    """Several runs' models in one table for each protocol that two or more share.

    Runs that were scored on different data are kept apart. The baselines are those of
    the first run, on its windows.
    """
    groups: dict[tuple, dict[str, Mapping]] = {}
    for name, results in runs:
        data = results["data"]
        for protocol in results["protocols"]:
            key = (protocol, data["name"], data["split"], data["fingerprint"])
            groups.setdefault(key, {})[name] = results
    return "\n\n".join(
        _joint_table(f"{protocol} on {data}, split {split}, all runs", protocol, group)
        for (protocol, data, split, _), group in groups.items()
        if len(group) > 1
    )


def _joint_table(title: str, protocol: str, runs: Mapping[str, Mapping]) -> str:
    rows = {}
    for name, results in runs.items():
        result = results["protocols"][protocol]
        rows[name] = _facts(result) | cells(result["model"])
        rows[name] |= {"device": results["device"]}
    first = next(iter(runs.values()))["protocols"][protocol]
    for who, scores in first.items():
        if isinstance(scores, Mapping) and who != "model":
            rows[who] = _facts(first) | cells(scores)
    return f"{title}\n{_grid(rows)}"


def robustness_tables(result: Mapping) -> str:
    """The headline metric against what was done to the history, a table for each."""
    units = {"noise": "standard deviations of noise", "missing": "share missing"}
    metric, samples = result["metric"], result["samples"]
    tables = []
    for kind in LEVELS:
        rows = {
            who: {level: numeral(score) for level, score in scores.items()}
            for who, scores in result[kind].items()
        }
        title = f"robustness: {metric} of {result['protocol']} by {units[kind]} of the "
        title += f"history, {samples} windows, split {result['split']}"
        tables.append(f"{title}\n{_grid(rows)}")
    return "\n\n".join(tables)


def _facts(result: Mapping) -> dict[str, str]:
    return {"in": str(result["history"]), "windows": str(result["samples"])}


def cells(scores: Mapping) -> dict[str, str]:
    """A forecaster's numbers by column: metrics, the first with its spread, steps."""
    metrics = [name for name, value in scores.items() if is_number(value)]
    headline = metrics[0]
    cells = {name: numeral(scores[name]) for name in metrics if name != "ms_per_frame"}
    cells[headline] += f" ±{numeral(scores['spread'][headline], 2)}"
    milestones = scores.get(f"{headline}_at", {})
    cells |= {f"step {step}": numeral(value) for step, value in milestones.items()}
    if "ms_per_frame" in scores:
        cells["ms/frame"] = numeral(scores["ms_per_frame"])
    return cells


def _grid(rows: Mapping[str, Mapping[str, str]]) -> str:
    """Rows of named cells, aligned; a cell that a row has not is left empty."""
    columns = list(dict.fromkeys(name for cells in rows.values() for name in cells))
    lines = [["", *columns]]
    lines += [
        [who, *(cells.get(name, "") for name in columns)] for who, cells in rows.items()
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    justified = (c.rjust(width) for c, width in zip(cells, widths, strict=True))
    return "  ".join(justified).rstrip()
