"""Charts of scores, of training and of spectra, each with words for who sees none."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.report import figures
from adr_jax.evaluation.report.examples import Samples
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.sections import LeftOut
from adr_jax.evaluation.report.words import label, lead_time, quantity, time_axis
from adr_jax.evaluation.workdir import is_number

# Variables whose spectra are drawn.
VARIABLES = 3
# Of lengths and times that data give without a unit.
OWN_UNITS = "the data's own units"


class Picture(NamedTuple):
    """A chart: the name of its file, its SVG text, and two texts to go with it."""

    name: str
    svg: str
    alt: str
    caption: str


def by_step(
    name: str, protocol: Mapping, rows: Mapping[str, Mapping], data: Mapping
) -> list[Picture]:
    """Each metric that is given for each step against how far ahead that is.

    The axis is in steps, or in time where `data` says how long a step takes.
    """
    interval = data.get("frame_interval")
    metrics = dict.fromkeys(m for of in rows.values() for m in of if _is_curve(of[m]))
    pictures = []
    for metric in metrics:
        curves = {r: of[metric] for r, of in rows.items() if _is_curve(of.get(metric))}
        length, unit = time_axis(max(map(len, curves.values())), interval) or (1, "")
        series = {
            row: ([length * step for step in range(1, len(values) + 1)], values)
            for row, values in curves.items()
        }
        if quantity(interval) is None:
            x_label, each = "forecast step", ""
        else:
            x_label = f"lead time ({unit or OWN_UNITS})"
            each = f" One step is {lead_time(1, interval)}."
        svg = figures.curves(
            series,
            x_label=x_label,
            y_label=label(metric),
            log=direction(metric) != "higher",
        )
        alt = f"{label(metric)} against {x_label}: {_ends(series)}."
        caption = (
            f"{label(metric)} at each forecast step; protocol {name}, split "
            f"{protocol.get('split', 'not stated')}.{each}"
        )
        pictures.append(Picture(_file_name(name, metric), svg, alt, caption))
    return pictures


def training(metrics: Mapping[str, Mapping[str, Mapping[int, float]]]) -> list[Picture]:
    """The loss and the validation score that chooses the best model, against the step.

    `metrics` are run -> metric -> step -> value; of one run, its name is not shown.
    """
    names = dict.fromkeys(
        name for of in metrics.values() for name in _progress(of) if name in of
    )
    pictures = []
    for name in names:
        series = {
            run if len(metrics) > 1 else name: (list(of[name]), list(of[name].values()))
            for run, of in metrics.items()
            if name in of
        }
        plain = label(name.removeprefix("validation_"))
        svg = figures.curves(
            series,
            x_label="training step",
            y_label=label(name),
            log=direction(name.removeprefix("validation_")) != "higher",
        )
        alt = f"{label(name)} against the training step: {_ends(series)}."
        split = f"Validation split: {plain}."
        caption = "Training loss of each logged step." if name == "loss" else split
        pictures.append(Picture(_file_name(name), svg, alt, caption))
    if not pictures:
        raise LeftOut("metrics.jsonl has neither a loss nor a validation score")
    return pictures


def _progress(metrics: Mapping[str, object]) -> Iterator[str]:
    """The names of what tells how a training went."""
    yield "loss"
    # The first score chooses the best model. Of the others tables tell enough.
    for chooser in [name for name in metrics if name.startswith("validation_")][:1]:
        yield from (chooser, f"{chooser}_first_step")


def spectra(samples: Samples, data: Mapping) -> list[Picture]:
    """Of target, forecast and error: a chart for each kept step and variable."""
    if samples.spectra is None or samples.spectra_steps is None:
        raise LeftOut("classes have no spectrum")
    if not np.isfinite(samples.spectra[0]).all():
        raise LeftOut("cells are missing from these frames, which have no spectrum")
    side = max(samples.space)
    waves = np.arange(1, max(side // 2, 1) + 1)
    size = quantity(data.get("cell_size"))
    x, x_label = waves, "wave number (waves per side)"
    if size is not None:
        x, x_label = side * size[0] / waves, f"wavelength ({size[1] or OWN_UNITS})"
    pictures = []
    for variable, number in _several(samples.variables[:VARIABLES]):
        for s, step in enumerate(samples.spectra_steps):
            parts = samples.spectra[:, s, waves, number]
            names = ("target", "forecast", "error")
            series = {of: (x, part) for of, part in zip(names, parts, strict=True)}
            svg = figures.curves(
                series,
                x_label=x_label,
                y_label="mean square",
                x_log=True,
                x_falls=size is not None,
            )
            ahead = lead_time(step, data.get("frame_interval"))
            when = f"step {step}" + (f", {ahead}" if ahead else "")
            what = f"Spectrum{variable} at {when}"
            alt = f"{what}: {_ends(series)}."
            count = len(samples.windows)
            caption = f"{what}." if count == 1 else f"{what}, mean of {count} samples."
            file = _file_name(f"spectrum{variable}_{step}")
            pictures.append(Picture(file, svg, alt, caption))
    return pictures


def _several(names: Iterable[str]) -> list[tuple[str, int]]:
    """' of NAME' and number of each variable; of a single one nothing is said."""
    names = list(names)
    return [(f" of {n}" if len(names) > 1 else "", i) for i, n in enumerate(names)]


def _file_name(*parts: str) -> str:
    return re.sub(r"\W", "_", "_".join(parts))


def _ends(series: Mapping[str, tuple]) -> str:
    return "; ".join(
        f"{name} from {numeral(y[0])} at {x[0]:.4g} to {numeral(y[-1])} at {x[-1]:.4g}"
        for name, (x, y) in series.items()
    )


def _is_curve(value) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_number, value))
