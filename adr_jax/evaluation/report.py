"""One page about one run: `write_report(workdir)` reads its files, writes report.html.

The page holds only what the files say. `config.json`, `results.json` and
`metrics.jsonl` must be there; a part that needs something else which is absent says in
one line that it is left out, and why.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from etils import epath

from adr_jax.errors import InputError
from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.numerals import numeral
from adr_jax.evaluation.run_files import (
    is_number,
    read_config,
    read_forecast,
    read_metrics,
    read_results,
)

ROWS = ("model", "persistence", "extrapolation")
# Words of metrics' names that are written otherwise.
NAMES = {"nrmse": "nRMSE", "ssim": "SSIM", "iou": "mean IoU"}
NAMES |= {
    word: word.upper()
    for word in ("rmse", "vrmse", "mse", "mae", "psnr", "csi", "pod", "far", "fss")
}
FRAMES_CAPTION = (
    "Target and forecast share one colour scale, the range of the targets. Each "
    "difference has a scale of its own, symmetric about zero: read its numbers."
)


def write_report(workdir: epath.PathLike) -> epath.Path:
    """Writes `workdir/report.html`, and its figures as SVG files in `workdir/figures`.

    Args:
        workdir: the directory of a run, with `config.json`, `results.json`,
            `metrics.jsonl` and, for the pictures, `figures/forecast.npz`.

    Returns:
        The path of the page: one file, which needs no other to be read.

    Raises:
        InputError: a file is missing or damaged, or jinja2 or matplotlib is missing.
    """
    workdir = epath.Path(workdir)
    template = load_template()
    config = read_config(workdir / "config.json")
    results = read_results(workdir / "results.json")
    metrics, skipped = read_metrics(workdir / "metrics.jsonl")
    forecast = read_forecast(workdir / "figures" / "forecast.npz")

    protocols = [
        protocol_view(name, protocol) for name, protocol in results["protocols"].items()
    ]
    training = training_pictures(metrics)
    frames = frame_pictures(forecast) if forecast else []
    displacement = displacement_pictures(forecast) if forecast else []
    page = template.render(
        name=workdir.name,
        config=config,
        config_text=json.dumps(config, indent=2, ensure_ascii=False),
        results=results,
        protocols=protocols,
        training=training,
        skipped=skipped,
        forecast=forecast,
        frames=frames,
        displacement=displacement,
    )
    (workdir / "figures").mkdir(parents=True, exist_ok=True)
    by_step = [picture for view in protocols for picture in view["pictures"]]
    for picture in (*by_step, *training, *frames, *displacement):
        file = workdir / "figures" / f"{picture.name}.svg"
        file.write_text(picture.svg, encoding="utf-8")
    path = workdir / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def load_template():
    """Loads the page's template, or says what to install."""
    try:
        import jinja2
        import markupsafe

        from adr_jax.evaluation import figures
    except ModuleNotFoundError as error:
        raise InputError(
            f"a report needs {error.name}, which is not installed: "
            "pip install 'adr_jax[report]'"
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("adr_jax.evaluation", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "inline": lambda picture: markupsafe.Markup(
            figures.inline(picture.svg, name=picture.name, alt=picture.alt)
        ),
        "numeral": numeral,
    }
    environment.tests["number"] = is_number
    return environment.get_template("report.html.jinja")


# Tables -----------------------------------------------------------------------------


def protocol_view(name: str, protocol: Mapping) -> dict:
    """One protocol as the template shows it: what it is, one table, its curves.

    Entries of the protocol that are objects are the rows, all others state what was
    done. A metric is a number, numbers by name, or a list with one for each step; the
    numbers in `spread` go beside those of their names. A cell of the table is a value,
    whether it is the best of its column, and its spread or None.
    """
    scores = {row: protocol[row] for row in ROWS if isinstance(protocol.get(row), dict)}
    scores |= {row: s for row, s in protocol.items() if isinstance(s, dict)}
    cells = {row: _flat(metrics) for row, metrics in scores.items()}
    columns = list(dict.fromkeys(key for row in cells.values() for key in row))
    return {
        "name": name,
        "facts": {k: v for k, v in protocol.items() if not isinstance(v, dict)},
        "columns": [(label(*key), direction(key[0])) for key in columns],
        "rows": {
            row: [
                (values.get(key), _is_best(key, row, cells), _spread(scores[row], key))
                for key in columns
            ]
            for row, values in cells.items()
        },
        "pictures": step_pictures(name, protocol, scores),
    }


def label(metric: str, key: str = "") -> str:
    """Name of a metric in print: 'nrmse_at', '10' is 'nRMSE at step 10'."""
    plain = metric.removesuffix("_by_step").replace("ms_ssim", "MS-SSIM")
    words = plain.split("_")
    words += ["step"] if words[-1] == "at" else []
    return " ".join([*(NAMES.get(word, word) for word in words), key]).strip()


def duration(seconds: float) -> str:
    """Writes a time: 28 min 32 s."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 s"


def _flat(metrics: Mapping) -> dict[tuple[str, str], object]:
    """Numbers, and numbers by name, under (metric, name); lists are left to curves."""
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


# Pictures ---------------------------------------------------------------------------


class Picture(NamedTuple):
    """A figure: the name of its file, its SVG text, and two texts to go with it."""

    name: str
    svg: str
    alt: str
    caption: str


def step_pictures(name: str, protocol: Mapping, scores: Mapping) -> list[Picture]:
    """Metrics against the forecast step, for those that are given for each step."""
    from adr_jax.evaluation import figures

    pictures = []
    metrics = {k for row in scores.values() for k, v in row.items() if _is_curve(v)}
    for metric in sorted(metrics):
        series = {
            row: (range(1, len(values[metric]) + 1), values[metric])
            for row, values in scores.items()
            if _is_curve(values.get(metric))
        }
        log = direction(metric) != "higher"
        svg = figures.curves(
            series, x_label="forecast step", y_label=label(metric), log=log
        )
        alt = f"{label(metric)} against the forecast step: {_ends(series)}."
        caption = (
            f"{label(metric)} at each forecast step; protocol {name}, split "
            f"{protocol.get('split', 'not stated')}."
        )
        file = re.sub(r"\W", "_", f"{name}_{metric}")
        pictures.append(Picture(file, svg, alt, caption))
    return pictures


def training_pictures(metrics: Mapping[str, Mapping[int, float]]) -> list[Picture]:
    """The loss and everything measured on the validation split, against the step."""
    from adr_jax.evaluation import figures

    captions = {"loss": "Training loss of each logged step."}
    captions |= {
        name: f"Validation split: {label(name.removeprefix('validation_'))}."
        for name in metrics
        if name.startswith("validation")
    }
    pictures = []
    for name, caption in captions.items():
        if name in metrics:
            series = {name: (list(metrics[name]), list(metrics[name].values()))}
            log = direction(name.removeprefix("validation_")) != "higher"
            svg = figures.curves(
                series, x_label="training step", y_label=label(name), log=log
            )
            alt = f"{label(name)} against the training step: {_ends(series)}."
            pictures.append(Picture(name, svg, alt, caption))
    return pictures


def frame_pictures(forecast: Mapping[str, np.ndarray]) -> list[Picture]:
    """Target, forecast and error at the chosen steps, a picture for each channel."""
    from adr_jax.evaluation import figures

    if forecast["target"].ndim != 4:
        return []
    steps = forecast["steps"].tolist()
    channels = forecast["target"].shape[-1]
    unit = str(forecast.get("unit", ""))
    pictures = []
    for channel in range(channels):
        target, predicted = (forecast[k][..., channel] for k in ("target", "forecast"))
        name = "frames" if channels == 1 else f"frames_{channel}"
        which = "" if channels == 1 else f"Channel {channel}. "
        svg = figures.frames(steps, target, predicted, unit=unit)
        alt = f"{which}Target, forecast and their difference at forecast steps {steps}."
        caption = f"{which}{FRAMES_CAPTION}{_scales(forecast)}"
        pictures.append(Picture(name, svg, alt, caption))
    return pictures


def displacement_pictures(forecast: Mapping[str, np.ndarray]) -> list[Picture]:
    """The displacement of each block, as arrows over the last frame of the history."""
    from adr_jax.evaluation import figures

    field, displacement = forecast["history_last"], forecast.get("displacement")
    if field.ndim != 3 or displacement is None or displacement.ndim != 5:
        return []
    svg = figures.displacements(field[..., 0], displacement)
    blocks, groups = displacement.shape[0], displacement.shape[3]
    longest = numeral(np.linalg.norm(displacement, axis=-1).max())
    alt = f"Arrows over the last history frame, for each of {blocks} blocks."
    caption = (
        f"Where each block moves things: the mean over its displacement fields "
        f"({groups} a block), over the last frame of the history. Lengths are to scale "
        "within a panel, whose title gives the greatest; that of any single field is "
        f"{longest} cells."
    )
    return [Picture("displacement", svg, alt, caption)]


def _scales(forecast: Mapping[str, np.ndarray]) -> str:
    names = {"cell_size": "cell size", "frame_interval": "time between frames"}
    # Data sets give words, as "2 km", or a number of their own units.
    known = [
        f"{name} {value if value.dtype.kind == 'U' else format(float(value), '.3g')}"
        for key, name in names.items()
        if (value := forecast.get(key)) is not None
    ]
    return f" {', '.join(known).capitalize()}." if known else ""


def _ends(series: Mapping[str, tuple]) -> str:
    return "; ".join(
        f"{name} from {numeral(y[0])} at {x[0]} to {numeral(y[-1])} at {x[-1]}"
        for name, (x, y) in series.items()
    )


def _is_curve(value) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_number, value))
