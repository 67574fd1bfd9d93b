"""Every field a run can set, at its default: adr_jax/options.py says what each is for.

The other files here call `get_config` and override what their experiment needs. Any
field can also be overridden on the command line: `--config.train.steps=100`.
"""

import dataclasses

from ml_collections import ConfigDict

from adr_jax.options import Configuration


def get_config() -> ConfigDict:
    return ConfigDict(dataclasses.asdict(Configuration()))
