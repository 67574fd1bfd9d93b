"""Every option of a run, declared once: its default, its range and its reason.

A configuration file starts from `Configuration()` and overrides what its experiment
needs. The command line overrides any field: `--config.train.steps=100`. The wings take
their sections as they are: networks hold `ModelOptions`, blocks `BlockOptions`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from adr_jax.sections import Section, option


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataOptions(Section):
    """The data set, its windows, and what is done to them in training."""

    name_of_section = "data"

    name: str = option("shallow_water", "Name of the data set.")
    root: str = option(
        "",
        'Folder of the data files; "" means $ADR_JAX_DATA, or data/ without it.',
        may_change=True,
    )
    path: str = option(
        "",
        "File or folder to read, relative to data.root; it must exist. For radar also "
        "a pattern, or several with a comma between two. "
        '"" means the default of the data set, made where it can be made.',
        optional=True,
    )
    trajectories: int = option(
        100, "Trajectories to make, or to train on.", minimum=1, optional=True
    )
    shape: str = option(
        "circle", "Shape of the dam, or kind of flow, to make.", optional=True
    )
    cells: int = option(
        128,
        "Cells along each axis; a file must have as many.",
        minimum=8,
        optional=True,
    )
    frames: int = option(
        101, "Frames to make, over the same time.", minimum=2, optional=True
    )
    variable: str = option(
        "",
        'Variable to read of a file that holds several; "": the usual. Of your own '
        'file also several as channels, with commas: "u,v,p".',
        optional=True,
    )
    axes: str = option(
        "",
        "Axes of that variable in their order: n (trajectory), t (time), z, y, x "
        '(space), c (channel), as "tyxc"; "" where the file says it.',
        optional=True,
    )
    fill: str = option(
        "",
        "Number that stands for a missing value, as it is stored, for a file that does "
        'not say; several with a comma between two. "none": every number is a value.',
        optional=True,
    )
    crop: int = option(
        0,
        "Side in cells of the squares that are cut from radar frames; 0: whole frames "
        "where grids are alike, else the largest square that all have.",
        minimum=0,
        optional=True,
    )
    cell_km: float = option(
        0.0,
        "Length in km of a cell of radar frames, to which finer ones are averaged; 0: "
        "as in the files.",
        minimum=0,
        optional=True,
    )
    history: int = option(10, "Frames that the model is given.", minimum=1)
    split: str = option("distinct", "Which split of the data set to use.")
    noise: float = option(
        0.0,
        "White noise on the input frames, in standard deviations of the data: train "
        "for poor observations.",
        minimum=0,
    )
    missing: float = option(
        0.0, "Share of the input's cells lost in training.", minimum=0, below=1
    )
    augment: str = option(
        "none",
        "Show windows as they are, flipped along each axis by chance, or also with "
        "two axes exchanged: for flows without a preferred direction.",
        choices=("none", "flips", "rotations"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlockOptions(Section):
    """Choose what an advection-diffusion-reaction block does; all are alike."""

    name_of_section = "model"

    transport: str = option(
        "push",
        "push moves content and keeps its sum; pull samples upstream and keeps "
        "values; none adds the fields instead, the ablation with equal parameters.",
        choices=("push", "pull", "none"),
    )
    displacement_fields: int = option(
        0,
        "Displacement fields of a block, each shared by as many neighbouring "
        "channels; 0: one a channel.",
        minimum=0,
    )
    reach: float = option(
        0.0,
        "Largest displacement along an axis, in cells; 0: no bound, and 5 cells in an "
        "interval for model.motions=objects.",
        minimum=0,
    )
    context: int = option(
        0,
        "Coarser levels that the velocity network looks at, each with cells twice as "
        "long: for motion beyond its 3 x 3 windows.",
        minimum=0,
    )
    diffusion: str = option(
        "explicit",
        "Method of the diffusive step, at a learned rate for each channel.",
        choices=("explicit", "implicit", "exact", "none"),
    )
    reaction: str = option(
        "pointwise",
        "React in each cell alone, or by two convolutions of 3 x 3 cells.",
        choices=("pointwise", "conv"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelOptions(BlockOptions):
    """The network, from history to forecast."""

    name: str = option("adrnet", "Which network.", choices=("adrnet", "unet", "fno"))
    channels: int = option(
        24, "Width of the hidden state; FNO keeps PDEBench's.", minimum=1
    )
    num_blocks: int = option(3, "Blocks of ADRNet.", minimum=1)
    boundary: str = option(
        "clamp",
        "Boundary rule of transport, diffusion and convolutions.",
        choices=("clamp", "periodic", "reflect", "open"),
    )
    coordinates: bool = option(False, "Show the network where each cell lies.")
    head: str = option(
        "extrapolation",
        "What the output is added to: nothing (frames), the last frame, the line "
        "through the last two, or the last frame carried along the motion that the "
        "history shows, which the output also corrects (advection). auto: the one "
        "whose base is best on the validation split.",
        choices=("frames", "persistence", "extrapolation", "advection", "auto"),
    )
    interpolation: str = option(
        "linear",
        "How head=advection reads between cells of the last frame; cubic is sharper.",
        choices=("linear", "cubic"),
    )
    motions: str = option(
        "one",
        "With head=advection, one motion for all channels; one for each, since classes "
        "of cloud drift with different winds; or two objects that move as wholes, on "
        "tracks whose continuation is learned.",
        choices=("one", "channels", "objects"),
    )
    frames_in: int = option(
        0,
        "Frames of the history that the network sees; 0: all. Shown many, it learns "
        "to extrapolate in time, and rollouts drift.",
        minimum=0,
    )
    frames_out: int = option(
        1,
        "Frames forecast at once; with head=advection the longest lead, and training "
        "draws one for each row.",
        minimum=1,
    )
    exceedance: bool = option(
        False,
        "With head=advection, forecast also how likely each threshold of the data set "
        "is exceeded, at every lead.",
    )
    conserve: bool = option(
        False,
        "Forecast a flux between cells: the sum of the base is kept. Only where "
        "nothing enters or leaves.",
    )
    denoiser: bool = option(
        False, "Correct each forecast by a small UNet; sums are not kept."
    )
    remat: bool = option(
        False, "Recompute blocks in the backward pass: less memory, more time."
    )
    unroll: str = option(
        "auto",
        "Unroll the scan over blocks; auto does on CPUs, where gradients of "
        "convolutions in a loop are an order of magnitude slower.",
        choices=("auto", "on", "off"),
    )
    dtype: str = option(
        "float32",
        "Type of products; parameters, state and transport stay float32.",
        choices=("float32", "bfloat16"),
    )

    def __post_init__(self):
        super().__post_init__()
        if self.displacement_fields and self.channels % self.displacement_fields:
            self.refuse("displacement_fields", f"a divisor of {self.channels} channels")
        if self.conserve and self.head == "frames":
            self.refuse("conserve", "False, or a head that has a base to add to")
        if self.conserve and self.denoiser:
            self.refuse("denoiser", "False with model.conserve, whose sums it loses")
        if self.follows_objects and self.boundary == "periodic":
            self.refuse("motions", "another with boundary=periodic")

    @property
    def follows_objects(self) -> bool:
        """Tell whether two objects are carried, each along its track."""
        return self.head == "advection" and self.motions == "objects"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions(Section):
    """The length of a run, its steps, and what is due between them."""

    name_of_section = "train"

    steps: int = option(2000, "Steps of the run.", minimum=1, may_change=True)
    minutes: float = option(
        0.0,
        "Minutes of training, if not 0: as many steps as fit at the measured rate.",
        minimum=0,
        may_change=True,
    )
    start_from: str = option(
        "", "Workdir of a run of the same network whose best parameters to start from."
    )
    batch_size: int = option(
        4, "Windows a step, over all devices of all processes.", minimum=1
    )
    accumulate: int = option(
        1,
        "Parts in which a device takes its share of a batch: the same step in less "
        "memory.",
        minimum=1,
    )
    loss: str = option(
        "increment",
        "increment: the square error over the size of what the network adds to its "
        "base. root: its root, frame by frame, so that hard frames do not outweigh the "
        "others. cross_entropy: channels are classes, forecasts their probabilities.",
        choices=("increment", "root", "cross_entropy"),
    )
    optimizer: str = option(
        "adamw",
        "An optimiser of optax by its name. adamw is safe; muon, at three to five "
        "times its rate, gets further in as many steps.",
    )
    learning_rate: float = option(
        2e-3, "Peak rate, reached after train.warmup steps.", minimum=0
    )
    warmup: int = option(50, "Steps over which the rate rises.", minimum=0)
    schedule: str = option(
        "cosine",
        "The rate after warm-up: to zero as a cosine, or constant.",
        choices=("cosine", "constant"),
    )
    weight_decay: float = option(
        1e-5, "Pull towards zero, for optimisers that have it.", minimum=0
    )
    clip: float = option(1.0, "Largest global gradient norm; 0: any.", minimum=0)
    ema: float = option(
        0.0,
        "Decay of the average of parameters that is evaluated, at most (1 + steps) / "
        "(10 + steps); 0: the last parameters.",
        minimum=0,
        below=1,
    )
    feedback: int = option(
        0, "Forecasts fed back as input within a training window.", minimum=0
    )
    feedback_after: float = option(
        0.5, "Share of the steps after which they are.", minimum=0, below=1
    )
    noise: float = option(
        0.0,
        "White noise on the input frames, up to this much in units of what the "
        "network adds to its base: it keeps rollouts from blowing up.",
        minimum=0,
    )
    log_every: int = option(20, "Steps between logs.", minimum=1, may_change=True)
    checkpoint_every: int = option(
        200, "Steps between checkpoints.", minimum=1, may_change=True
    )
    validate_every: int = option(500, "Steps between validations.", minimum=1)
    validation_windows: int = option(
        16, "Windows forecast to validate, spread over the split.", minimum=1
    )
    validation_frames: int = option(
        20, "Frames that validation forecasts of each.", minimum=1
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvalOptions(Section):
    """Choose how the best model is scored when a run ends."""

    name_of_section = "eval"

    protocols: tuple[str, ...] = option(
        ("one_step", "rollout"),
        "Protocols of the final table; (): a run ends when it is trained.",
        may_change=True,
    )
    batch_size: int = option(
        8, "Windows forecast at a time, over all devices.", minimum=1
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configuration(Section):
    """A whole run."""

    seed: int = option(
        0, "Seed of parameters, batch order and noise; it repeats a run.", minimum=0
    )
    expected_devices: int = option(
        0,
        "Devices over all processes; another number stops the run. 0: any.",
        minimum=0,
        may_change=True,
    )
    data: DataOptions = DataOptions()
    model: ModelOptions = ModelOptions()
    train: TrainOptions = TrainOptions()
    eval: EvalOptions = EvalOptions()

    def override(self, **sections: Mapping[str, Any]) -> Self:
        """Return the configuration with some fields of its sections replaced."""
        replaced = {
            name: dataclasses.replace(getattr(self, name), **fields)
            for name, fields in sections.items()
        }
        return dataclasses.replace(self, **replaced)

    def __post_init__(self):
        super().__post_init__()
        model, seen, history = self.model, self.model.frames_in, self.data.history
        if seen > history:
            model.refuse("frames_in", f"at most data.history, {history}")
        if model.head == "extrapolation" and (seen or history) < 2:
            section, field = (model, "frames_in") if seen else (self.data, "history")
            section.refuse(field, "2 or more to extrapolate from")
        if model.head == "advection":
            if history < 2:
                self.data.refuse("history", "2 or more: one frame shows no motion")
            if seen == 1:
                model.refuse("frames_in", "2 or more: one frame shows no motion")
            if self.train.feedback:
                self.train.refuse(
                    "feedback", "0 with model.head=advection, which draws leads instead"
                )
        if self.train.loss == "cross_entropy" and model.conserve:
            model.refuse("conserve", "False with train.loss=cross_entropy")
