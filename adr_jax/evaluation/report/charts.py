"""Charts of scores, training and spectra, each with an alternative text."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.report import figures
from adr_jax.evaluation.report.examples import Examples
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.sections import LeftOut
from adr_jax.evaluation.report.words import label, lead_time, quantity, time_axis
from adr_jax.evaluation.workdir import METRICS_FILE, is_number

# Maximum number of variables whose spectra are drawn.
VARIABLES = 3
# The unit of lengths and times that data give without one.
OWN_UNITS = "the data's own units"


class Chart(NamedTuple):
    """A chart: its file name without suffix, SVG text, alternative text and caption."""

    name: str
    svg: str
    alt: str
    caption: str


def by_step(
    name: str, protocol: Mapping, rows: Mapping[str, Mapping], data: Mapping
) -> list[Chart]:
    """Draw each metric that is known at each step against the lead.

    Args:
      name: the name of the protocol.
      protocol: its results.
      rows: the scores of each forecaster.
      data: the data section of the results; with its `frame_interval` the axis is in
        time, else in steps.
    """
    interval = data.get("frame_interval")
    metrics = dict.fromkeys(
        metric
        for scores in rows.values()
        for metric, values in scores.items()
        if _is_curve(values)
    )
    charts = []
    for metric in metrics:
        curves = {
            row: scores[metric]
            for row, scores in rows.items()
            if _is_curve(scores.get(metric))
        }
        length, unit = time_axis(max(map(len, curves.values())), interval) or (1, "")
        series = {
            row: ([length * step for step in range(1, len(values) + 1)], values)
            for row, values in curves.items()
        }
        if quantity(interval) is None:
            x_label, step_text = "forecast step", ""
        else:
            x_label = f"lead time ({unit or OWN_UNITS})"
            step_text = f" One step is {lead_time(1, interval)}."
        svg = figures.curves(
            series,
            x_label=x_label,
            y_label=label(metric),
            log=direction(metric) != "higher",
        )
        alt = f"{label(metric)} against {x_label}: {_ends(series)}."
        caption = (
            f"{label(metric)} at each forecast step; protocol {name}, split "
            f"{protocol.get('split', 'not stated')}.{step_text}"
        )
        charts.append(Chart(_file_name(name, metric), svg, alt, caption))
    return charts


def training(metrics: Mapping[str, Mapping[str, Mapping[int, float]]]) -> list[Chart]:
    """Draw the loss, and the validation score that chooses the best model, by step.

    `metrics` is run -> metric -> step -> value. The name of a single run is not shown.
    """
    names = dict.fromkeys(
        name for logged in metrics.values() for name in _progress(logged)
    )
    charts = []
    for name in names:
        series = {
            run if len(metrics) > 1 else name: (
                list(logged[name]),
                list(logged[name].values()),
            )
            for run, logged in metrics.items()
            if name in logged
        }
        metric = name.removeprefix("validation_")
        svg = figures.curves(
            series,
            x_label="training step",
            y_label=label(name),
            log=direction(metric) != "higher",
        )
        alt = f"{label(name)} against the training step: {_ends(series)}."
        caption = (
            f"Training loss of each logged step.{_fed_back(metrics.values())}"
            if name == "loss"
            else f"Validation split: {label(metric)}."
        )
        charts.append(Chart(_file_name(name), svg, alt, caption))
    if not charts:
        raise LeftOut(f"{METRICS_FILE} has neither a loss nor a validation score")
    return charts


def _fed_back(runs: Iterable[Mapping[str, Mapping[int, float]]]) -> str:
    """Say from where on losses are of a harder task: forecasts of forecasts."""
    starts = [
        step
        for logged in runs
        for step, feedback in logged.get("feedback", {}).items()
        if feedback
    ]
    if not starts:
        return ""
    return f" From about step {min(starts)} on it counts forecasts of forecasts too."


def _progress(logged: Mapping[str, object]) -> Iterator[str]:
    """Return the names of the logged series that show how training went."""
    # The first validation score chooses the best model; tables have the others.
    chooser = next((name for name in logged if name.startswith("validation_")), "")
    candidates = ("loss", chooser, f"{chooser}_first_step")
    return (name for name in candidates if name in logged)


def spectra(examples: Examples, data: Mapping) -> list[Chart]:
    """Draw the spectra of target, forecast and error, by stored step and variable."""
    if examples.spectra is None or examples.spectra_steps is None:
        raise LeftOut("classes have no spectrum")
    if not np.isfinite(examples.spectra[0]).all():
        raise LeftOut("cells are missing from these frames, which have no spectrum")
    side = max(examples.space)
    waves = np.arange(1, max(side // 2, 1) + 1)
    size = quantity(data.get("cell_size"))
    x, x_label = waves, "wave number (waves per side)"
    if size is not None:
        x, x_label = side * size[0] / waves, f"wavelength ({size[1] or OWN_UNITS})"
    charts = []
    for suffix, variable in _suffixes(examples.variables[:VARIABLES]):
        for s, step in enumerate(examples.spectra_steps):
            parts = examples.spectra[:, s, waves, variable]
            names = ("target", "forecast", "error")
            series = {name: (x, part) for name, part in zip(names, parts, strict=True)}
            svg = figures.curves(
                series,
                x_label=x_label,
                y_label="mean square",
                x_log=True,
                x_falls=size is not None,
            )
            lead = lead_time(step, data.get("frame_interval"))
            title = f"Spectrum{suffix} at step {step}" + (f", {lead}" if lead else "")
            alt = f"{title}: {_ends(series)}."
            count = len(examples.windows)
            mean = "" if count == 1 else f", mean of {count} samples"
            file = _file_name(f"spectrum{suffix}_{step}")
            charts.append(Chart(file, svg, alt, f"{title}{mean}."))
    return charts


def _suffixes(names: Iterable[str]) -> list[tuple[str, int]]:
    """Return ' of NAME' and the index of each variable; "" for a single one."""
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
