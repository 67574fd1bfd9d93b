"""The model card of a run, `model_card.md`: what a user of the model has to know.

It is made from `results.json` alone, and also says where a baseline is better than the
model.
"""

import math
from collections.abc import Iterator, Mapping

from etils import epath

from adr_jax import data
from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.tables import cells
from adr_jax.evaluation.workdir import MODEL_CARD_FILE, is_number, write_whole

NETWORKS = {
    "adrnet": "ADRNet (arXiv 2406.19253)",
    "unet": "a UNet",
    "fno": "a Fourier neural operator",
}
WITHOUT_TRANSPORT = "ADRNet without transport, a convolutional network,"
EDGES = {
    "clamp": "values at the edge continue beyond it, and content moved there stays",
    "reflect": "the field is mirrored at its edges, as by walls",
    "periodic": "content that leaves on one side enters on the other",
    "open": "content moved over the edge is lost",
}

# Differences of this size are rounding of float32 sums: relative to a score, and as
# they are for metrics that are relative to the data.
ROUNDING = 1e-6
RELATIVE = ("nrmse", "vrmse", "mass_drift")


def write_model_card(results: Mapping, workdir: epath.Path) -> epath.Path:
    """Write `workdir/model_card.md`, complete or not at all, and return its path."""
    path = workdir / MODEL_CARD_FILE
    write_whole(path, model_card(results, workdir.name))
    return path


def model_card(results: Mapping, name: str) -> str:
    """Return the card in Markdown; `results` as from `training.results.evaluate`."""
    sections = {
        f"Model card: {name}": _model(results),
        "Data": _data(results),
        "Scores": _scores(results["protocols"]),
        "Limits": _limits(results),
        "Made by": _origin(results),
        "Licence": _licence(results),
    }
    blocks = []
    for index, (title, lines) in enumerate(sections.items()):
        blocks += [f"{'##' if index else '#'} {title}", "\n".join(lines).strip()]
    return "\n\n".join(blocks) + "\n"


def _model(results: Mapping) -> Iterator[str]:
    model, history = results["config"]["model"], results["config"]["data"]["history"]
    frames = "frame" if model["frames_out"] == 1 else f"{model['frames_out']} frames"
    still = (model["name"], model["transport"]) == ("adrnet", "none")
    network = WITHOUT_TRANSPORT if still else NETWORKS.get(model["name"], model["name"])
    yield (
        f"{network} with {results['parameters']:,} parameters. From "
        f"{history} frames of {_frame(results)} it forecasts the next {frames}; longer "
        "forecasts take its own frames as history."
    )


def _frame(results: Mapping) -> str:
    *space, _ = results["frame_shape"]
    return f"{' x '.join(map(str, space))} cells of {', '.join(results['channels'])}"


def _data(results: Mapping) -> Iterator[str]:
    facts, file = results["data"], results["config"]["data"]["path"]
    yield f"- {facts['name']}{f', `{file}`' if file else ''}: {_source(results)}"
    yield f"- split `{facts['split']}`, fingerprint `{facts['fingerprint']}`"
    for split, count in facts["trajectories"].items():
        states = facts["states"][split]
        yield f"- {split}: {count} trajectories of {states} distinct states"
    for name in ("unit", "cell_size", "frame_interval"):
        yield f"- {name.replace('_', ' ')}: {facts[name] or 'not stated'}"
    for note in facts.get("notes", ()):
        yield f"- note: {note}"


def _source(results: Mapping) -> str:
    return data.source(results["data"]["name"]).licence


def _scores(protocols: Mapping) -> Iterator[str]:
    """Return a table for each protocol, and where a baseline is better."""
    for name, protocol in protocols.items():
        rows = {
            forecaster: cells(scores)
            for forecaster, scores in _forecasters(protocol).items()
        }
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        yield (
            f"**{name}**, {protocol['history']} frames in, {protocol['horizon']} out, "
            f"{protocol['samples']} windows of the split {protocol['split']}; ± is the "
            "standard deviation over windows:"
        )
        yield ""
        yield _row("", columns)
        yield _row("---", ["---"] * len(columns))
        for forecaster, row in rows.items():
            yield _row(forecaster, [row.get(column, "") for column in columns])
        yield ""
        lost = list(_lost_to_baselines(protocol))
        yield from lost or ["No baseline is better by any of these."]
        yield ""


def _row(first: str, others: list[str]) -> str:
    return f"| {' | '.join([first, *others])} |"


def _lost_to_baselines(protocol: Mapping) -> Iterator[str]:
    """Return a sentence for each score by which a baseline beats the model."""
    forecasters = _forecasters(protocol)
    model, *baselines = (dict(_comparable(scores)) for scores in forecasters.values())
    names = list(forecasters)[1:]
    for (metric, step), score in model.items():
        better = [
            f"{name} ({numeral(baseline[metric, step])})"
            for name, baseline in zip(names, baselines, strict=True)
            if is_better(baseline[metric, step], score, metric)
        ]
        if better:
            yield (
                f"- **A baseline wins**: by {metric}{step}, {' and '.join(better)} "
                f"against the model's {numeral(score)}."
            )


def _forecasters(protocol: Mapping) -> dict[str, Mapping]:
    """Return the scores of each forecaster; the model comes first."""
    return {name: s for name, s in protocol.items() if isinstance(s, Mapping)}


def _comparable(scores: Mapping) -> Iterator[tuple[tuple[str, str], float]]:
    """Return the scores that have a direction, by metric and by step in words."""
    for name, value in scores.items():
        if is_number(value) and direction(name):
            yield (name, ""), value
        elif name.endswith("_at"):
            for step, score in value.items():
                yield (name.removesuffix("_at"), f" at step {step}"), score


def is_better(score: float, other: float, metric: str) -> bool:
    """Return whether a score is better than another, beyond rounding; NaN is worst."""
    if math.isnan(other):
        return not math.isnan(score)
    nothing = ROUNDING if metric in RELATIVE else 0.0
    if math.isclose(score, other, rel_tol=ROUNDING, abs_tol=nothing):
        return False
    return score > other if direction(metric) == "higher" else score < other


def _limits(results: Mapping) -> Iterator[str]:
    boundary = results["config"]["model"]["boundary"]
    yield f"- Edges: {EDGES[boundary]} (`{boundary}`), whether or not the data do this."
    yield (
        "- Resolution: it learned displacements in cells per frame. They are wrong for "
        "another cell size or another frame interval."
    )
    for name, protocol in results["protocols"].items():
        if horizon := _horizon(protocol):
            yield f"- Horizon: in `{name}`, {horizon}."
    yield "- It gives one forecast, without its uncertainty."


def _horizon(protocol: Mapping) -> str:
    """Say up to which step forecasts are better than persistence."""
    metric = next(iter(protocol["model"]))
    model, persistence = (
        protocol[name].get(f"{metric}_by_step", []) for name in ("model", "persistence")
    )
    pairs = enumerate(zip(persistence, model, strict=True), start=1)
    worse = [step for step, pair in pairs if is_better(*pair, metric)]
    if worse:
        return (
            f"step {worse[0]} of {protocol['horizon']} is the first whose {metric} is "
            "worse than persistence's"
        )
    if model:
        return (
            f"all of {protocol['horizon']} steps have a better {metric} than "
            "persistence; later steps were not scored"
        )
    return ""


def _origin(results: Mapping) -> Iterator[str]:
    versions = ", ".join(f"{name} {v}" for name, v in results["versions"].items())
    yield f"- `{results['command']}`"
    yield f"- seed {results['seed']}, step {results['step']}, the best by validation"
    yield f"- {results['train_seconds']:.0f} s of training on {results['trained_on']}"
    yield f"- scored on {results['device']}"
    yield f"- {versions}"


def _licence(results: Mapping) -> Iterator[str]:
    yield (
        "The code is licensed under Apache-2.0. The parameters were learned from the "
        f"data, whose terms may apply to them ({_source(results)}). Beyond that, those "
        "who trained the model decide."
    )
