"""Scores of motion and of nowcasts with it, and their tables."""

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from outcome import print_table
from skimage.metrics import structural_similarity

import adr_jax
from adr_jax.data.weather.radar import reflectivity

Row = dict[str, float]  # by column; NaN is blank
Table = dict[str, Row]

MINIMUM = 0.1  # cells a frame, below which a direction means little
AHEAD = 24  # frames of rain that are forecast
LEADS = {6: "+30", 12: "+60", 18: "+90", 24: "+120"}
CLOUD_LEADS = (1, 3, 6, 12)
RAIN = float(reflectivity(np.array([1.0]))[0])
DIGITS = {"angle": 1, "length": 2, "share": 2, "nRMSE": 4, "RMSE dBZ": 2, "%": 1}


def has_motion(reference: np.ndarray) -> np.ndarray:
    """Return the mask of cells with a known motion to compare with."""
    return np.linalg.norm(reference, axis=-1) >= MINIMUM


def compare(u: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """Return the median angle, the median ratio of lengths, and the whole's cosine.

    Both are (cells, 2).
    """
    sizes = [np.linalg.norm(v, axis=-1) for v in (u, reference)]
    cosine = np.sum(u * reference, -1) / np.maximum(sizes[0] * sizes[1], 1e-9)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    whole = np.sum(u * reference) / np.sqrt(
        max(np.sum(np.square(u)), 1e-12) * np.sum(np.square(reference))
    )
    length = np.median(sizes[0] / sizes[1])
    return float(np.median(angle)), float(length), float(whole)


def motion_row(u: Sequence[np.ndarray] | None, true: np.ndarray) -> Row:
    """Score motions, (films, rows, columns, 2), pooled over films."""
    columns = ("angle", "length", "cosine")
    if u is None:
        return dict.fromkeys(columns, math.nan)
    mask = has_motion(true)
    return dict(zip(columns, compare(np.stack(u)[mask], true[mask]), strict=True))


def carry(
    frame: np.ndarray, u: np.ndarray, steps: int, boundary: str, order: int = 1
) -> np.ndarray:
    """Return the frame after 1 to `steps` intervals, (steps, rows, columns)."""
    u = np.asarray(u, np.float32)
    leads = adr_jax.extrapolate(
        frame[..., None], u, steps, order=order, boundary=boundary
    )
    return np.asarray(leads)[..., 0]


def forecast_error(
    films: Sequence[np.ndarray],
    shown: int,
    u: Sequence[np.ndarray] | None,
    periodic: bool,
) -> float:
    """Return the mean nRMSE of the frames after the first `shown`."""
    if u is None:
        return math.nan
    boundary = "periodic" if periodic else "clamp"
    errors = []
    for film, motion in zip(films, u, strict=True):
        truth = film[shown:]
        forecast = carry(film[shown - 1], motion, len(truth), boundary, order=3)
        sums = [np.sum(np.square(x), axis=(1, 2)) for x in (forecast - truth, truth)]
        errors.append(np.mean(np.sqrt(sums[0] / sums[1])))
    return float(np.mean(errors))


def rain_counts(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Count hits, events forecast or observed, squared error and cells by lead."""
    steps = min(len(forecast), len(truth))
    forecast, truth = np.nan_to_num(forecast[:steps]), truth[:steps]
    valid = ~np.isnan(truth)
    expected, observed = valid & (forecast >= RAIN), truth >= RAIN
    error = np.where(valid, np.square(forecast - truth), 0)
    parts = [expected & observed, expected | observed, error, valid]
    sums = np.zeros((AHEAD, len(parts)))
    sums[:steps] = np.stack([x.sum((1, 2), np.float64) for x in parts], axis=-1)
    return sums


def rain_row(counts: Mapping[int, np.ndarray] | None, starts: Sequence[int]) -> Row:
    """Score counts pooled over starts; blank where no start reaches a lead."""
    sums = np.zeros((AHEAD, 4))
    if counts is not None:
        sums = np.sum([counts[start] for start in starts], axis=0)
    with np.errstate(invalid="ignore"):  # where no start reaches a lead
        csi, square = sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]
    scores = {"CSI": csi, "RMSE dBZ": np.sqrt(square)}
    return {
        f"{column} {text}": float(score[lead - 1])
        for column, score in scores.items()
        for lead, text in LEADS.items()
    }


def mean_row(rows: Sequence[Row]) -> Row:
    """Return the mean of each column over the rows in which it is not blank."""
    mean = dict.fromkeys(rows[0], math.nan)
    for column in mean:
        values = [row[column] for row in rows if not math.isnan(row[column])]
        if values:
            mean[column] = statistics.fmean(values)
    return mean


def with_gain(rows: Table, other: str) -> Table:
    """Add a row: ours over another, in percent of it, where it is there."""
    if other not in rows:
        return rows
    mine = rows["ours"]
    gain = {
        column: 100 * (mine[column] / theirs - 1) if theirs else math.nan
        for column, theirs in rows[other].items()
    }
    return rows | {f"ours over {other}, %": gain}


def cloud_scores(frames: np.ndarray, start: int, u: np.ndarray) -> np.ndarray:
    """Return the mean squared error and SSIM of some leads, (leads, 2)."""
    forecast = carry(frames[start - 1], u, max(CLOUD_LEADS), "clamp")
    pairs = [(forecast[lead - 1], frames[start + lead - 1]) for lead in CLOUD_LEADS]
    return np.array(
        [
            (np.mean(np.square(a - b)), structural_similarity(a, b, data_range=1))
            for a, b in pairs
        ]
    )


def cloud_row(scores: Mapping[int, np.ndarray] | None, starts: Sequence[int]) -> Row:
    """Return the mean scores over starts; None gives a blank row."""
    columns = [f"{name} +{5 * n}" for name in ("RMSE", "SSIM") for n in CLOUD_LEADS]
    if scores is None:
        return dict.fromkeys(columns, math.nan)
    squares, similar = np.mean([scores[start] for start in starts], axis=0).T
    values = [*np.sqrt(squares), *similar]
    return {c: float(v) for c, v in zip(columns, values, strict=True)}


def show(title: str, rows: Table) -> Table:
    """Print a table and return it."""
    print(f"\n{title}\n")
    print_table(
        ["", *next(iter(rows.values()))],
        [
            [name, *(text_of(name, column, value) for column, value in row.items())]
            for name, row in rows.items()
        ],
    )
    return rows


def text_of(name: str, column: str, value: float) -> str:
    """Return a cell of the table, blank for NaN."""
    if math.isnan(value):
        return ""
    if name.endswith("%"):
        return f"{value:+.1f}"
    digits = next((n for key, n in DIGITS.items() if column.startswith(key)), 3)
    return f"{value:.{digits}f}"


def blanked(row: Row) -> dict[str, float | None]:
    """Return the row with None for NaN, which JSON has not."""
    return {key: None if math.isnan(value) else value for key, value in row.items()}
