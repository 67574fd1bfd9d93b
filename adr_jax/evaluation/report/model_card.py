"""What to tell whoever is handed a model: `model_card.md`, from the run's results.

It holds only what `results.json` says, in the same numbers, and says it also where a
forecast that needs no training is better than the model.
"""

import math
from collections.abc import Iterator, Mapping

from etils import epath

from adr_jax import data
from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.tables import cells
from adr_jax.evaluation.workdir import is_number, write_whole

NETWORKS = {
    "adrnet": "ADRNet (arXiv 2406.19253)",
    "cnn": "ADRNet without transport, a convolutional network",
    "unet": "a UNet",
    "fno": "a Fourier neural operator",
}
EDGES = {
    "clamp": "what is at the edge goes on beyond it, and what is moved there stays",
    "reflect": "the field is mirrored at its edges, as by walls",
    "periodic": "what leaves on one side enters on the other",
    "open": "what is moved over the edge is lost",
}


def write_model_card(results: Mapping, workdir: epath.Path) -> epath.Path:
    """Writes `workdir/model_card.md`, whole or not at all, and returns its path."""
    path = workdir / "model_card.md"
    write_whole(path, model_card(results, workdir.name))
    return path


def model_card(results: Mapping, name: str) -> str:
    """The card in Markdown, of what `training.results.evaluate` gave."""
    sections = {
        f"Model card: {name}": _what(results),
        "Data": _data(results),
        "Scores": _scores(results["protocols"]),
        "Limits": _limits(results),
        "Made by": _origin(results),
        "Licence": _licence(results),
    }
    blocks = []
    for number, (title, lines) in enumerate(sections.items()):
        blocks += [f"{'##' if number else '#'} {title}", "\n".join(lines).strip()]
    return "\n\n".join(blocks) + "\n"


def _what(results: Mapping) -> Iterator[str]:
    model, given = results["config"]["model"], results["config"]["data"]["history"]
    ahead = model["frames_out"]
    yield (
        f"{NETWORKS[model['name']]}, of {results['parameters']:,} parameters. From "
        f"{given} frames of {_frame(results)} it forecasts the next "
        f"{'one' if ahead == 1 else ahead}, and those after that from its own."
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
        yield f"- {name.replace('_', ' ')}: {facts[name] or 'not said'}"


def _source(results: Mapping) -> str:
    return data.source(results["data"]["name"]).licence


def _scores(protocols: Mapping) -> Iterator[str]:
    """A table for each protocol, and where the model is not the best of it."""
    for name, protocol in protocols.items():
        rows = {who: cells(of) for who, of in _forecasters(protocol).items()}
        columns = list(dict.fromkeys(key for of in rows.values() for key in of))
        yield (
            f"**{name}**, {protocol['history']} frames in, {protocol['horizon']} out, "
            f"{protocol['samples']} windows of the split {protocol['split']}; ± is the "
            "standard deviation over windows:"
        )
        yield ""
        yield _row("", columns)
        yield _row("---", ["---"] * len(columns))
        for who, of in rows.items():
            yield _row(who, [of.get(column, "") for column in columns])
        yield ""
        won = list(_won_by_baselines(protocol))
        yield from won or ["No baseline is better by any of these."]
        yield ""


def _row(first: str, others: list[str]) -> str:
    return f"| {' | '.join([first, *others])} |"


def _won_by_baselines(protocol: Mapping) -> Iterator[str]:
    """Each score by which a forecast that needs no training beats the model."""
    model, *baselines = (
        (who, dict(_compared(of))) for who, of in _forecasters(protocol).items()
    )
    for (metric, step), score in model[1].items():
        better = [
            f"{who} ({numeral(of[metric, step])})"
            for who, of in baselines
            if is_better(of[metric, step], score, metric)
        ]
        if better:
            yield (
                f"- **A baseline wins**: by {metric}{step}, {' and '.join(better)} "
                f"against the model's {numeral(score)}."
            )


def _forecasters(protocol: Mapping) -> dict[str, Mapping]:
    """The scores of each; the model comes first."""
    return {who: of for who, of in protocol.items() if isinstance(of, Mapping)}


def _compared(scores: Mapping) -> Iterator[tuple[tuple[str, str], float]]:
    """The numbers that can be better or worse, by metric and, in words, step."""
    for name, value in scores.items():
        if is_number(value) and direction(name):
            yield (name, ""), value
        elif name.endswith("_at"):
            for step, at in value.items():
                yield (name.removesuffix("_at"), f" at step {step}"), at


def is_better(score: float, than: float, metric: str) -> bool:
    """Whether a score is better than another, as anything is than no number."""
    if math.isnan(than):
        return not math.isnan(score)
    return score > than if direction(metric) == "higher" else score < than


def _limits(results: Mapping) -> Iterator[str]:
    boundary = results["config"]["model"]["boundary"]
    yield f"- Edges: {EDGES[boundary]} (`{boundary}`), whatever is true of the data."
    yield (
        "- Resolution: it learned how many cells things move in a frame. Cells of "
        "another size, or frames at another interval, are another motion."
    )
    for name, protocol in results["protocols"].items():
        if horizon := _horizon(protocol):
            yield f"- Horizon: in `{name}`, {horizon}."
    yield "- It gives one forecast and does not say how sure it is."


def _horizon(protocol: Mapping) -> str:
    """How many forecasts in a row are better than the last frame, in words."""
    metric = next(iter(protocol["model"]))
    steps = [
        protocol[who].get(f"{metric}_by_step", []) for who in ("model", "persistence")
    ]
    pairs = enumerate(zip(*steps, strict=True), start=1)
    worse = [n for n, (model, last) in pairs if is_better(last, model, metric)]
    if worse:
        return (
            f"step {worse[0]} of {protocol['horizon']} is the first whose {metric} is "
            "worse than persistence's"
        )
    if steps[0]:
        return (
            f"all of {protocol['horizon']} steps have a better {metric} than "
            "persistence; what comes after them was not scored"
        )
    return ""


def _origin(results: Mapping) -> Iterator[str]:
    versions = ", ".join(f"{name} {of}" for name, of in results["versions"].items())
    yield f"- `{results['command']}`"
    yield f"- seed {results['seed']}, step {results['step']}, the best by validation"
    yield f"- {results['train_seconds']:.0f} s of training on {results['trained_on']}"
    yield f"- scored on {results['device']}"
    yield f"- {versions}"


def _licence(results: Mapping) -> Iterator[str]:
    yield (
        "The code is under Apache-2.0. The parameters are made of the data, whose "
        f"terms may bind them ({_source(results)}); beyond that, whoever trained them "
        "decides."
    )
