"""The page with several runs side by side."""

from collections.abc import Mapping, Sequence

from etils import epath

from adr_jax.errors import InputError
from adr_jax.evaluation.report import arrows, charts, scenes, scores
from adr_jax.evaluation.report.examples import Examples
from adr_jax.evaluation.report.page import RunFiles, read_run, render
from adr_jax.evaluation.report.sections import LeftOut, gather
from adr_jax.evaluation.workdir import COMPARISON_FILE, RESULTS_FILE, write_whole

# Maximum number of runs: the page has three line styles and three columns for them.
MAX_RUNS = 3
# Facts that must be equal for runs to be compared: of the data, and of a protocol.
DATA_KEYS = ("name", "split", "fingerprint")
PROTOCOL_KEYS = ("split", "history", "horizon", "samples")


def write(workdirs: Sequence[epath.Path], output: epath.PathLike | None) -> epath.Path:
    """Write the page, or raise InputError if the runs are not of the same data."""
    if not 2 <= len(workdirs) <= MAX_RUNS:
        raise InputError(
            f"a page compares 2 or {MAX_RUNS} runs, not {len(workdirs)}: name that many"
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
            "Forecasts": lambda: scenes.player(examples_by_run(by_name), data),
            "Share of each term": lambda: shares_by_run(by_name),
            "Training": lambda: charts.training(
                {name: run.metrics for name, run in by_name.items()}
            ),
        }
    )
    page = render(
        "comparison.html.jinja",
        runs=by_name,
        sections=[score_section(name, by_name) for name in protocols],
        not_shared=sorted(
            {name for run in runs for name in run.results["protocols"]} - {*protocols}
        ),
        shown=shown,
        left_out=left_out,
        data=data,
    )
    path = epath.Path(output or workdirs[0] / COMPARISON_FILE)
    write_whole(path, page)
    return path


def _names(workdirs: Sequence[epath.Path]) -> list[str]:
    """Return the last part of each path; if two are equal, all parts that differ."""
    names = [workdir.name for workdir in workdirs]
    if len(set(names)) == len(names):
        return names
    parts = [workdir.parts for workdir in workdirs]
    while min(map(len, parts)) > 1 and len({path[0] for path in parts}) == 1:
        parts = [path[1:] for path in parts]
    return ["/".join(path) for path in parts]


def check_data(runs: Mapping[str, RunFiles]) -> None:
    """Raise InputError if the runs were scored on different data."""
    for key in DATA_KEYS:
        values = {name: run.data.get(key) for name, run in runs.items()}
        for name, value in values.items():
            if value is None:
                raise InputError(
                    f"{name} cannot be compared: its {RESULTS_FILE} does not say the "
                    f"{key} of its data; its training command scores it again"
                )
        if len(set(values.values())) > 1:
            words = ", ".join(f"{value} in {name}" for name, value in values.items())
            raise InputError(
                f"the runs are not comparable: the {key} of their data is {words}; "
                "name runs that were scored on the same data"
            )


def shared_protocols(runs: Mapping[str, RunFiles]) -> list[str]:
    """Return the protocols by which all runs scored the same windows.

    Raises:
      InputError: there is none.
    """
    settings = {
        name: {
            protocol: tuple(result.get(key) for key in PROTOCOL_KEYS)
            for protocol, result in run.results["protocols"].items()
        }
        for name, run in runs.items()
    }
    first = next(iter(settings.values()))
    shared = [
        protocol
        for protocol, setting in first.items()
        if all(other.get(protocol) == setting for other in settings.values())
    ]
    if not shared:
        words = "; ".join(
            f"{name}: {_protocols_text(protocols)}"
            for name, protocols in settings.items()
        )
        raise InputError(
            f"the runs are not comparable: they share no protocol on the same windows "
            f"({words})"
        )
    return shared


def _protocols_text(settings: Mapping[str, tuple]) -> str:
    texts = [
        f"{protocol} ({history} frames in, {horizon} out, {samples} windows of {split})"
        for protocol, (split, history, horizon, samples) in settings.items()
    ]
    return ", ".join(texts) or "none"


def score_section(protocol: str, runs: Mapping[str, RunFiles]) -> dict:
    """Return a table and charts of every run's model and the first run's baselines."""
    results = {name: run.results["protocols"][protocol] for name, run in runs.items()}
    first = next(iter(results.values()))
    rows = {
        name: scores.by_forecaster(result).get("model", {})
        for name, result in results.items()
    }
    rows |= {
        forecaster: baseline
        for forecaster, baseline in scores.by_forecaster(first).items()
        if forecaster != "model"
    }
    data = next(iter(runs.values())).data
    curves = charts.by_step(protocol, first, rows, data)
    return scores.table(protocol, first, rows) | {"charts": curves}


def examples_by_run(runs: Mapping[str, RunFiles]) -> dict[str, Examples]:
    """Return each run's examples.

    Raises:
      LeftOut: a run has none, or they are of another protocol, kind or step.
    """
    examples = {name: run.require_examples() for name, run in runs.items()}
    facts = {
        (stored.protocol, stored.kind, stored.variables, tuple(stored.steps))
        for stored in examples.values()
    }
    if len(facts) > 1:
        words = ", ".join(f"{e.protocol} by {name}" for name, e in examples.items())
        raise LeftOut(f"the runs stored forecasts of different protocols: {words}")
    return examples


def shares_by_run(runs: Mapping[str, RunFiles]) -> dict[str, list[list[float]]]:
    """Return the shares of each term, of the runs whose network has them."""
    examples = {name: run.require_examples() for name, run in runs.items()}
    with_shares = {name: e for name, e in examples.items() if e.shares is not None}
    if not with_shares:
        raise LeftOut(arrows.NO_TERMS)
    return {name: arrows.shares(stored) for name, stored in with_shares.items()}
