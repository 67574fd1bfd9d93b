"""The page about one run."""

import functools
import itertools
import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import jinja2
import markupsafe
from etils import epath

from adr_jax.evaluation.report import (
    arrows,
    charts,
    examples,
    figures,
    films,
    scenes,
    scores,
)
from adr_jax.evaluation.report.examples import Examples
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.sections import LeftOut, gather
from adr_jax.evaluation.report.words import duration, extent
from adr_jax.evaluation.workdir import (
    FIGURES,
    REPORT_FILE,
    RESULTS_FILE,
    SAMPLES_FILE,
    is_number,
    read_config,
    read_metrics,
    read_results,
    write_whole,
)


class RunFiles(NamedTuple):
    """The files of a run, read."""

    name: str
    workdir: epath.Path
    config: dict
    results: dict
    metrics: dict[str, dict[int, float]]
    # The number of unreadable lines of metrics.jsonl.
    skipped: int
    examples: Examples | None

    @property
    def data(self) -> Mapping:
        """Return the data section of the results."""
        return self.results.get("data") or {}

    def require_examples(self) -> Examples:
        """Return the examples, or raise LeftOut with the reason and the remedy."""
        if self.examples is None:
            raise LeftOut(
                f"{self.workdir / SAMPLES_FILE} is missing, as in a run of "
                "an earlier version; its training command scores the finished run "
                "again and writes it"
            )
        return self.examples


def read_run(workdir: epath.Path) -> RunFiles:
    """Read the files of a run.

    Raises:
      InputError: one is missing or damaged.
    """
    config = read_config(workdir)
    results = read_results(workdir)
    metrics, skipped = read_metrics(workdir)
    stored = examples.read(workdir / SAMPLES_FILE)
    name = workdir.name or workdir.resolve().name  # "." has no name
    return RunFiles(name, workdir, config, results, metrics, skipped, stored)


def write(workdir: epath.Path, output: epath.PathLike | None) -> epath.Path:
    """Write the page about one run, and its charts."""
    run = read_run(workdir)
    shown, left_out = gather(
        {
            "Scores": functools.partial(score_sections, run),
            "Forecasts": lambda: scenes.player({"": run.require_examples()}, run.data),
            "What moves where": lambda: arrows.motion(run.require_examples(), run.data),
            "Share of each term": lambda: arrows.shares(run.require_examples()),
            "Spectra": lambda: charts.spectra(run.require_examples(), run.data),
            "Training": lambda: charts.training({run.name: run.metrics}),
        }
    )
    page = render("run.html.jinja", run=run, shown=shown, left_out=left_out)
    sections = [section["charts"] for section in shown.get("Scores", ())]
    sections += [shown.get(title, ()) for title in ("Training", "Spectra")]
    save_charts(itertools.chain(*sections), workdir / FIGURES)
    path = epath.Path(output or workdir / REPORT_FILE)
    write_whole(path, page)
    return path


def score_sections(run: RunFiles) -> list[dict]:
    """Return a table and charts for each protocol."""
    sections = []
    for name, protocol in run.results["protocols"].items():
        rows = scores.by_forecaster(protocol)
        curves = charts.by_step(name, protocol, rows, run.data)
        sections.append(scores.table(name, protocol, rows) | {"charts": curves})
    if not sections:
        raise LeftOut(f"{RESULTS_FILE} names no protocol")
    return sections


def render(template: str, **content: object) -> str:
    """Fill in a template."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("adr_jax.evaluation.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "extent": extent,
        "inline": lambda chart: markupsafe.Markup(
            figures.inline(chart.svg, name=chart.name, alt=chart.alt)
        ),
        "numeral": numeral,
    }
    environment.tests["number"] = is_number
    environment.globals |= {
        "maps": {
            "field": films.colours(figures.FIELD_MAP, 9),
            "error": films.colours(figures.ERROR_MAP, 9),
        },
        "as_text": functools.partial(json.dumps, indent=2, ensure_ascii=False),
    }
    return environment.get_template(template).render(content)


def save_charts(drawn: Iterable[charts.Chart], folder: epath.Path) -> None:
    """Write each chart as an SVG file, for slides and papers."""
    folder.mkdir(parents=True, exist_ok=True)
    for chart in drawn:
        (folder / f"{chart.name}.svg").write_text(chart.svg, encoding="utf-8")
