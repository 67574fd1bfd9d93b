"""Train and evaluate what a configuration describes.

    python train.py --config configs/shallow_water.py [--workdir W]
        [--config.section.field=value ...]
        [--distributed=auto|on|off
         --coordinator=HOST:PORT --num_processes=N --process_id=I]

The same command again resumes a run that stopped. `python -m adr_jax train` is the same
where only the package is installed.
"""

import sys

from adr_jax.commands import train

if __name__ == "__main__":
    train.main(sys.argv)
