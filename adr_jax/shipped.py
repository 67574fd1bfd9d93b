"""Find what comes with the project beside its code: configurations and weights.

In a clone they lie beside the package, in an installed wheel within it.
"""

import difflib
import importlib.util
import pathlib
import sys
import types

from adr_jax.errors import InputError

_HERE = pathlib.Path(__file__).parent
CONFIGS, WEIGHTS = "configs", "pretrained"


def _folder(name: str) -> pathlib.Path:
    within = _HERE / name
    return within if within.is_dir() else _HERE.parent / name


def config_names() -> list[str]:
    """Return the names of the configurations that can be trained."""
    files = _folder(CONFIGS).glob("*.py")
    return sorted(file.stem for file in files if file.stem not in ("__init__", "base"))


def find_config(text: str) -> str:
    """Return the file that --config means, with its argument: "own", "synthetic:shear".

    A file is taken as it is; a name, also as configs/NAME.py, is that of a shipped one.

    Raises:
      InputError: there is no such file or name; the message has the near names.
    """
    path, colon, argument = text.partition(":")
    if pathlib.Path(path).is_file():
        return text
    name = path.removeprefix(f"{CONFIGS}/").removesuffix(".py")
    if name in config_names():
        return f"{_folder(CONFIGS) / name}.py{colon}{argument}"
    near = difflib.get_close_matches(name, config_names())
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise InputError(
        f"--config {path}: no such file; {meant}shipped are {', '.join(config_names())}"
    )


def make_configs_importable() -> None:
    """Let configuration files import their base by `from configs import base`."""
    if CONFIGS in sys.modules:
        return
    spec = importlib.util.find_spec(CONFIGS)
    places = spec.submodule_search_locations if spec else None
    if any((pathlib.Path(place) / "base.py").is_file() for place in places or ()):
        return
    package = types.ModuleType(CONFIGS)
    package.__path__ = [str(_folder(CONFIGS))]
    sys.modules[CONFIGS] = package


def find_workdir(text: str) -> str:
    """Return the folder of a run: "rain" and "pretrained/rain" are the shipped weights.

    A folder that is there is taken as it is.
    """
    shipped = _folder(WEIGHTS) / text.removeprefix(f"{WEIGHTS}/")
    is_name = "/" not in text.removeprefix(f"{WEIGHTS}/")
    if is_name and (shipped / "config.json").is_file() and not _is_run(text):
        return str(shipped)
    return text


def is_shipped(workdir: object) -> bool:
    """Return whether a folder holds weights that come with the project."""
    folder = pathlib.Path(str(workdir)).resolve()
    return folder.is_relative_to(_folder(WEIGHTS).resolve())


def _is_run(text: str) -> bool:
    return (pathlib.Path(text) / "config.json").is_file()
