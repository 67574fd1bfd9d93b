"""Every field a run can set, with its default, its unit and its reason.

The other files here call `get_config` and override what their experiment needs. Any
field can also be overridden on the command line: `--config.train.steps=100`.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    # Feeds initial parameters, batch order and noise; the same seed repeats the run.
    config.seed = 0
    # Where the run writes; "" means runs/NAME. The flag --workdir wins over it.
    config.workdir = ""
    # Devices over all processes; another number stops the run. 0: whatever is there.
    config.expected_devices = 0
    config.data = data()
    config.model = model()
    config.train = train()
    config.eval = evaluation()
    return config


def data() -> ConfigDict:
    config = ConfigDict()
    # Which data set: a module of adr_jax/data.
    config.name = "shallow_water"
    # Folder of the data files; "" means $ADR_JAX_DATA, or data/ without it.
    config.root = ""
    # File to read, relative to root; it must exist. "" means the set's default file,
    # made where it is missing from the four fields below: how many trajectories, the
    # shape of the initial states (circle, off_centre, ellipse, double or mixed), cells
    # per side, which a file named here must have too, and frames, over the same second.
    # Where sequences are made as they are read, trajectories is how many there are to
    # train on; a synthetic flow's shape is uniform, shear, rotation or vortex.
    config.path = ""
    config.trajectories = 100
    config.shape = "circle"
    config.cells = 128
    config.frames = 101
    # Variable to read where a file holds several; "" means the usual one.
    config.variable = ""
    # What the axes of that variable are, in their order, where the file does not say:
    # n (trajectory), t (time), z, y, x (space), c (channel), for example "tyxc". Only
    # the set "arrays" asks.
    config.axes = ""
    # Frames the model sees, and frames beyond them that a training window holds at
    # least; feedback lengthens the window as far as it needs.
    config.history = 10
    config.horizon = 1
    # "distinct": no initial state in two splits. "pdebench": the last 10 % of keys.
    config.split = "distinct"
    # Trajectory keys to leave out of every split, for example ("0012",).
    config.exclude = ()
    # Poor observations to train with: noise on the input frames, in units of the
    # data's standard deviation; share of frames lost; share of cells lost.
    config.noise = 0.0
    config.dropped = 0.0
    config.missing = 0.0
    # Windows shown in training as they are ("none"), flipped along each axis of space
    # by chance ("flips"), or also with two axes exchanged ("rotations"): for flows
    # without a preferred direction. The shallow-water scheme is exact under flips only.
    config.augment = "none"
    return config


def model() -> ConfigDict:
    config = ConfigDict()
    # adrnet; cnn, the same network without transport; unet, as wide as `channels` at
    # full resolution; or fno, of PDEBench's size.
    config.name = "adrnet"
    # tiny, small or base: sets the width of the hidden state and the number of blocks
    # where these two are 0.
    config.size = "small"
    config.channels = 0
    config.num_blocks = 0
    # Displacement fields per block, each shared by channels / displacement_fields
    # neighbouring channels; 0 means one field per channel.
    config.displacement_fields = 0
    # push conserves mass, pull conserves values, none adds instead of moving.
    config.transport = "push"
    # clamp, periodic, reflect or open; rules transport and convolutions alike.
    config.boundary = "clamp"
    # explicit, implicit, exact or none; the rate of each channel is learned.
    config.diffusion = "explicit"
    # pointwise, each cell on its own, or conv, with its neighbours.
    config.reaction = "pointwise"
    # How a block's advection, diffusion and reaction follow each other: lie, in this
    # order; another order by initials, such as rda; or strang, there and back.
    config.splitting = "lie"
    # Time step of a block: "fixed", all of them together one frame interval, or
    # "learned", from there on.
    config.time_step = "fixed"
    # Largest displacement of a block along an axis, in cells; 0 sets no bound.
    config.reach = 0.0
    # How many coarser levels of the state the velocity network looks at, each with
    # cells twice as long: for motion too fast to be seen through 3 x 3 windows.
    config.context = 0
    # Show the network where each cell lies on the grid.
    config.coordinates = False
    # Step sizes of the three terms beside each other: fixed; learned, per channel; or
    # predicted, from each state.
    config.balance = "fixed"
    # What the network's output is added to: nothing ("frames"), the last frame
    # ("persistence") or the line through the last two ("extrapolation").
    config.head = "extrapolation"
    # Frames of the history that the network sees; 0 means all. Shown many, it learns to
    # extrapolate in time what it could infer from space, and rollouts drift.
    config.frames_in = 0
    # Frames forecast at once.
    config.frames_out = 1
    # Whether the network's output is a flux between cells: the forecast then keeps the
    # sum that its base has. Only where nothing enters or leaves, and not for "frames".
    config.conserve = False
    # Forecast the first so many variables alone, the others being given; 0: all.
    config.variables_out = 0
    # Correct each forecast by a small UNet, which sees it whole. Sums are not kept.
    config.denoiser = False
    # Recompute each block in the backward pass: less memory, a third more time.
    config.remat = False
    # Unroll the scan over blocks: "auto" does so on CPUs, where the gradient of a
    # convolution inside a loop is an order of magnitude slower.
    config.unroll = "auto"
    # Of convolutions and dense layers: float32, or bfloat16, faster where the device
    # has it. Parameters, the state between layers and transport stay float32.
    config.dtype = "float32"
    return config


def train() -> ConfigDict:
    config = ConfigDict()
    # Length of the run: steps, or, if minutes is not 0, as many steps as the measured
    # rate fits into that many minutes of training.
    config.steps = 2000
    config.minutes = 0.0
    # Workdir of another run of the same network, whose best parameters this one starts
    # from; "": random ones.
    config.start_from = ""
    # Windows per step, over all devices of all processes, and in how many parts each
    # device takes its share: the same step in less memory, if a batch is too large.
    config.batch_size = 4
    config.accumulate = 1
    # What is made small: "increment", the square error in units of what the network
    # has to add to its base (see model.head); "mse", in units of the data's standard
    # deviation: where channels whose changes differ in size should count by their size;
    # "relative", over the target's square of each sample and channel: where samples
    # differ in size by far, and by what nRMSE measures; "cross_entropy", where each
    # channel is a class: forecasts are then the probabilities of the classes.
    config.loss = "increment"
    # An optimiser of optax by name. adamw is a safe one; muon, at three to five times
    # adamw's rate, gets further in as many steps.
    config.optimizer = "adamw"
    # Peak rate, reached after `warmup` steps. The schedule then takes it to zero as a
    # cosine or a line ("linear"), or keeps it ("constant"), for runs of open end.
    config.learning_rate = 2e-3
    config.warmup = 50
    config.schedule = "cosine"
    # Pull of the parameters towards zero, for optimisers that have it.
    config.weight_decay = 1e-5
    # Largest global gradient norm; 0 leaves gradients as they are.
    config.clip = 1.0
    # Decay of the average of parameters that is evaluated, at most (1 + steps) over
    # (10 + steps), so that short runs forget their start; 0 evaluates the last ones.
    config.ema = 0.0
    # Forecasts fed back as input within a training window, once the share
    # `feedback_after` of the steps is done: long rollouts need a network that has seen
    # its own errors. The gradient goes back through the last `feedback_gradient`
    # forecasts; 0 means all of them, 1 none but each one itself (the pushforward trick:
    # steadier, less memory).
    config.feedback = 0
    config.feedback_after = 0.5
    config.feedback_gradient = 0
    # White noise added to the input frames in training, up to this much in units of the
    # RMS of what the network adds to its base (see head). It teaches the network to
    # trust shapes more than differences of frames, which keeps rollouts from blowing
    # up; a little of the first step's accuracy is its price.
    config.noise = 0.0
    # Intervals in steps.
    config.log_every = 20
    config.checkpoint_every = 200
    config.validate_every = 500
    # Validation forecasts this many windows, evenly spread over its split, this many
    # frames ahead; their score by the data set's first metric chooses what best/ holds.
    config.validation_windows = 16
    config.validation_frames = 20
    # Validations without a better score after which the run ends; 0 takes all steps.
    config.patience = 0
    return config


def evaluation() -> ConfigDict:
    config = ConfigDict()
    # Protocols of the final table; see adr_jax/evaluation/protocols.py. Without any, ()
    # on the command line, a run ends when it is trained: `evaluate --protocols` scores.
    config.protocols = ("one_step", "rollout")
    # Windows forecast at a time, over all devices.
    config.batch_size = 8
    return config
