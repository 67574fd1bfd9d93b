"""Files of a run and a reader of pages, for the tests of the report."""

import base64
import dataclasses
import io
import json
from html.parser import HTMLParser

import numpy as np
from etils import epath
from PIL import Image

from adr_jax.evaluation.report.examples import Examples

STEPS = 12


def scores(first: float) -> dict:
    by_step = [first * step**0.5 for step in range(1, STEPS + 1)]
    return {
        "nrmse": float(np.mean(by_step)),
        "mass_drift": first / 7,
        "nrmse_at": {"1": by_step[0], "10": by_step[9]},
        "nrmse_by_step": by_step,
    }


RESULTS = {
    "protocols": {
        "one_step": {
            "split": "test",
            "samples": 728,
            "history": 10,
            "horizon": 1,
            "best_median_worst": [5, 6, 7],
            "extrapolation": {"nrmse": 1.8e-3, "psnr": 40.5, "oddity": 5.0},
            "persistence": {"nrmse": 6.8e-3, "psnr": 31.25},
            "model": {
                "nrmse": 1.113e-4,
                "psnr": 38.17,
                "oddity": 3.0,
                "spread": {"nrmse": 2.34e-5, "psnr": 1.5},
            },
        },
        "rollout": {
            "split": "test",
            "samples": 8,
            "history": 10,
            "horizon": STEPS,
            "model": scores(1.1e-4),
            "persistence": scores(6.8e-3),
            "extrapolation": scores(1.8e-3),
        },
        "a new <protocol>": {"split": "validation", "model": {"novelty": 0.25}},
    },
    "seed": 0,
    "step": 4000,
    "parameters": 79320,
    "train_seconds": 1712.4,
    "device": "2 x CPU",
    "versions": {"adr_jax": "0.1.0", "jax": "0.10.2"},
    "data": {
        "name": "shallow_water",
        "fingerprint": "9f3ac21b",
        "split": "distinct",
        "trajectories": {"train": 84, "validation": 8, "test": 9},
        "states": {"train": 65, "validation": 6, "test": 7},
        "unit": "m",
        "cell_size": "2 km",
        "frame_interval": "5 min",
    },
    "command": "python train.py --config configs/shallow_water.py",
}
CONFIG = {
    "seed": 0,
    "model": {"name": "adrnet", "note": "<script>alert('&')</script>"},
    "data": {"name": "shallow_water"},
}
METRICS = [
    {"step": 20, "loss": 0.5, "learning_rate": 1e-3},
    {"step": 40, "loss": 0.25, "steps_per_second": 2.0},
    {"step": 40, "validation_nrmse": 0.003, "validation_rmse": 0.5},
]


def make_examples(**changes) -> Examples:
    """Return 3 of 8 windows, 3 steps of 20 x 24 cells, 2 blocks of 3 groups."""
    rng = np.random.default_rng(0)
    n, k, rows, columns, spacing = 3, 3, 20, 24, 4
    target = rng.uniform(1.0, 2.0, (n, k, rows, columns, 1))
    error = 0.01 * rng.normal(size=target.shape)
    examples = Examples(
        protocol="rollout",
        split="test",
        total=8,
        windows=np.array([4, 2, 0]),
        roles=("median", "best", "worst, first"),
        metric="nrmse",
        scores=np.array([0.02, 0.01, 0.03]),
        scores_at=rng.uniform(0.01, 0.03, (n, k)),
        steps=np.array([1, 6, STEPS]),
        kind="field",
        variables=("h",),
        classes=(),
        space=(rows, columns),
        pictures=np.stack([target, target + error, error], axis=1),
        spectra=rng.uniform(1e-6, 1e-3, (3, 3, 13, 1)),
        spectra_steps=np.array([1, 6, STEPS]),
        spacing=spacing,
        net_motion=rng.normal(size=(n, k, rows // spacing, columns // spacing, 2)),
        motion=rng.normal(size=(2, rows // spacing, columns // spacing, 3, 2)),
        ground=target[0, 0, ..., 0],
        shares=np.array([[0.5, 0.2, 0.3], [0.625, 0.004, 0.371]]),
    )
    return dataclasses.replace(examples, **changes)


def write_run(folder: epath.Path, results=RESULTS, examples=None) -> epath.Path:
    """Write the files of a workdir."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "results.json").write_text(json.dumps(results))
    lines = "".join(json.dumps(line) + "\n" for line in METRICS)
    (folder / "metrics.jsonl").write_text(lines)
    write_examples(folder, examples or make_examples())
    return folder


def write_examples(folder: epath.Path, examples: Examples) -> None:
    examples.write(folder / "figures" / "samples.npz")


class Page(HTMLParser):
    """The text, tables and alternative texts of a page, and what a browser loads."""

    def __init__(self, path: epath.Path):
        super().__init__()
        self.text, self.tags, self.alts, self.loaded, self.ids = "", [], [], [], []
        self.tables, self.unnamed, self._cell, self._open = [], [], None, []
        self.attributes: list[tuple[str, dict]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.attributes.append((tag, attrs))
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.loaded += [attrs[a] for a in ("src", "href", "xlink:href") if a in attrs]
        if tag in ("svg", "img") or attrs.get("role") == "img":
            name = attrs.get("aria-label") or attrs.get("alt")
            if name:
                self.alts.append(name)
            elif attrs.get("aria-hidden") != "true":
                self.unnamed.append((tag, attrs))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell = {"text": "", "class": attrs.get("class"), "value": None}
            self.tables[-1][-1].append(self._cell)
        elif tag == "data" and self._cell is not None:
            self._cell["value"] = float(attrs["value"])
        if tag in ("style", "script"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = None
        if tag in ("style", "script"):
            self._open.pop()

    def handle_data(self, data):
        if not self._open:
            self.text += data
        if self._cell is not None:
            self._cell["text"] += data

    @property
    def words(self) -> str:
        """Return the text with single spaces."""
        return " ".join(self.text.split())

    def table(self, number: int) -> dict[str, dict[str, dict]]:
        """Return forecaster -> metric, without its arrow -> cell."""
        header, *rows = self.tables[number]
        names = [cell["text"] for cell in header[1:]]
        metrics = [row[0]["text"].rstrip("\xa0↓↑") for row in rows]
        return {
            name: {m: row[1 + n] for m, row in zip(metrics, rows, strict=True)}
            for n, name in enumerate(names)
        }


def picture(link: str) -> np.ndarray:
    """Return the colours of an embedded PNG."""
    data = base64.b64decode(link.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
