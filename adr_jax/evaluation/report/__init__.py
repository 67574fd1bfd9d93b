"""A page about a run, or about several: one file that opens anywhere, offline.

It holds only what the files of a workdir say. A part that needs something else which is
absent is left out, and named with the reason at the end of the page.
"""

from collections.abc import Sequence

from etils import epath

from adr_jax.errors import InputError


def write_report(
    workdir: epath.PathLike, output: epath.PathLike | None = None
) -> epath.Path:
    """Writes `workdir/report.html`, and its charts as SVG files in `workdir/figures`.

    Args:
        workdir: the directory of a run, with `config.json`, `results.json`,
            `metrics.jsonl` and, for the pictures, `figures/samples.npz`.
        output: where to write the page instead.

    Returns:
        The path of the page.

    Raises:
        InputError: a file is missing or damaged, or jinja2 or matplotlib is missing.
    """
    _check_installed()
    from adr_jax.evaluation.report import page

    return page.write(epath.Path(workdir), output)


def write_comparison(
    workdirs: Sequence[epath.PathLike], output: epath.PathLike | None = None
) -> epath.Path:
    """Writes a page that has several runs side by side.

    Args:
        workdirs: of two or three runs, scored on the same data.
        output: where to write it; `comparison.html` in the first by default.

    Returns:
        The path of the page.

    Raises:
        InputError: as `write_report`, or the runs cannot be compared.
    """
    _check_installed()
    from adr_jax.evaluation.report import comparison

    return comparison.write([epath.Path(workdir) for workdir in workdirs], output)


def _check_installed() -> None:
    """Says what to install: what draws and sets pages comes with an extra."""
    try:
        import jinja2  # noqa: F401
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"a report needs {error.name}, which is not installed: "
            "pip install 'adr_jax[report]'"
        ) from error
