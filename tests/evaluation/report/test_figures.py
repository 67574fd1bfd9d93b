"""Charts as SVG text, and the format of numbers."""

import numpy as np
import pytest

from adr_jax.evaluation.report import figures, numerals


def test_curves_leave_out_points_without_a_logarithm():
    labels = {"x_label": "step", "y_label": "loss"}
    x, y = (0, 1, 2, 3, 4, 5), (2.0, np.nan, np.inf, 0.0, -1.0, 0.5)
    assert figures.curves({"a": (x, y)}, **labels) == figures.curves(
        {"a": ((0, 5), (2.0, 0.5))}, **labels
    )
    # On a linear axis, 0 and -1 are shown.
    linear = figures.curves({"a": (x, y)}, log=False, **labels)
    assert linear == figures.curves(
        {"a": ((0, 3, 4, 5), (2.0, 0.0, -1.0, 0.5))}, log=False, **labels
    )


@pytest.mark.parametrize(
    ("log", "said"), [(True, "no value above 0"), (False, "no value is defined")]
)
@pytest.mark.filterwarnings("error")
def test_of_no_value_a_chart_says_so(log, said):
    # A dry event: scores of rain are NaN there, and errors 0.
    curve = {"a": ((1, 2), (np.nan, 0.0 if log else np.nan))}
    svg = figures.curves(curve, x_label="x", y_label="y", log=log, x_log=True)
    assert said in svg


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
