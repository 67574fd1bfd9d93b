"""Films and scenes: colours, windows and titles."""

import dataclasses

import matplotlib
import numpy as np
import pytest
from report_files import make_examples, picture

from adr_jax.evaluation.report import films, scenes
from adr_jax.evaluation.report.figures import ERROR_MAP, FIELD_MAP
from adr_jax.evaluation.report.sections import LeftOut


def frame_of(film: films.Film, row: int, frame: int) -> np.ndarray:
    """Return the colours that a window shows."""
    pixels = picture(film.link)
    y, x = -film.y(row), -film.x(frame)
    return pixels[y : y + film.rows, x : x + film.columns]


def colour(name: str, share: float) -> np.ndarray:
    return np.array(matplotlib.colormaps[name](share, bytes=True)[:3])


def test_a_window_shows_its_frame_of_its_row():
    fields = [np.zeros((3, 2, 4, 1)), np.ones((3, 2, 4, 1))]
    fields[0][1, 0, 3] = 2.0
    error = np.zeros((3, 2, 4, 1))
    error[2, 1, 0] = -0.5
    film = films.film(fields, [error], low=0.0, high=2.0, limit=0.5)
    assert (film.rows, film.columns) == (2, 4)
    low, middle, high = (colour(FIELD_MAP, share) for share in (0.0, 0.5, 1.0))
    first, second = frame_of(film, 0, 0), frame_of(film, 0, 1)
    assert (first == low).all()
    assert (second[0, 3] == high).all() and (second[0, :3] == low).all()
    assert (frame_of(film, 1, 2) == middle).all()
    zero, lowest = colour(ERROR_MAP, 0.5), colour(ERROR_MAP, 0.0)
    last = frame_of(film, 2, 2)
    assert (last[1, 0] == lowest).all() and (last[0] == zero).all()


def test_the_margin_of_a_frame_repeats_its_edge():
    fields = [np.arange(2.0).reshape(2, 1, 1, 1) * np.ones((2, 3, 3, 1))]
    film = films.film(fields, [-fields[0]], low=0.0, high=1.0, limit=1.0)
    pixels = picture(film.link)
    top, left, margin = -film.y(0), -film.x(1), film.margin
    around = pixels[top - margin : top + 3 + margin, left - margin : left + 3 + margin]
    assert (around == colour(FIELD_MAP, 1.0)).all()


def test_nan_is_grey_and_values_beyond_have_the_end_of_the_scale():
    field = np.array([np.nan, np.inf, -np.inf, 5.0]).reshape(1, 1, 4, 1)
    film = films.film([field], [field], low=0.0, high=1.0, limit=1.0)
    for row, name in ((0, FIELD_MAP), (1, ERROR_MAP)):
        cells = frame_of(film, row, 0)[0]
        assert (cells[0] == films.GREY).all()
        ends = [colour(name, share) for share in (1.0, 0.0, 1.0)]
        np.testing.assert_array_equal(cells[1:], ends)


def test_three_variables_are_colours():
    field = np.array([[1.0, 0.0, 0.0], [np.nan, 0.5, 0.5]]).reshape(1, 1, 2, 3)
    error = np.array([[0.3, 0.3, 0.0], [0.0, 0.0, 0.0]]).reshape(1, 1, 2, 3)
    film = films.film([field], [error], low=0.0, high=1.0, limit=0.2)
    assert frame_of(film, 0, 0)[0].tolist() == [[255, 0, 0], list(films.GREY)]
    assert (frame_of(film, 1, 0)[0, 0] == colour(ERROR_MAP, 1.0)).all()


def test_scenes_show_the_examples_in_colours():
    examples = make_examples()
    player = scenes.player({"": examples}, {"frame_interval": "5 min"})
    assert player.times == [
        "step 1 of 12, 5 min ahead",
        "step 6 of 12, 30 min ahead",
        "step 12 of 12, 1 h ahead",
    ]
    target = examples.pictures[:, 0]
    for index, scene in enumerate(player.scenes):
        titles = [panel.title for panel in scene.panels]
        assert titles == ["target", "forecast", "forecast − target"]
        assert float(scene.low) == pytest.approx(target.min(), rel=5e-3)  # 3 digits
        for frame in range(3):
            row, column = np.argwhere(target[index, frame, ..., 0] < 1.01)[0]
            shown = frame_of(scene.film, 0, frame)[row, column]
            # The first or second of 120 shades.
            assert np.abs(shown - colour(FIELD_MAP, 0.0)).max() <= 4
        assert scene.notes[1] == f"nRMSE {examples.scores_at[index, 1]:.4f}"
        assert len(scene.panels[1].arrows) == 3 and not scene.panels[0].arrows


def test_variables_have_a_scale_of_their_own():
    examples = make_examples()
    both = np.concatenate([examples.pictures, 1000 * examples.pictures], axis=-1)
    several = dataclasses.replace(examples, pictures=both, variables=("h", "u"))
    player = scenes.player({"": several}, {})
    assert len(player.scenes) == 6 and player.variables == ("h", "u")
    first, second = player.scenes[:2]
    assert (first.sample, first.variable) == (0, 0)
    assert (second.sample, second.variable) == (0, 1)
    assert float(second.high) == pytest.approx(1000 * float(first.high), rel=1e-3)
    assert first.film.png == second.film.png


def test_classes_have_names_and_colours():
    examples = make_examples()
    target = np.tile(np.arange(3.0).repeat(8), (3, 3, 20, 1))[..., None]
    wrong = np.zeros_like(target)
    wrong[..., :4, :] = 1.0
    pictures = np.stack([target, (target + wrong) % 3, wrong], axis=1)
    names = ("clear", "low", "high")
    of_classes = {"kind": "classes", "classes": names, "variables": ("class",)}
    examples = dataclasses.replace(examples, pictures=pictures, **of_classes)
    player = scenes.player({"": examples}, {})
    assert [name for name, _ in player.classes] == list(names)
    assert player.scenes[0].panels[2].title == "where wrong"
    shown = frame_of(player.scenes[0].film, 0, 0)[0, ::8]
    as_listed = [tuple(bytes.fromhex(code[1:])) for _, code in player.classes]
    assert [tuple(cell) for cell in shown.tolist()] == as_listed
    errors = frame_of(player.scenes[0].film, 2, 0)[0]
    assert (errors[:4] == colour(ERROR_MAP, 1.0)).all()
    assert (errors[4:] == colour(ERROR_MAP, 0.5)).all()


def test_missing_cells_are_in_the_legend():
    examples = make_examples()
    assert not scenes.player({"": examples}, {}).has_missing
    examples.pictures[0, 0, 1, 3, 4] = np.nan
    assert scenes.player({"": examples}, {}).has_missing


def test_a_large_page_has_fewer_frames_with_the_first_and_last():
    rng = np.random.default_rng(0)
    k, steps = 24, np.arange(1, 25)
    examples = make_examples(
        steps=steps,
        scores_at=np.ones((3, k)),
        net_motion=None,
        pictures=rng.normal(size=(3, 3, k, 100, 100, 1)).astype(np.float32),
        space=(100, 100),
    )
    player = scenes.player({"": examples}, {})
    assert sum(len(scene.film.png) for scene in player.scenes) <= scenes.BYTES
    assert 3 <= len(player.times) < 24
    assert player.times[0] == "step 1 of 24" and player.times[-1] == "step 24 of 24"
    assert len(player.scenes[0].notes) == len(player.times)


def test_errors_of_runs_share_a_scale():
    small, large = make_examples(), make_examples()
    large.pictures[:, 2] *= 10
    player = scenes.player({"a": small, "b": large}, {})
    alone = scenes.player({"": large}, {})
    # The scale is the 99.8th percentile, here of twice as many errors.
    first, second = (float(p.scenes[0].limit) for p in (player, alone))
    assert first == pytest.approx(second, rel=0.1)


def test_frames_in_three_dimensions_are_left_out():
    with pytest.raises(LeftOut, match="in two dimensions, not 3"):
        scenes.player({"": make_examples(pictures=None, space=(4, 4, 4))}, {})
