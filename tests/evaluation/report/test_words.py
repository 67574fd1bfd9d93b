"""Names, times and lengths in words."""

import pytest

from adr_jax.evaluation.report import words


@pytest.mark.parametrize(
    ("metric", "key", "text"),
    [
        ("nrmse_at", "10", "nRMSE at step 10"),
        ("csi_2", "", "CSI 2"),
        ("fss_0.5_5cells", "", "FSS 0.5 5 cells"),
        ("ms_ssim_by_step", "", "MS-SSIM"),
        ("ms_per_frame", "", "ms per frame"),
        ("psnr_wrapped", "", "PSNR wrapped"),
    ],
)
def test_label(metric, key, text):
    assert words.label(metric, key) == text


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("2 km", (2.0, "km")),
        ("0.25 degrees_north", (0.25, "degrees_north")),
        ("5min", (5.0, "min")),
        (0.25, (0.25, "")),
        ("1e-3 m", (1e-3, "m")),
        ("varying", None),
        ("1.2.3 m", None),
        ("", None),
        (None, None),
    ],
    ids=str,
)
def test_quantity(size, expected):
    assert words.quantity(size) == expected


@pytest.mark.parametrize(
    ("cells", "size", "text"),
    [
        (128, "2 km", "256 km"),
        (64, 0.078125, "5"),
        (64, None, "64 cells"),
        (768, "3 km", "2304 km"),
    ],
)
def test_extent(cells, size, text):
    assert words.extent(cells, size) == text


@pytest.mark.parametrize(
    ("steps", "interval", "text"),
    [
        (18, "5 min", "1 h 30 min"),
        (3, "300 seconds", "15 min"),
        (2, "0.1 s", "0.2 s"),
        (10, "1 day", "10 days"),
        (91, 0.01, "0.91"),
        (5, "2 weeks", "10 weeks"),
        (5, None, ""),
    ],
)
def test_lead_time(steps, interval, text):
    assert words.lead_time(steps, interval) == text


@pytest.mark.parametrize(
    "seconds, text",
    [
        (1712.4, "28 min 32 s"),
        (0.2, "0.2 s"),
        (59.99, "60 s"),
        (7200, "2 h"),
        (0, "0 s"),
        (90000, "25 h"),
    ],
)
def test_duration(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("steps", "interval", "expected"),
    [
        (24, "5 min", (5.0, "min")),
        (24, "15 min", (0.25, "h")),
        (20, "1 day", (1.0, "days")),
        (5, "0.1 s", (0.1, "s")),
        (91, 0.01, (0.01, "")),
        (5, None, None),
    ],
)
def test_time_axis(steps, interval, expected):
    assert words.time_axis(steps, interval) == expected
