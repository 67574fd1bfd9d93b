"""The commands of `python -m adr_jax`, one file each.

A command is a module with `add_arguments(parser)` and `run(arguments)`; its docstring
is its help.
"""

NAMES = ("data", "evaluate", "report")
