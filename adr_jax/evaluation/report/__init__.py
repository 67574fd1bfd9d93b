"""Reports: an HTML page about one run, or about several side by side.

A page is one file that needs no network. It shows only what the files of a workdir
hold. A section whose data are missing is left out, and listed with the reason at the
end of the page.
"""

from collections.abc import Sequence

from etils import epath

from adr_jax.errors import InputError


def write_report(
    workdir: epath.PathLike, output: epath.PathLike | None = None
) -> epath.Path:
    """Write `workdir/report.html`, and its charts as SVG files in `workdir/figures`.

    Args:
        workdir: the directory of a run, with `config.json`, `results.json`,
            `metrics.jsonl` and, for the pictures, `figures/samples.npz`.
        output: another path for the page.

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
    """Write a page with several runs side by side.

    Args:
        workdirs: the directories of two or three runs, scored on the same data.
        output: the path of the page; by default `comparison.html` in the first.

    Returns:
        The path of the page.

    Raises:
        InputError: as `write_report`, or the runs cannot be compared.
    """
    _check_installed()
    from adr_jax.evaluation.report import comparison

    return comparison.write([epath.Path(workdir) for workdir in workdirs], output)


def _check_installed() -> None:
    """Raise InputError with the remedy if a package of the extra is missing."""
    try:
        import jinja2  # noqa: F401
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"a report needs {error.name}, which is not installed: "
            "pip install 'adr_jax[report]'"
        ) from error
