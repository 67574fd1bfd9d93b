"""The moving picture of the README; `python docs/moving_picture.py` draws it.

Trains for two minutes on two cores, or takes a run: --workdir runs/quickstart.
"""

import argparse
import io
import pathlib

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import adr_jax
from adr_jax.data.tracers import synthetic
from adr_jax.evaluation.report.animation import save_gif

OUTPUT = pathlib.Path(__file__).parent / "images" / "vortices.gif"
HISTORY, AHEAD, SEED = 10, 12, 3  # of the test split
OBSERVED, FORECAST = "0.35", "#d1500a"
# Cells between two arrows, and how many intervals long they are drawn.
GAP, LONG = 4, 4
MILLISECONDS, LONGER = 160, 1200


def main() -> None:
    """Forecast one film and draw it beside the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workdir", help="a run of configs/quickstart.py")
    workdir = parser.parse_args().workdir
    model = adr_jax.load(workdir) if workdir else adr_jax.fit("quickstart")

    truth = synthetic.tracer("vortex", 64, SEED, range(HISTORY + AHEAD))
    seen = truth[:HISTORY]
    ahead = model.forecast(seen, steps=AHEAD)
    moves = model.displacement(seen)

    pictures = [
        draw(truth[n], seen[n], "observed", OBSERVED, None) for n in range(HISTORY)
    ]
    for n, frame in enumerate(ahead):
        title = f"forecast, {n + 1} ahead"
        pictures.append(draw(truth[HISTORY + n], frame, title, FORECAST, moves))
    save_gif(OUTPUT, pictures, [MILLISECONDS] * (len(pictures) - 1) + [LONGER])
    error = np.sqrt(np.mean((ahead - truth[HISTORY:]) ** 2))
    print(f"{OUTPUT}, {OUTPUT.stat().st_size / 1e3:.0f} kB; RMSE {error:.4f}")


def draw(truth, frame, title, colour, moves) -> Image.Image:
    """Return one picture: the truth, and beside it what is observed or forecast."""
    figure, panels = plt.subplots(1, 2, figsize=(6.4, 3.5), dpi=80, layout="tight")
    for panel, field in zip(panels, (truth, frame), strict=True):
        panel.imshow(field[..., 0], cmap="viridis", vmin=-2.5, vmax=2.5)
        panel.set(xticks=[], yticks=[])
    panels[0].set_title("truth", fontsize=11)
    panels[1].set_title(title, fontsize=11, color=colour)
    plt.setp(panels[1].spines.values(), color=colour, linewidth=3)
    if moves is not None:
        rows, columns = np.mgrid[GAP // 2 : 64 : GAP, GAP // 2 : 64 : GAP]
        along = LONG * moves[rows, columns]
        # Rows point down in a picture, and up in a quiver.
        panels[1].quiver(
            *(columns, rows, along[..., 1], along[..., 0]),
            **{"angles": "xy", "scale_units": "xy", "scale": 1},
            **{"color": "white", "width": 0.006},
        )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return Image.open(buffer).convert("RGB").quantize(80, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
