"""The solver of PDEBench's radial dam break, and other initial states for it.

Shallow water on a flat bed, g = 1, q = (h, hu, hv) on [-2.5, 2.5]^2:

    h_t + (hu)_x + (hv)_y = 0
    (hu)_t + (hu^2 + g h^2/2)_x + (huv)_y = 0
    (hv)_t + (huv)_x + (hv^2 + g h^2/2)_y = 0

from water at rest, deeper or shallower inside a dam than the 1 outside it. The scheme
is the public generator's, rebuilt from the equations: wave propagation on finite
volumes (R. J. LeVeque, Finite Volume Methods for Hyperbolic Problems, 2002) with the
Roe solver (section 15.3.3), an entropy fix (15.3.5), second-order corrections with
limited waves (15.4) and Godunov splitting, first x, then y (19.5). On the public
set-up it takes the generator's one step a frame and agrees with it to rounding.

Arrays are indexed [x, y] ('ij'). Lengths and times are in the equations' own units.
"""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Float64

from adr_jax.errors import InputError

LOWER, UPPER = -2.5, 2.5  # the domain, on both axes
FINAL_TIME = 1.0
GRAVITY = 1.0
OUTER_HEIGHT = 1.0
RADII = (0.3, 0.7)  # a radius is drawn uniformly between these
# Of the shape "varied": the largest radius on any grid, and how far its water stands
# above (or below) the outside's, as a share of the dam's height above it.
WIDEST, RISES = 1.2, (0.25, 1.5)
MAX_CFL = 0.9  # of the steps; the scheme itself is stable to 1

SHAPES = ("circle", "off_centre", "ellipse", "double", "mixed", "varied")


@dataclasses.dataclass(frozen=True)
class Dam:
    """The set-up shared by a family of trajectories; the defaults are the public set.

    A field out of range raises InputError.
    """

    cells: int = 128  # along each axis
    height: float = 2.0  # of the water inside the dam; it is 1 outside
    shape: str = "circle"  # one of SHAPES, see `initial_height`
    frames: int = 101  # at equal intervals, the first at t = 0, the last at t = 1

    def __post_init__(self):
        flowing = math.isfinite(self.height) and self.height != 1
        least = 0 if self.shape != "varied" else 1 - 1 / RISES[1]
        for name, good, expected in (
            ("cells", self.cells >= 8, "at least 8"),
            (
                "height",
                flowing and self.height > least,
                f"a finite number above {least:.3g} that is not 1, the outside's",
            ),
            ("shape", self.shape in SHAPES, f"one of {', '.join(SHAPES)}"),
            ("frames", self.frames >= 2, "at least 2"),
        ):
            if not good:
                raise InputError(
                    f"{name}: expected {expected}, got {getattr(self, name)!r}; "
                    f"the public set has {getattr(Dam, name)!r}"
                )

    @property
    def extreme_height(self) -> float:
        """The height that differs most from the outside's, of all states drawn."""
        most = RISES[1] if self.shape == "varied" else 1.0
        return OUTER_HEIGHT + most * (self.height - OUTER_HEIGHT)


def cell_centres(cells: int) -> Float64[np.ndarray, " cells"]:
    """Return the coordinates of the cell centres along either axis."""
    return LOWER + (np.arange(cells) + 0.5) * ((UPPER - LOWER) / cells)


def frame_times(frames: int) -> Float64[np.ndarray, " frames"]:
    """Return the times of the frames, from 0 to 1."""
    return np.linspace(0.0, FINAL_TIME, frames)


def initial_height(dam: Dam, seed: int) -> Float64[np.ndarray, "cells cells"]:
    """Return the height at t = 0: `dam.height` in cells centred in the dam, else 1.

    A pure function of `dam` and `seed`. A radius r, uniform in [0.3, 0.7], is drawn
    first and so shared by all shapes but `varied`. With `circle` this is trajectory
    `seed` of the public set, bit for bit.

    - circle: radius r, in the middle.
    - off_centre: radius r, centre uniform in [-1, 1]^2.
    - ellipse: semi-axes r and another such radius, centre uniform in [-1, 1]^2, turned
      by any angle.
    - double: the union of two discs, of radius r and of another such radius, whose
      centres are between the larger radius and 2 apart, on opposite sides of a point
      uniform in [-0.5, 0.5]^2: neither hides the other.
    - mixed: the four above in turn, by `seed % 4`.
    - varied: the same with water that rises by 0.25 to 1.5 of `dam.height - 1` above
      the outside's. On fewer cells than the public set has, radii go up to as many
      cells as there, to 1.2 at most: what is learned of waves is learned in cells.

    Fewer than 12 cells are too coarse for the smallest dams, which can be missed.
    """
    rng = np.random.default_rng(seed)
    radii = RADII
    if dam.shape == "varied":
        as_many_cells = RADII[1] * max(1.0, Dam.cells / dam.cells)
        radii = RADII[0], min(as_many_cells, WIDEST)
    radius = rng.uniform(*radii)
    shape = SHAPES[seed % 4] if dam.shape in ("mixed", "varied") else dam.shape

    x, y = np.meshgrid(*2 * [cell_centres(dam.cells)], indexing="ij")
    if shape == "circle":
        inside = np.sqrt(x**2 + y**2) <= radius
    elif shape == "off_centre":
        x0, y0 = rng.uniform(-1.0, 1.0, 2)
        inside = np.hypot(x - x0, y - y0) <= radius
    elif shape == "ellipse":
        x0, y0 = rng.uniform(-1.0, 1.0, 2)
        other, angle = rng.uniform(*radii), rng.uniform(0.0, np.pi)
        turned = np.exp(-1j * angle) * (x - x0 + 1j * (y - y0))
        inside = np.hypot(turned.real / radius, turned.imag / other) <= 1.0
    else:
        x0, y0 = rng.uniform(-0.5, 0.5, 2)
        other, angle = rng.uniform(*radii), rng.uniform(0.0, 2 * np.pi)
        apart = rng.uniform(max(radius, other), 2.0)
        dx, dy = 0.5 * apart * np.cos(angle), 0.5 * apart * np.sin(angle)
        inside = np.hypot(x - x0 - dx, y - y0 - dy) <= radius
        inside |= np.hypot(x - x0 + dx, y - y0 + dy) <= other
    rise = rng.uniform(*RISES) if dam.shape == "varied" else 1.0
    height = OUTER_HEIGHT + rise * (dam.height - OUTER_HEIGHT)
    return np.where(inside, height, OUTER_HEIGHT)


def simulate(
    dam: Dam, heights: Float[np.ndarray, "n cells cells"]
) -> Float32[np.ndarray, "n frames cells cells 1"]:
    """Compute the heights at every frame, from water at rest.

    In float64 on the CPU, whatever JAX's default type and device are; compiled once for
    each `n` and set-up. The edges are open (zero-order extrapolation); mass is
    conserved until waves reach them.

    Args:
      dam: the set-up; its `shape` is not used.
      heights: heights at t = 0, positive, as `initial_height` gives them.

    Raises:
      InputError: `heights` has another shape or is not positive, or a trajectory ran
        dry or needs smaller steps. Messages name its index in `heights`.
    """
    heights = np.asarray(heights, np.float64)
    if heights.ndim != 3 or heights.shape[1:] != (dam.cells, dam.cells):
        raise InputError(
            f"heights: expected shape (n, {dam.cells}, {dam.cells}), got "
            f"{heights.shape}; stack what initial_height gives for the same dam"
        )
    started = (np.isfinite(heights) & (heights > 0)).all(axis=(1, 2))
    if not started.all():
        raise InputError(
            f"heights[{np.argmin(started)}]: expected finite heights above 0, got "
            "others; water must stand in every cell, if only 0.01 deep"
        )

    substeps, ratio = _steps(dam)
    cpu = jax.local_devices(backend="cpu")[0]
    with jax.enable_x64(True), jax.default_device(cpu):
        frames, cfl = jax.device_get(
            _trajectories(heights, ratio, num_frames=dam.frames, substeps=substeps)
        )
    wet = (np.isfinite(frames) & (frames > 0)).all(axis=(1, 2, 3, 4))
    finished = wet & (cfl <= MAX_CFL)
    if not finished.all():
        i = np.argmin(finished)
        raise InputError(
            f"heights[{i}]: expected water in every cell and CFL <= {MAX_CFL}, got "
            f"{f'CFL {cfl[i]:.2g}' if wet[i] else 'a cell that ran dry'}; take a dam "
            "height nearer to 1, or fewer cells"
        )
    return frames


def _steps(dam: Dam) -> tuple[int, float]:
    """Return the number of equal steps in a frame, and their dt/dx, that bound CFL.

    A function of the set-up alone, so no trajectory depends on its batch. |u| + c is
    bounded by that of the dam break on a line, 2 sqrt(g h), the speed of the front on a
    dry bed. Measured: 0.6 of it in the public set, 0.9 where two dams of height 100
    collide. Where the dam is a hole the water meets in its middle: 1.2 of the bound was
    measured at height 0.01 on 256 cells, and 1.5 is assumed. `simulate` checks the CFL
    number that results. Public set-up: 0.01 / (5/128) * 2 sqrt(2) = 0.72, one step.
    """
    falling = 2 * math.sqrt(GRAVITY * max(dam.extreme_height, OUTER_HEIGHT))
    fastest = falling if dam.height > OUTER_HEIGHT else 1.5 * falling
    ratio = FINAL_TIME / (dam.frames - 1) / ((UPPER - LOWER) / dam.cells)
    substeps = math.ceil(ratio * fastest / MAX_CFL)
    return substeps, ratio / substeps


@functools.partial(jax.jit, static_argnames=("num_frames", "substeps"))
def _trajectories(heights, ratio, *, num_frames: int, substeps: int):
    """Return frames, (n, frames, cells, cells, 1), and maximum CFL numbers, (n,)."""

    def step(q, _):
        q, speed_x = _sweep(q, ratio)
        q, speed_y = _sweep(_swap_axes(q), ratio)
        return _swap_axes(q), jnp.maximum(speed_x, speed_y)

    def frame(q, _):
        q, speeds = jax.lax.scan(step, q, length=substeps)
        return q, (q[0].astype(jnp.float32), jnp.max(speeds))

    def trajectory(height):
        at_rest = jnp.stack([height, jnp.zeros_like(height), jnp.zeros_like(height)])
        _, (later, speeds) = jax.lax.scan(frame, at_rest, length=num_frames - 1)
        first = height[None].astype(jnp.float32)
        return jnp.concatenate([first, later])[..., None], ratio * jnp.max(speeds)

    # Not vmap: one at a time, the state stays in a core's cache (0.18 s a trajectory;
    # eight at once took 0.27 s each).
    return jax.lax.map(trajectory, heights)


def _swap_axes(q):
    """Return the state with x and y, and so hu and hv, exchanged."""
    h, hu, hv = q
    return jnp.stack([h.T, hv.T, hu.T])


def _sweep(q, ratio):
    """Return q (3, x, y) after a step of q_t + f(q)_x = 0, and its maximum speed.

    The wave-propagation form, with the fluctuations of each face in one sum:
    Q_i -= dt/dx ((A+dQ - F~)_{i-1/2} + (A-dQ + F~)_{i+1/2}). The waves are
    W_p = a_p r_p with r_1 = (1, u - c, v), r_2 = (0, 0, 1), r_3 = (1, u + c, v).
    """
    q = jnp.pad(q, ((0, 0), (2, 2), (0, 0)), mode="edge")
    left, right = q[:, :-1], q[:, 1:]
    (u, v, c), strengths = _roe(left, right)
    (a1, a2, a3), speeds = strengths, (u - c, u, u + c)
    waves = (a1, a1 * speeds[0], a1 * v), (a2,), (a3, a3 * speeds[2], a3 * v)
    shares = _entropy_fix(left, right, speeds, strengths)

    to_left, to_right = [], []  # per wave, in multiples of r_p, at the inner faces
    for a, s, wave, (minus, plus) in zip(strengths, speeds, waves, shares, strict=True):
        limited = _mc_limiter(s, wave)
        a, s, minus, plus = (x[1:-1] for x in (a, s, minus, plus))
        second_order = 0.5 * jnp.abs(s) * (1 - ratio * jnp.abs(s)) * limited
        to_left.append((minus + second_order) * a)
        to_right.append((plus - second_order) * a)

    def add_waves(b1, b2, b3):
        # Rounded alike and summed in pairs, mirror images differ in no bit: `where`
        # stops the compiler from fusing one of the two products into the sum.
        b1, b3 = (jnp.where(b == 0, 0.0, b) for b in (b1, b3))
        both, u_, v_, c_ = b1 + b3, u[1:-1], v[1:-1], c[1:-1]
        return jnp.stack([both, both * u_ + (b3 - b1) * c_, both * v_ + b2])

    to_left, to_right = add_waves(*to_left), add_waves(*to_right)
    fastest = jnp.max(jnp.abs(u) + c)
    return q[:, 2:-2] - ratio * (to_right[:, :-1] + to_left[:, 1:]), fastest


def _roe(left, right):
    """Return Roe's means (u, v, c), and a_p in sum_p a_p r_p = right - left."""
    (h_l, hu_l, hv_l), (h_r, hu_r, hv_r) = left, right
    root_l, root_r = jnp.sqrt(h_l), jnp.sqrt(h_r)
    u = (hu_l / root_l + hu_r / root_r) / (root_l + root_r)
    v = (hv_l / root_l + hv_r / root_r) / (root_l + root_r)
    c = jnp.sqrt(GRAVITY * 0.5 * (h_l + h_r))
    dh, dhu, dhv = right - left
    a1 = ((u + c) * dh - dhu) / (2 * c)
    a3 = (dhu - (u - c) * dh) / (2 * c)
    return (u, v, c), (a1, dhv - v * dh, a3)


def _entropy_fix(left, right, speeds, strengths):
    """Return the shares (s-, s+) of each wave's speed that act to the left and right.

    A 1- or 3-wave across which its own speed, u - c or u + c, turns from negative to
    positive is a transonic rarefaction. Roe's solver alone would make it a shock. It
    is split by Harten's and Hyman's formula (LeVeque, section 15.3.5).
    """
    (h_l, hu_l, _), (h_r, hu_r, _) = left, right
    (s1, s2, s3), (a1, _, a3) = speeds, strengths

    def own_speed(h, hu, sign):
        return hu / h + sign * jnp.sqrt(GRAVITY * h)

    def shares(s, behind, ahead):
        transonic = (behind < 0) & (ahead > 0)
        width = jnp.where(transonic, ahead - behind, 1.0)
        minus = jnp.where(transonic, behind * (ahead - s) / width, jnp.minimum(s, 0.0))
        plus = jnp.where(transonic, ahead * (s - behind) / width, jnp.maximum(s, 0.0))
        return minus, plus

    return (
        shares(s1, own_speed(h_l, hu_l, -1), own_speed(h_l + a1, hu_l + a1 * s1, -1)),
        (jnp.minimum(s2, 0.0), jnp.maximum(s2, 0.0)),
        shares(s3, own_speed(h_r - a3, hu_r - a3 * s3, 1), own_speed(h_r, hu_r, 1)),
    )


def _mc_limiter(speed, wave):
    """Return phi(theta) at the inner faces, theta = W_I . W_i / W_i . W_i, I upwind.

    Monotonized central-difference: max(0, min((1 + theta) / 2, 2, 2 theta)).
    """
    dots = functools.reduce(jnp.add, [w[:-1] * w[1:] for w in wave])
    size = functools.reduce(jnp.add, [w[1:-1] ** 2 for w in wave])
    upwind = jnp.where(speed[1:-1] > 0, dots[:-1], dots[1:])
    theta = upwind / jnp.where(size > 0, size, 1.0)
    central = jnp.minimum(0.5 * (1 + theta), jnp.minimum(2.0, 2 * theta))
    return jnp.maximum(0.0, central)
