"""Tables of scores as text, as `train.py` and `evaluate` print them."""

from collections.abc import Iterable, Mapping, Sequence

from adr_jax.errors import counted
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.studies import growth
from adr_jax.evaluation.studies.robustness import LEVELS
from adr_jax.evaluation.workdir import is_number


def protocol_table(name: str, result: Mapping) -> str:
    """Format one protocol of one run, model and baselines in rows."""
    return f"{title_of(name, result)}\n{grid(rows_of(result))}"


def title_of(name: str, result: Mapping) -> str:
    """Return what the scores of a protocol are of, in one line."""
    title = f"{name}: {result['history']} frames in, {result['horizon']} out, "
    title += f"{result['samples']} windows, split {result['split']}"
    headline = next(iter(result["model"]))
    if result["model"].get(f"{headline}_at"):
        title += f"; 'step' columns are {headline}"
    return title


def rows_of(result: Mapping) -> dict[str, dict[str, str]]:
    """Format the scores of a protocol: forecaster -> column -> cell."""
    return {
        forecaster: cells(scores)
        for forecaster, scores in result.items()
        if isinstance(scores, Mapping)
    }


def side_by_side(runs: Sequence[tuple[str, Mapping]]) -> str:
    """Format the models of several runs in one table for each shared protocol.

    A table holds runs that were scored on the same data. The baselines are those of the
    first run, on its windows.
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
    for forecaster, scores in first.items():
        if isinstance(scores, Mapping) and forecaster != "model":
            rows[forecaster] = _facts(first) | cells(scores)
    return f"{title}\n{grid(rows)}"


def robustness_tables(result: Mapping) -> str:
    """Format the headline metric by level of noise, and by share of missing cells."""
    units = {"noise": "standard deviations of noise", "missing": "share missing"}
    score = f"{result['metric']} of {result['protocol']}"
    return "\n\n".join(
        _levels(
            f"robustness: {score} by {units[kind]} of the history, {result['samples']} "
            f"windows, split {result['split']}",
            result[kind],
        )
        for kind in LEVELS
    )


def time_step_table(result: Mapping) -> str:
    """Format the headline metric by the time between frames."""
    samples = ", ".join(str(count) for count in result["samples"].values())
    title = f"time step: {result['metric']} of {result['protocol']} by frame interval, "
    title += f"in units of that of training, {samples} windows, split "
    title += f"{result['split']}; 'scaled': with the model's time step scaled likewise"
    return _levels(title, result["scores"])


def resolution_tables(result: Mapping) -> str:
    """Format the headline metric, and the cost of a frame, by the size of the grid."""
    names = {"scores": result["metric"], "ms_per_frame": "ms/frame"}
    return "\n\n".join(
        _levels(
            f"resolution: {name} of {result['protocol']} by cells along an axis of the "
            f"same domain, {result['samples']} windows, split {result['split']}",
            result[kind],
        )
        for kind, name in names.items()
    )


def growth_table(result: Mapping) -> str:
    """Format the growth of each perturbation, and whether rollouts are stable."""
    rows = {}
    for scope, by_wavelength in result["growth"].items():
        for wavelength, by_step in by_wavelength.items():
            name = wavelength if wavelength == growth.LEVEL else f"{wavelength} cells"
            for steps, factor in by_step.items():
                column = f"{scope}, {counted(int(steps), 'step')}"
                rows.setdefault(name, {})[column] = numeral(factor, 4)
    wavelength, factor = growth.fastest(result)
    wave = "a shift" if wavelength == growth.LEVEL else f"a wave of {wavelength} cells"
    verdict = "stable" if factor <= growth.STABLE else "UNSTABLE"
    return (
        "growth: factor by which a forecast multiplies a perturbation, by its "
        f"wavelength, mean of {result['samples']} histories, split {result['split']}\n"
        f"{grid(rows)}\n"
        f"{wave} of all frames grows most, {factor:.3f} times a step: {verdict}"
    )


def _levels(title: str, scores: Mapping[str, Mapping[str, float]]) -> str:
    """Format scores with forecasters in rows and levels in columns."""
    rows = {
        forecaster: {level: numeral(score) for level, score in by_level.items()}
        for forecaster, by_level in scores.items()
    }
    return f"{title}\n{grid(rows)}"


def _facts(result: Mapping) -> dict[str, str]:
    return {"in": str(result["history"]), "windows": str(result["samples"])}


def cells(scores: Mapping) -> dict[str, str]:
    """Format the scores of a forecaster by column: metrics, then milestones.

    The first metric has its spread.
    """
    metrics = [name for name, value in scores.items() if is_number(value)]
    headline = metrics[0]
    cells = {name: numeral(scores[name]) for name in metrics if name != "ms_per_frame"}
    cells[headline] += f" ±{numeral(scores['spread'][headline], 2)}"
    milestones = scores.get(f"{headline}_at", {})
    cells |= {f"step {step}": numeral(value) for step, value in milestones.items()}
    if "ms_per_frame" in scores:
        cells["ms/frame"] = numeral(scores["ms_per_frame"])
    return cells


def grid(rows: Mapping[str, Mapping[str, str]]) -> str:
    """Align rows of named cells in columns; a cell that a row lacks is empty."""
    lines = lines_of(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(cells, widths) for cells in lines)


def lines_of(rows: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    """Return the cells line by line, first the names of the columns."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    return [["", *columns]] + [
        [name, *(row.get(column, "") for column in columns)]
        for name, row in rows.items()
    ]


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    justified = (c.rjust(width) for c, width in zip(cells, widths, strict=True))
    return "  ".join(justified).rstrip()
