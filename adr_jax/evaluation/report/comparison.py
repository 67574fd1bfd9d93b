"""The page that has several runs side by side."""

from collections.abc import Mapping, Sequence

from etils import epath

from adr_jax.errors import InputError
from adr_jax.evaluation.report import arrows, charts, scenes, scores
from adr_jax.evaluation.report.examples import Samples
from adr_jax.evaluation.report.page import RunFiles, read_run, render
from adr_jax.evaluation.report.sections import LeftOut, gather
from adr_jax.evaluation.workdir import COMPARISON_FILE, write_whole

# As many as there are lines and columns to tell them apart.
MOST = 3
# What must be equal for numbers to stand side by side.
OF_DATA = ("name", "split", "fingerprint")
OF_PROTOCOL = ("split", "history", "horizon", "samples")


def write(workdirs: Sequence[epath.Path], output: epath.PathLike | None) -> epath.Path:
    """Writes the page, if the runs were scored on the same data."""
    if not 2 <= len(workdirs) <= MOST:
        raise InputError(
            f"a page compares 2 or {MOST} runs, not {len(workdirs)}: name that many"
        )
    if len(set(workdirs)) < len(workdirs):
        raise InputError(f"{workdirs[0].name} is named twice: name runs that differ")
    runs = [read_run(workdir) for workdir in workdirs]
    by_name = dict(zip(_names(workdirs), runs, strict=True))
    check_data(by_name)
    protocols = shared_protocols(by_name)
    data = runs[0].data
    shown, left_out = gather(
        {
            "Forecasts": lambda: scenes.player(samples_of(by_name), data),
            "Share of each term": lambda: shares_of(by_name),
            "Training": lambda: charts.training(
                {name: run.metrics for name, run in by_name.items()}
            ),
        }
    )
    page = render(
        "comparison.html.jinja",
        runs=by_name,
        sections=[score_section(name, by_name) for name in protocols],
        apart=sorted({p for r in runs for p in r.results["protocols"]} - {*protocols}),
        shown=shown,
        left_out=left_out,
        data=data,
    )
    path = epath.Path(output or workdirs[0] / COMPARISON_FILE)
    write_whole(path, page)
    return path


def _names(workdirs: Sequence[epath.Path]) -> list[str]:
    """Their last parts; if these are equal, all from where the paths part."""
    names = [workdir.name for workdir in workdirs]
    if len(set(names)) == len(names):
        return names
    parts = [workdir.parts for workdir in workdirs]
    while min(map(len, parts)) > 1 and len({path[0] for path in parts}) == 1:
        parts = [path[1:] for path in parts]
    return ["/".join(path) for path in parts]


def check_data(runs: Mapping[str, RunFiles]) -> None:
    """Refuses runs that were scored on different data."""
    for key in OF_DATA:
        values = {name: run.data.get(key) for name, run in runs.items()}
        for name, value in values.items():
            if value is None:
                raise InputError(
                    f"{name} cannot be compared: its results.json does not say the "
                    f"{key} of its data; its training command scores it anew"
                )
        if len(set(values.values())) > 1:
            words = ", ".join(f"{value} in {name}" for name, value in values.items())
            raise InputError(
                f"the runs are not comparable: the {key} of their data is {words}; "
                "name runs that were scored on the same data"
            )


def shared_protocols(runs: Mapping[str, RunFiles]) -> list[str]:
    """Protocols by which all runs forecast the same frames from as many."""
    settings = {
        name: {
            protocol: tuple(of.get(key) for key in OF_PROTOCOL)
            for protocol, of in run.results["protocols"].items()
        }
        for name, run in runs.items()
    }
    first = next(iter(settings.values()))
    shared = [
        protocol
        for protocol, setting in first.items()
        if all(of.get(protocol) == setting for of in settings.values())
    ]
    if not shared:
        words = "; ".join(
            f"{name}: "
            + (", ".join(f"{p} ({_in_words(s)})" for p, s in of.items()) or "none")
            for name, of in settings.items()
        )
        raise InputError(
            f"the runs are not comparable: they share no protocol on the same windows "
            f"({words})"
        )
    return shared


def _in_words(setting: tuple) -> str:
    split, history, horizon, samples = setting
    return f"{history} frames in, {horizon} out, {samples} windows of {split}"


def score_section(protocol: str, runs: Mapping[str, RunFiles]) -> dict:
    """One table, and charts, with every run's model and the first run's baselines."""
    results = {name: run.results["protocols"][protocol] for name, run in runs.items()}
    first = next(iter(results.values()))
    rows = {name: scores.rows_of(of).get("model", {}) for name, of in results.items()}
    rows |= {row: of for row, of in scores.rows_of(first).items() if row != "model"}
    data = next(iter(runs.values())).data
    drawn = charts.by_step(protocol, first, rows, data)
    return scores.table(protocol, first, rows) | {"charts": drawn}


def samples_of(runs: Mapping[str, RunFiles]) -> dict[str, Samples]:
    """What each run has kept, if it is of the same protocol and the same kind."""
    kept = {name: run.need_samples() for name, run in runs.items()}
    facts = {
        (of.protocol, of.kind, of.variables, tuple(of.steps)) for of in kept.values()
    }
    if len(facts) > 1:
        words = ", ".join(f"{of.protocol} by {name}" for name, of in kept.items())
        raise LeftOut(f"the runs kept forecasts of different protocols: {words}")
    return kept


def shares_of(runs: Mapping[str, RunFiles]) -> dict[str, list[list[float]]]:
    """The shares of the runs whose network has them."""
    kept = {name: run.need_samples() for name, run in runs.items()}
    having = {name: of for name, of in kept.items() if of.shares is not None}
    if not having:
        raise LeftOut(arrows.NO_TRANSPORT)
    return {name: arrows.shares(of) for name, of in having.items()}
