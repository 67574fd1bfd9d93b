"""The commands of `python -m adr_jax`, one file each.

A command is a module with `add_arguments(parser)` and `run(arguments)`; its docstring
is its help. If it sets a default for `overrides`, it receives the flags that argparse
does not know.
"""

NAMES = ("train", "data", "describe", "evaluate", "report", "forecast", "export")
