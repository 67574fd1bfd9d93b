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
from adr_jax.evaluation.report.examples import Samples
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.sections import LeftOut, gather
from adr_jax.evaluation.report.words import duration, extent
from adr_jax.evaluation.workdir import (
    FIGURES,
    REPORT_FILE,
    SAMPLES_FILE,
    is_number,
    read_config,
    read_metrics,
    read_results,
    write_whole,
)


class RunFiles(NamedTuple):
    """What a run has left in its workdir."""

    name: str
    workdir: epath.Path
    config: dict
    results: dict
    metrics: dict[str, dict[int, float]]
    # Lines of metrics.jsonl that could not be read.
    skipped: int
    samples: Samples | None

    @property
    def data(self) -> Mapping:
        """What the results say of their data."""
        return self.results.get("data") or {}

    def need_samples(self) -> Samples:
        """Them, or the reason for which a part is left out."""
        if self.samples is None:
            raise LeftOut(
                f"{self.workdir / SAMPLES_FILE} is not there, as in a run "
                "of an earlier version; its training command, once more, scores the "
                "finished run anew and writes it"
            )
        return self.samples


def read_run(workdir: epath.Path) -> RunFiles:
    """Reads them.

    Raises:
      InputError: one is missing or damaged.
    """
    config = read_config(workdir)
    results = read_results(workdir)
    metrics, skipped = read_metrics(workdir)
    kept = examples.read(workdir / SAMPLES_FILE)
    name = workdir.name or workdir.resolve().name  # of ".", too
    return RunFiles(name, workdir, config, results, metrics, skipped, kept)


def write(workdir: epath.Path, output: epath.PathLike | None) -> epath.Path:
    """Writes the page about one run, and its charts."""
    run = read_run(workdir)
    shown, left_out = gather(
        {
            "Scores": functools.partial(score_sections, run),
            "Forecasts": lambda: scenes.player({"": run.need_samples()}, run.data),
            "What moves where": lambda: arrows.motion(run.need_samples(), run.data),
            "Share of each term": lambda: arrows.shares(run.need_samples()),
            "Spectra": lambda: charts.spectra(run.need_samples(), run.data),
            "Training": lambda: charts.training({run.name: run.metrics}),
        }
    )
    page = render("run.html.jinja", run=run, shown=shown, left_out=left_out)
    drawn = [section["charts"] for section in shown.get("Scores", ())]
    drawn += [shown.get(title, ()) for title in ("Training", "Spectra")]
    save_charts(itertools.chain(*drawn), workdir / FIGURES)
    path = epath.Path(output or workdir / REPORT_FILE)
    write_whole(path, page)
    return path


def score_sections(run: RunFiles) -> list[dict]:
    """A table and charts for each protocol."""
    sections = []
    for name, protocol in run.results["protocols"].items():
        rows = scores.rows_of(protocol)
        drawn = charts.by_step(name, protocol, rows, run.data)
        sections.append(scores.table(name, protocol, rows) | {"charts": drawn})
    if not sections:
        raise LeftOut("results.json names no protocol")
    return sections


def render(template: str, **content: object) -> str:
    """Fills in a template."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("adr_jax.evaluation.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "extent": extent,
        "inline": lambda picture: markupsafe.Markup(
            figures.inline(picture.svg, name=picture.name, alt=picture.alt)
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


def save_charts(pictures: Iterable[charts.Picture], folder: epath.Path) -> None:
    """Writes each as a file of its own, for slides and papers."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        (folder / f"{picture.name}.svg").write_text(picture.svg, encoding="utf-8")
