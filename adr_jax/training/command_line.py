"""Configurations from a command line, with errors of one line.

Nothing here starts JAX, so that a process can be prepared once its configuration is
known.
"""

import pathlib
from collections.abc import Sequence

from absl import flags
from ml_collections import ConfigDict, config_flags

from adr_jax import shipped
from adr_jax.errors import InputError


def parse(argv: Sequence[str], values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """Parse flags, with errors of absl and of configurations as one line.

    Returns:
      What is left of `argv`: the program's name, and arguments that are no flags.

    Raises:
      InputError: a flag, a field or a value that cannot be, or no such file.
    """
    shipped.make_configs_importable()
    argv = _with_file(argv)
    try:
        rest = values(argv)
    except (flags.Error, AttributeError, KeyError, OSError, ValueError) as error:
        message = _in_one_line(error)
        if isinstance(error, AttributeError | KeyError):
            message = message.replace(" Did you mean", ". Did you mean")
            message = (
                f"the configuration has no field {message}; adr_jax/options.py has all"
            )
        raise InputError(message) from error
    if "config" in values:
        _settle_length(argv, values["config"].value)
    return rest


def _settle_length(argv: Sequence[str], config: ConfigDict) -> None:
    """Let steps that are asked for count, where the file states minutes.

    Raises:
      InputError: both are asked for.
    """
    asked = {argument.partition("=")[0].lstrip("-") for argument in argv}
    if "config.train.steps" not in asked or not config.train.minutes:
        return
    if "config.train.minutes" in asked:
        raise InputError(
            f"config.train.steps is {config.train.steps} and config.train.minutes "
            f"{config.train.minutes:g}; expected one of them: leave the other out"
        )
    config.train.minutes = 0.0


def _with_file(argv: Sequence[str]) -> list[str]:
    """Return the arguments, the name after --config as the file that it means."""
    found = list(argv)
    for index, argument in enumerate(argv):
        flag, equals, name = argument.partition("=")
        if flag not in ("--config", "-config"):
            continue
        if equals:
            found[index] = f"{flag}={shipped.find_config(name)}"
        elif index + 1 < len(argv):
            found[index + 1] = shipped.find_config(argv[index + 1])
    return found


def config_file(values: flags.FlagValues = flags.FLAGS) -> tuple[pathlib.Path, str]:
    """Return the file named by --config, and the argument after its colon."""
    filename = config_flags.get_config_filename(values["config"])
    path, _, argument = filename.partition(":")
    return pathlib.Path(path), argument


def read_config(path: str, overrides: Sequence[str]) -> ConfigDict:
    """Read the configuration of a file, `overrides` as train.py takes them."""
    path = shipped.find_config(path)
    values, argv = flags.FlagValues(), ["config", f"--config={path}", *overrides]
    holder = config_flags.DEFINE_config_file(
        "config", flag_values=values, sys_argv=argv
    )
    rest = parse(argv, values)
    if len(rest) > 1:
        raise InputError(f"unexpected argument {rest[1]!r}; flags start with --")
    return holder.value


def _in_one_line(error: Exception) -> str:
    """Return the message without the quotes of a KeyError, itself or within an error.

    Of a traceback in a configuration file the last line stays.
    """
    message = error.args[0] if error.args else error
    if isinstance(message, Exception):
        return _in_one_line(message)
    lines = str(message if isinstance(error, KeyError) else error).strip().splitlines()
    if any(line.startswith("Traceback") for line in lines):
        lines = [lines[0], lines[-1]]
    return " ".join(" ".join(lines).split())
