"""From a history of frames to those that follow: what all networks share."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.core import Tracer
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from adr_jax.models import moving_frame, objects
from adr_jax.models.baselines import BASELINES
from adr_jax.models.exceedance import Exceedance
from adr_jax.models.hourglass import Hourglass
from adr_jax.models.layers import (
    DTYPES,
    Conv,
    PointwiseMLP,
    as_channels,
    cell_centres,
)
from adr_jax.operators.flux import net_inflow
from adr_jax.options import ModelOptions

# The probability that a base gives to what it rules out, where forecasts are
# probabilities: a logarithm of zero could not be corrected.
MINIMUM_PROBABILITY = 1e-2


class FrameNetwork(nn.Module):
    """History in, forecast out, both in normalised units (unit standard deviation).

    A subclass has a method `features`: from what is seen of the history, (batch,
    *space, seen), to features of each cell, (batch, *space, any). They are projected,
    and added to the forecast of a simple rule, `options.head`.

    The network works at unit scale, and neighbouring frames are nearly equal. So it is
    shown the last frame and the changes between frames, each over its usual size.
    Shown the frames themselves it learns several times slower.
    """

    options: ModelOptions = ModelOptions()
    # The usual size of the change from frame to frame, for each variable or one for
    # all; and of what is added to the base, likewise or at every lead.
    change_scale: tuple[float, ...] | float = 1.0
    output_scale: tuple[tuple[float, ...], ...] | tuple[float, ...] | float = 1.0
    # The value of nothing, at unit scale, likewise: amounts are counted from it.
    zero: tuple[float, ...] | float = 0.0
    # Whether the variables are shares of classes, 0 to 1, and so is the forecast: the
    # softmax of the output plus the logarithm of the base.
    probabilities: bool = False
    # Thresholds of the first variable, at unit scale, whose probability of being
    # reached is forecast too, by the module "exceedance"; see `measurement`.
    thresholds: tuple[float, ...] = ()
    # Whether loops over layers or forecasts are compiled as straight lines.
    unroll: bool = False

    @property
    def width(self) -> int:
        """Channels of the hidden layers."""
        return self.options.channels

    @property
    def dtype(self) -> DTypeLike | None:
        """Type of products; None: that of the history."""
        return DTYPES[self.options.dtype]

    @nn.compact
    def __call__(
        self,
        history: Float[Array, "batch time *space variables"],
        steps: int | None = None,
        *,
        leads: Int[Array, "batch steps"] | None = None,
        scalars: Float[Array, "batch any"] | None = None,
    ) -> Float[Array, "batch steps *space variables"]:
        """Forecast frames that follow `history`.

        Args:
          history: two frames or more where the head carries them along their motion.
          steps: how many; None: `options.frames_out`, the most there are.
          leads: how many intervals ahead each forecast is, for each sample its own; the
            network works on all of them side by side. None: 1 to `steps`.
          scalars: what else is known of each sample at unit scale, such as a parameter
            of its equation. The network sees them in every cell.

        Raises:
          ValueError: a lead is out of range.
        """
        options = self.options
        history = history[:, -options.frames_in :]
        steps = options.frames_out if steps is None else steps
        _check_leads(steps if leads is None else leads, options.frames_out)
        if options.head == "advection":
            return self._in_moving_frame(history, steps, leads, scalars)
        z = self.features(self._seen(history, scalars))
        unit = self.unit(leads, history.ndim - 3)
        increments = self._increments(z, options.frames_out, history.shape[-1])
        base = None
        if options.head != "frames":
            base = BASELINES[options.head](history, options.frames_out)
        frames = self._finish(base, increments, unit)
        if leads is None:
            return frames[:, :steps]
        index = jnp.reshape(leads - 1, (*leads.shape, *[1] * (frames.ndim - 2)))
        return jnp.take_along_axis(frames, index, axis=1)

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space features"]:
        """Return features of each cell."""
        raise NotImplementedError

    def _seen(self, history, scalars):
        """Return the last frame, the changes before it and the scalars as channels."""
        changes = jnp.diff(history, axis=1) / _scales(self.change_scale)
        seen = as_channels(jnp.concatenate([history[:, -1:], changes], axis=1))
        return self._with_surroundings(seen, scalars)

    def _with_surroundings(self, seen, scalars):
        """Add what is known of each cell's place and of the whole sample."""
        if self.options.coordinates:
            seen = jnp.concatenate([seen, cell_centres(seen)], axis=-1)
        if scalars is not None:
            everywhere = scalars.reshape(seen.shape[0], *(1,) * (seen.ndim - 2), -1)
            shape = (*seen.shape[:-1], everywhere.shape[-1])
            everywhere = jnp.broadcast_to(everywhere, shape).astype(seen.dtype)
            seen = jnp.concatenate([seen, everywhere], axis=-1)
        return seen

    def _increments(self, z, frames, variables):
        """Project features to what is added to the base, (batch, frames, ...)."""
        if self.options.conserve:
            output = self._inflow(z, frames * variables)
        else:
            project = PointwiseMLP(
                self.width,
                frames * variables,
                self.dtype,
                starts_at_zero=self.options.head == "advection",
                name="project",
            )
            output = project(z)
        return _as_frames(output, variables)

    def unit(
        self, leads: Int[Array, "batch leads"] | None, axes: int
    ) -> Float[Array, "*any variables"]:
        """Return the size of what is added to the base, to be multiplied with frames.

        Args:
          leads: of the frames; None where `output_scale` is the same for all.
          axes: how many axes space has.
        """
        scale = _scales(self.output_scale)
        if leads is None or scale.ndim < 2:
            return scale
        by_lead = scale[leads - 1]
        return by_lead.reshape(*leads.shape, *[1] * axes, by_lead.shape[-1])

    def _finish(self, base, increments, unit):
        """Add increments to their base, where there is one, and correct the sum."""
        if self.probabilities:  # their logarithms are at unit scale
            unit = jnp.ones_like(unit)
        frames = unit.astype(increments.dtype) * increments
        if base is not None:
            if self.probabilities:
                base = jnp.log(jnp.clip(base, MINIMUM_PROBABILITY, 1.0))
            frames = base + frames
        if self.options.denoiser:
            frames = frames + unit.astype(frames.dtype) * self._correction(frames)
        return nn.softmax(frames) if self.probabilities else frames

    def _in_moving_frame(self, history, steps, leads, scalars):
        """Forecast each lead on the cells where the history's content will be."""
        variables, amounts = history.shape[-1], history
        if moving_frame.counts_amounts(self.options):
            amounts = history - jnp.asarray(self.zero, history.dtype)
        if self.options.follows_objects:
            history, motion = self._follow_objects(amounts)
        else:
            motion = moving_frame.measure(history, self.options)
            history = amounts
        if leads is not None:
            rows = (history, motion, scalars)
            rows = jax.tree.map(lambda a: jnp.repeat(a, leads.shape[1], axis=0), rows)
            history, motion, scalars = rows
            lead = leads.reshape(-1)
            frames = self._at_lead(history, motion, scalars, lead, variables)
            return frames.reshape(*leads.shape, *frames.shape[1:])

        def at_lead(network, _, lead):
            everywhere = jnp.full(history.shape[0], lead)
            ahead = network._at_lead(history, motion, scalars, everywhere, variables)
            return None, ahead

        one_by_one = nn.scan(
            at_lead,
            variable_broadcast="params",
            variable_axes={"intermediates": 0},
            split_rngs={"params": False},
            out_axes=1,
        )
        return one_by_one(self, None, 1 + jnp.arange(steps))[1]

    def _follow_objects(self, history):
        """Return the frames laid on each object, and where the objects go."""
        found, space = objects.find(history, self.options), history.shape[2:-1]
        follow = objects.Continuation(self.options.frames_out, name="tracks")
        ahead = follow(found.steps, found.place, jnp.asarray(space, history.dtype))
        return found.frames, moving_frame.of_objects(found.steps, ahead, space)

    def _at_lead(self, history, motion, scalars, lead, variables):
        """Forecast one lead of each sample: carry the last frame, add what changes."""
        options = self.options
        parts = history.shape[-1] // variables
        changes = jnp.broadcast_to(_scales(self.change_scale), variables)
        changes = jnp.tile(changes, parts)
        seen = moving_frame.seen_ahead(history, motion, lead, changes, options)
        z = self.features(self._with_surroundings(seen, scalars))
        carry = moving_frame.Carry(options, self.width, self.dtype, name="carry")
        carried = carry(z, history[:, -1], motion, lead)
        carried = moving_frame.together(carried, variables)
        if moving_frame.counts_amounts(options):
            carried = carried + jnp.asarray(self.zero, history.dtype)
        if self.thresholds:
            parameters = (self.thresholds, self.width, self.dtype)
            Exceedance(*parameters, name="exceedance")(z, carried[..., 0])
        unit = self.unit(lead[:, None], history.ndim - 3)
        increments = self._increments(z, 1, variables)
        return self._finish(carried[:, None], increments, unit)[:, 0]

    def _correction(self, frames):
        """Return what a UNet adds to a forecast: next to nothing before training."""
        z = as_channels(frames)
        boundary, width = self.options.boundary, max(self.width // 2, 1)
        y = Hourglass(width, 2, boundary, self.dtype, name="denoiser")(z)
        small = nn.initializers.variance_scaling(1e-4, "fan_in", "truncated_normal")
        y = nn.Dense(z.shape[-1], kernel_init=small, name="correction")(y)
        return _as_frames(y, frames.shape[-1])

    def _inflow(self, z, outputs):
        """Return what fluxes projected from the features bring to each cell.

        A flux belongs to the face between two cells, and depends on both.
        """
        axes, boundary = z.ndim - 2, self.options.boundary
        project = PointwiseMLP(self.width, self.width, self.dtype, name="project")
        scale = 0.0 if self.options.head == "advection" else 1.0
        flux = Conv(outputs * axes, boundary, scale, self.dtype, name="flux")
        flux = flux(project(z))
        flux = flux.reshape(*flux.shape[:-1], outputs, axes)
        return net_inflow(flux, boundary=boundary)


def _check_leads(leads, longest):
    """Raise ValueError for a lead that the network does not forecast."""
    if isinstance(leads, Tracer):
        return
    least, most = np.asarray(leads).min(), np.asarray(leads).max()
    if least < 1 or most > longest:
        raise ValueError(
            f"a forecast of {least if least < 1 else most} intervals ahead was asked "
            f"for; expected 1 to model.frames_out, {longest}: feed forecasts back"
        )


def _scales(values):
    """Return sizes in single precision also where JAX's own is double."""
    return jnp.asarray(values, jnp.float32)


def _as_frames(channels, variables):
    """Undo `as_channels`."""
    frames = channels.reshape(*channels.shape[:-1], -1, variables)
    return jnp.moveaxis(frames, -2, 1)
