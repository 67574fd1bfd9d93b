"""Show a run in a notebook: its scores as tables, its report as a page."""

import html
from collections.abc import Mapping
from typing import NamedTuple

from etils import epath

from adr_jax.evaluation.report import tables


class Page(NamedTuple):
    """A report; a notebook shows it within its own page."""

    path: epath.Path

    def _repr_html_(self) -> str:
        """Return a frame with the page in it."""
        content = html.escape(self.path.read_text(encoding="utf-8"))
        style = "width: 100%; height: 50em; border: 0"
        return f'<iframe srcdoc="{content}" style="{style}"></iframe>'


def score_table(name: str, result: Mapping) -> str:
    """Return one protocol of `results.json` as an HTML table, forecasters in rows."""
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>"
        for line in tables.lines_of(tables.rows_of(result))
    )
    title = html.escape(tables.title_of(name, result))
    return f"<table><caption>{title}</caption>{body}</table>"
