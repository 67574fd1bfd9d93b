import json
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from etils import epath
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from adr_jax.errors import InputError
from adr_jax.evaluation import figures, numerals, report, run_files

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
    {"step": 40, "validation_nrmse": 0.003},
]


def example() -> dict:
    rows, columns, channels = 20, 24, 1
    rng = np.random.default_rng(0)
    target = rng.uniform(1.0, 2.0, (3, rows, columns, channels))
    return {
        "steps": np.array([1, 5, 12]),
        "target": target.astype(np.float32),
        "forecast": target + 0.01 * rng.normal(size=target.shape),
        "history_last": target[0],
        "displacement": rng.normal(size=(2, rows, columns, 4, 2)),
        "cell_size": np.array(0.25),
        "unit": np.array("m"),
    }


@pytest.fixture
def workdir(tmp_path) -> epath.Path:
    return write_run(epath.Path(tmp_path) / "wave run")


def write_run(folder: epath.Path) -> epath.Path:
    (folder / "figures").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "results.json").write_text(json.dumps(RESULTS))
    lines = "".join(json.dumps(line) + "\n" for line in METRICS)
    (folder / "metrics.jsonl").write_text(lines)
    write_example(folder, example())
    return folder


def write_example(folder: epath.Path, arrays: dict) -> None:
    with (folder / "figures" / "forecast.npz").open("wb") as file:
        np.savez(file, **arrays)


class Page(HTMLParser):
    """What a reader meets (text, tables, alternatives) and what a browser loads."""

    def __init__(self, path: epath.Path):
        super().__init__()
        self.text, self.tags, self.alts, self.loaded, self.ids = "", [], [], [], []
        self.tables, self._cell, self._style = [], None, False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.loaded += [attrs[a] for a in ("src", "href", "xlink:href") if a in attrs]
        if tag == "svg":
            self.alts.append(attrs["aria-label"])
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell = {"text": "", "class": attrs.get("class"), "value": None}
            self.tables[-1][-1].append(self._cell)
        elif tag == "data":
            self._cell["value"] = float(attrs["value"])

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = None

    def handle_data(self, data):
        self.text += data
        if self._cell is not None:
            self._cell["text"] += data

    def table(self, number: int) -> dict[str, dict[str, dict]]:
        """Row name -> column name, without its arrow -> cell."""
        header, *rows = self.tables[number]
        names = [cell["text"].rstrip("\xa0↓↑") for cell in header]
        return {
            row[0]["text"]: dict(zip(names[1:], row[1:], strict=True)) for row in rows
        }


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> epath.Path:
    folder = epath.Path(tmp_path_factory.mktemp("run")) / "wave run"
    return report.write_report(write_run(folder))


@pytest.fixture(scope="module")
def page(path) -> Page:
    return Page(path)


def test_numbers_shown_are_the_numbers_given(page):
    one_step, rollout = page.table(0), page.table(1)
    assert list(one_step) == ["model", "persistence", "extrapolation"] == list(rollout)
    for row in one_step:
        given = RESULTS["protocols"]["one_step"][row]
        assert one_step[row]["nRMSE"]["value"] == given["nrmse"]
        assert one_step[row]["PSNR"]["value"] == given["psnr"]
        given = RESULTS["protocols"]["rollout"][row]
        assert rollout[row]["nRMSE"]["value"] == given["nrmse"]
        assert rollout[row]["mass drift"]["value"] == given["mass_drift"]
        assert rollout[row]["nRMSE at step 10"]["value"] == given["nrmse_at"]["10"]
    assert one_step["model"]["nRMSE"]["text"] == "★ 1.11e-4 ±2.3e-5"
    assert one_step["model"]["PSNR"]["text"] == "38.2 ±1.5"
    assert one_step["persistence"]["nRMSE"]["text"] == "6.80e-3"
    assert one_step["persistence"]["oddity"]["text"] == "–"


def test_each_protocol_has_its_own_table_under_its_name(page):
    assert len(page.tables) == 3
    assert page.table(2)["model"]["novelty"]["value"] == 0.25
    for name, facts in (
        ("one_step", "split test, samples 728"),
        ("rollout", "split test, samples 8"),
        ("a new <protocol>", "split validation"),
    ):
        assert f"Protocol {name}\n  {facts}\n" in page.text


def test_best_is_marked_in_words_and_by_direction_of_the_metric(page):
    def best(column: str) -> set:
        cells = {row: cells[column] for row, cells in page.table(0).items()}
        starred = {row for row, cell in cells.items() if "★" in cell["text"]}
        assert starred == {row for row, cell in cells.items() if cell["class"]}
        return starred

    assert best("nRMSE") == {"model"}  # lower is better
    assert best("PSNR") == {"extrapolation"}  # higher is better
    assert best("oddity") == set()  # nobody knows


@pytest.mark.parametrize(
    ("metric", "key", "text"),
    [
        ("nrmse_at", "10", "nRMSE at step 10"),
        ("csi_2", "", "CSI 2"),
        ("fss_0.5_5cells", "", "FSS 0.5 5cells"),
        ("ms_ssim_by_step", "", "MS-SSIM"),
        ("ms_per_frame", "", "ms per frame"),
        ("psnr_wrapped", "", "PSNR wrapped"),
    ],
)
def test_label(metric, key, text):
    assert report.label(metric, key) == text


def test_nan_is_shown_and_is_never_best(workdir):
    results = {"protocols": {"p": {"model": {"nrmse": float("nan")}}}}
    results["protocols"]["p"]["persistence"] = {"nrmse": 0.5}
    (workdir / "results.json").write_text(json.dumps(results))
    table = Page(report.write_report(workdir)).table(0)
    assert table["model"]["nRMSE"]["text"] == "nan"
    assert table["persistence"]["nRMSE"]["text"] == "★ 0.500"


def test_summary_says_what_was_run_on_what(page):
    text = " ".join(page.text.split())
    for part in (
        "adrnet on shallow_water wave run",
        "79,320 parameters were trained for 4,000 steps in 28 min 32 s on 2 x CPU",
        "from seed 0",
        "split distinct: 84 train, 8 validation, 9 test trajectories",
        "(65 train, 6 validation, 7 test distinct initial states)",
        "fingerprint is 9f3ac21b",
        "adr_jax 0.1.0, jax 0.10.2.",
        RESULTS["command"],
    ):
        assert part in text


def test_page_opens_offline(path, page):
    assert page.loaded  # the frames: without them the next line says nothing
    assert all(link.startswith(("data:image/png;", "#")) for link in page.loaded)
    text = path.read_text()
    assert "http:" not in text and "https:" not in text and "@import" not in text
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert all(part.startswith("#") for part in text.split("url(")[1:])


def test_identifiers_are_unique_and_references_meet_one(page):
    assert len(set(page.ids)) == len(page.ids)
    inner = {link[1:] for link in page.loaded if link.startswith("#")}
    assert inner and inner <= set(page.ids)


def test_every_figure_has_alternative_text_and_is_a_file(path, page):
    starts = [alt.split(":")[0] for alt in page.alts]
    assert starts == [
        "nRMSE against the forecast step",
        "loss against the training step",
        "validation nRMSE against the training step",
        "Target, forecast and their difference at forecast steps [1, 5, 12].",
        "Arrows over the last history frame, for each of 2 blocks.",
    ]
    assert "persistence from 6.80e-3 at 1 to 0.0236 at 12" in page.alts[0]
    names = {file.name for file in (path.parent / "figures").iterdir()}
    assert names - {"forecast.npz"} == {
        "rollout_nrmse_by_step.svg",
        "loss.svg",
        "validation_nrmse.svg",
        "frames.svg",
        "displacement.svg",
    }


def test_text_of_the_config_is_escaped(page):
    assert "script" not in page.tags
    assert CONFIG["model"]["note"] in page.text


def test_same_files_give_the_same_page(path):
    first = path.read_bytes()
    assert report.write_report(path.parent).read_bytes() == first


@pytest.mark.parametrize(
    "broken", [b'{"step": 60, "lo', b"\0\0", b"\xff", b"[1]", b'{"loss": 1}']
)
def test_a_broken_line_of_metrics_is_skipped(workdir, broken):
    file = workdir / "metrics.jsonl"
    # A resumed run may write on behind the broken line, and repeats steps.
    again = b'\n{"step": 40, "loss": 0.125}\n{"step": 30, "loss": 0.375}'
    file.write_bytes(file.read_bytes() + broken + again)
    series, skipped = run_files.read_metrics(file)
    assert skipped == 1
    assert list(series["loss"].items()) == [(20, 0.5), (30, 0.375), (40, 0.125)]
    assert series["validation_nrmse"] == {40: 0.003}
    page = Page(report.write_report(workdir))
    assert "1 unreadable line of metrics.jsonl left out" in page.text


@pytest.mark.parametrize("name", ["config.json", "results.json", "metrics.jsonl"])
def test_a_missing_file_is_named_with_what_makes_it(workdir, name):
    (workdir / name).unlink()
    with pytest.raises(InputError, match=rf"{name} is missing: train.py writes it"):
        report.write_report(workdir)


@pytest.mark.parametrize(
    "name, content",
    [
        ("config.json", b"{"),
        ("config.json", b"[]"),
        ("results.json", b'{"protocols": {'),
        ("results.json", b"{}"),
        ("results.json", b'{"protocols": {"one_step": 3}}'),
        ("results.json", b"\xff\xfe"),
        ("metrics.jsonl", b""),
        ("metrics.jsonl", b"{"),
        ("figures/forecast.npz", b""),
        ("figures/forecast.npz", b"PK\x03\x04 but no archive"),
        ("figures/forecast.npz", b"anything"),
    ],
)
def test_a_damaged_file_is_named_with_what_makes_it(workdir, name, content):
    (workdir / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} is damaged \(.+\): train.py writes"):
        report.write_report(workdir)
    assert not (workdir / "report.html").exists()


def test_a_cut_or_incomplete_example_is_damaged(workdir):
    file = workdir / "figures" / "forecast.npz"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="forecast.npz is damaged"):
        report.write_report(workdir)
    arrays = example()
    write_example(workdir, {k: v for k, v in arrays.items() if k != "target"})
    with pytest.raises(InputError, match="it lacks target"):
        report.write_report(workdir)
    for key in ("forecast", "steps"):
        write_example(workdir, arrays | {key: arrays[key][:2]})
        with pytest.raises(InputError, match="expected equal shapes"):
            report.write_report(workdir)


@pytest.mark.parametrize("library", ["matplotlib", "jinja2"])
def test_a_missing_library_says_what_to_install(workdir, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "adr_jax.evaluation.figures")
    monkeypatch.delattr("adr_jax.evaluation.figures")
    with pytest.raises(
        InputError, match=rf"{library}.*pip install 'adr_jax\[report\]'"
    ):
        report.write_report(workdir)


def test_importing_the_report_loads_no_plotting():
    code = (
        "import sys, adr_jax.evaluation.report;"
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_plotting_keeps_no_global_state(workdir):
    # "backend" is left out: to read it is to choose one, which loads pyplot.
    code = (
        "import sys, matplotlib as m;"
        "settings = lambda: {k: m.rcParams[k] for k in m.rcParams if k != 'backend'};"
        "before = settings();"
        "from adr_jax.evaluation.report import write_report;"
        f"write_report({str(workdir)!r});"
        "assert 'matplotlib.pyplot' not in sys.modules;"
        "assert settings() == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_absent_is_left_out_in_one_line(workdir):
    (workdir / "figures" / "forecast.npz").unlink()
    (workdir / "results.json").write_text('{"protocols": {}}')
    page = Page(report.write_report(workdir))
    for line in ("No scores", "No frames", "No arrows", "holds no command"):
        assert line in page.text
    assert len(page.alts) == 2  # the two curves of training


def test_no_arrows_without_transport(workdir):
    write_example(workdir, {k: v for k, v in example().items() if k != "displacement"})
    page = Page(report.write_report(workdir))
    assert "No arrows" in page.text and "No frames" not in page.text
    assert not any("Arrows" in alt for alt in page.alts)


def test_frames_in_one_dimension_are_left_out(workdir):
    arrays = {k: example()[k][:, 0] for k in ("target", "forecast")}
    arrays |= {"steps": np.arange(3), "history_last": arrays["target"][0]}
    write_example(workdir, arrays)
    text = Page(report.write_report(workdir)).text
    assert "drawn for two spatial axes, and these have the shape (3, 24, 1)" in text


def test_each_channel_has_its_picture(workdir):
    arrays = example()
    for key in ("target", "forecast", "history_last"):
        arrays[key] = np.repeat(arrays[key], 2, axis=-1)
    write_example(workdir, arrays)
    alts = Page(report.write_report(workdir)).alts
    assert [alt[:9] for alt in alts if "Target" in alt] == ["Channel 0", "Channel 1"]


def test_a_forecast_that_blew_up_is_still_drawn(workdir):
    arrays = example()
    arrays["forecast"][1] = 1e30
    arrays["forecast"][2] = np.nan
    arrays["displacement"][:] = np.nan
    write_example(workdir, arrays)
    assert len(Page(report.write_report(workdir)).alts) == 5


def test_a_loss_that_was_never_finite_is_no_reason_to_fail(workdir):
    (workdir / "metrics.jsonl").write_text('{"step": 1, "loss": NaN}')
    page = Page(report.write_report(workdir))
    assert "loss against the training step: loss from nan at 1" in page.alts[1]


def test_arrows_start_at_their_cells_and_point_along_the_axes_of_the_image():
    displacement = np.zeros((6, 9, 2))
    displacement[4, 7] = (3.0, -1.0)  # three cells down, one to the left
    x, y, dx, dy = figures.arrows(displacement, spacing=3)
    assert x.tolist() == [[1, 4, 7], [1, 4, 7]]
    assert y.tolist() == [[1, 1, 1], [4, 4, 4]]
    assert dx.tolist() == [[0, 0, 0], [0, 0, -1]]
    assert dy.tolist() == [[0, 0, 0], [0, 0, 3]]


@pytest.mark.parametrize(
    "displacement",
    [(5.0, 0.0), (-5.0, 0.0), (0.0, 5.0), (0.0, -5.0), (4.0, -3.0)],
    ids=["down", "up", "right", "left", "down and left"],
)
def test_drawn_arrows_leave_their_cell_toward_where_content_goes(displacement):
    field = np.zeros((40, 40, 2))  # of which every other cell gets an arrow
    field[19, 19] = displacement
    figure = Figure(figsize=(4, 4), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    background = np.zeros((40, 40))
    background[:20] = 1.0  # upper half dark, to see that row 0 is drawn on top
    figures.draw_displacement(axes, background, field)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3] / 255.0
    assert pixels[50, 200].sum() < pixels[350, 200].sum() - 0.3
    ink = np.abs(pixels - to_rgb(figures.ARROW)).max(axis=-1) < 0.1
    start = 10 * (19 + 0.5)  # a cell is ten pixels wide
    pixel = np.argwhere(ink).mean(axis=0) - start  # rows down, columns right
    cosine = pixel @ displacement / np.linalg.norm(pixel) / np.linalg.norm(displacement)
    assert cosine > 0.98  # the mean of an arrow's pixels lies on its axis


def test_displacement_is_averaged_over_groups_and_its_length_is_told():
    displacement = np.zeros((2, 8, 8, 2, 2))
    displacement[0, 3, 3] = ((3.0, 4.0), (0.0, 0.0))  # lengths 5 and 0, mean 2.5
    displacement[1, 5, 5] = ((-0.06, 0.0), (-0.1, 0.0))
    displacement[1, 2, 2] = np.nan  # which is no length
    svg = figures.displacements(np.zeros((8, 8)), displacement)
    assert "block 1: max |u| = 2.50 cells" in svg
    assert "block 2: max |u| = 0.0800 cells" in svg


def test_curves_leave_out_what_a_logarithm_cannot_show():
    labels = {"x_label": "step", "y_label": "loss"}
    x, y = (0, 1, 2, 3, 4, 5), (2.0, np.nan, np.inf, 0.0, -1.0, 0.5)
    assert figures.curves({"a": (x, y)}, **labels) == figures.curves(
        {"a": ((0, 5), (2.0, 0.5))}, **labels
    )
    # Without a logarithm, 0 and -1 are values like others.
    linear = figures.curves({"a": (x, y)}, log=False, **labels)
    assert linear == figures.curves(
        {"a": ((0, 3, 4, 5), (2.0, 0.0, -1.0, 0.5))}, log=False, **labels
    )


@pytest.mark.parametrize("high", [0.0206, 0.03, 0.1, 5.0, 2e6])
def test_numbers_on_a_logarithmic_axis_differ(high):
    curve = {"a": ((0, 1), (0.02, high))}
    svg = figures.curves(curve, x_label="x", y_label="y")
    ticks = svg[svg.index('id="matplotlib.axis_2"') :].split("<text")[1:-1]
    numbers = [tick[tick.index(">") + 1 : tick.index("</text>")] for tick in ticks]
    numbers = [number for number in numbers if number]
    assert len(numbers) >= 2 and len(set(numbers)) == len(numbers)


def test_a_figure_takes_the_ink_and_paper_of_its_page():
    svg = figures.curves({"a": ((0, 1), (1.0, 2.0))}, x_label="x", y_label="y")
    assert figures.INK in svg and figures.PAPER in svg
    inline = figures.inline(svg, name="loss", alt='a "quoted" <b>')
    assert figures.INK not in inline and figures.PAPER not in inline
    assert "fill: currentColor" in inline and "fill: none" in inline
    assert 'aria-label="a &quot;quoted&quot; &lt;b&gt;"' in inline


def test_frames_write_the_ends_of_each_error_scale():
    target = np.linspace(0.0, 1.0, 2 * 4 * 4).reshape(2, 4, 4)
    forecast = target.copy()
    forecast[0, 1, 1] += 0.03
    forecast[1, 2, 2] -= 4e-4
    svg = figures.frames([1, 7], target, forecast, unit="m <s>")
    for text in ("step 1", "step 7", "−0.0300", "0.0300", "−4.00e-4", "m &lt;s&gt;"):
        assert f">{text}</text>" in svg


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0"),
        (1.113e-4, "1.11e-4"),
        (-6.8e-3, "-6.80e-3"),
        (0.016, "0.0160"),
        (0.99999, "1.000"),
        (38.17, "38.2"),
        (999.9, "1000"),
        (4000, "4000"),
        (1.5e7, "1.50e7"),
        (float("inf"), "inf"),
    ],
)
def test_numeral(value, text):
    assert numerals.numeral(value) == text


@pytest.mark.parametrize(
    "seconds, text", [(1712.4, "28 min 32 s"), (0.2, "0 s"), (7200, "2 h")]
)
def test_duration(seconds, text):
    assert report.duration(seconds) == text


@pytest.mark.parametrize(
    "scales, text",
    [
        ({"cell_size": "2 km", "frame_interval": "5 min"}, "Cell size 2 km, time bet"),
        ({"cell_size": 0.25}, "Cell size 0.25."),
    ],
    ids=["words", "numbers"],
)
def test_scales_are_words_or_numbers(workdir, scales, text):
    arrays = {name: np.array(value) for name, value in scales.items()}
    write_example(workdir, {**example(), **arrays})
    report.write_report(workdir)
    assert text in Page(workdir / "report.html").text
