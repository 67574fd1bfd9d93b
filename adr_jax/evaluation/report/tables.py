"""Scores as text: what `train.py` and `evaluate` print."""

from collections.abc import Iterable, Mapping, Sequence

from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.studies import growth
from adr_jax.evaluation.studies.robustness import LEVELS
from adr_jax.evaluation.workdir import is_number


def protocol_table(name: str, result: Mapping) -> str:
    """One protocol of one run, model and baselines in rows."""
    rows = {who: cells(of) for who, of in result.items() if isinstance(of, Mapping)}
    title = f"{name}: {result['history']} frames in, {result['horizon']} out, "
    title += f"{result['samples']} windows, split {result['split']}"
    headline = next(iter(result["model"]))
    if result["model"].get(f"{headline}_at"):
        title += f"; 'step' columns are {headline}"
    return f"{title}\n{grid(rows)}"


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
    return f"{title}\n{grid(rows)}"


def robustness_tables(result: Mapping) -> str:
    """The headline metric against what was done to the history, a table for each."""
    units = {"noise": "standard deviations of noise", "missing": "share missing"}
    of = f"{result['metric']} of {result['protocol']}"
    return "\n\n".join(
        _levels(
            f"robustness: {of} by {units[kind]} of the history, {result['samples']} "
            f"windows, split {result['split']}",
            result[kind],
        )
        for kind in LEVELS
    )


def time_step_table(result: Mapping) -> str:
    """The headline metric against the time between frames."""
    samples = ", ".join(str(number) for number in result["samples"].values())
    title = f"time step: {result['metric']} of {result['protocol']} by the interval of "
    title += f"the frames in that of training, {samples} windows, split "
    title += f"{result['split']}; 'scaled': the time step of the model's blocks as well"
    return _levels(title, result["scores"])


def resolution_tables(result: Mapping) -> str:
    """The headline metric and milliseconds against the number of cells."""
    names = {"scores": result["metric"], "ms_per_frame": "ms/frame"}
    return "\n\n".join(
        _levels(
            f"resolution: {name} of {result['protocol']} by cells along an axis of the "
            f"same water, {result['samples']} windows, split {result['split']}",
            result[kind],
        )
        for kind, name in names.items()
    )


def growth_table(result: Mapping) -> str:
    """Format the growth of each perturbation, and whether rollouts are stable."""
    rows = {}
    for place, by_wavelength in result["growth"].items():
        for wavelength, by_step in by_wavelength.items():
            name = wavelength if wavelength == growth.LEVEL else f"{wavelength} cells"
            for steps, factor in by_step.items():
                column = f"{place}, {steps} step{'s' if steps != '1' else ''}"
                rows.setdefault(name, {})[column] = numeral(factor, 4)
    level = result["growth"]["all frames"][growth.LEVEL]["1"]
    verdict = "stable" if growth.is_stable(result) else "UNSTABLE"
    return (
        "growth: factor by which a forecast multiplies a perturbation, by its "
        f"wavelength, mean of {result['samples']} histories, split {result['split']}\n"
        f"{grid(rows)}\n"
        f"a shift of all frames grows {level:.3f} times a step: {verdict}"
    )


def _levels(title: str, scores: Mapping[str, Mapping[str, float]]) -> str:
    """Forecasters in rows, what was changed in columns."""
    rows = {
        who: {level: numeral(score) for level, score in of.items()}
        for who, of in scores.items()
    }
    return f"{title}\n{grid(rows)}"


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


def grid(rows: Mapping[str, Mapping[str, str]]) -> str:
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
