"""Bring into the site what lies beside `docs/`; mkdocs calls the functions `on_...`.

The pages are written for the repository, where they link to files. Here the pages at
its root, the notebooks and the options become pages of the site, and links follow.
"""

import dataclasses
import json
import logging
import pathlib
import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from adr_jax import options

ROOT = pathlib.Path(__file__).parents[1]
# Pages that do not lie in docs/, and their place on the site.
BESIDE = {
    "README.md": "overview.md",
    "RESULTS.md": "results.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
SOURCES = {uri: source for source, uri in BESIDE.items()}
OPTIONS = "<!-- options -->"
LINK = re.compile(r"(?<=\]\()[^)\s#]+")
# What a browser loads with a page; a link that a reader follows is not.
LOADED = re.compile(
    r"<(?:script|link|img|iframe|source|object|embed)\b[^>]*?(?:src|href|data)="
    r"[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|(?:url\(|@import )[\"']?((?:https?:)?//[^\"')\s]+)"
)

log = logging.getLogger("mkdocs.hooks")


def on_config(config: MkDocsConfig) -> None:
    """Put every page of results under the summary of them."""
    (results,) = (
        section["Results"] for section in config["nav"] if "Results" in section
    )
    pages = (ROOT / "docs" / "results").glob("*.md")
    results += sorted(f"results/{page.name}" for page in pages)


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages at the root of the repository and a page for each notebook."""
    for source, uri in BESIDE.items():
        text = (ROOT / source).read_text()
        files.append(File.generated(config, uri, content=text))
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        text = notebook_page(ROOT / "docs" / file.src_uri)
        files.append(File.generated(config, page_of(file.src_uri), content=text))


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Turn links to files of the repository into links of the site."""
    uri = page.file.src_uri
    source = SOURCES.get(uri, f"docs/{uri}")

    def on_site(link: re.Match) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[0]))
        if not (ROOT / path).is_file():
            return link[0]
        target = page_of(BESIDE.get(path, path.removeprefix("docs/")))
        is_page = target.endswith(".md")
        if not is_page and files.get_file_from_path(target) is None:
            linked = File.generated(config, target, abs_src_path=str(ROOT / path))
            files.append(linked)  # such as a configuration
        return posixpath.relpath(target, posixpath.dirname(uri) or ".")

    return LINK.sub(on_site, markdown).replace(OPTIONS, option_tables())


def on_post_build(config: MkDocsConfig) -> None:
    """Warn, which `--strict` makes an error, of what a page would load from outside."""
    for path in pathlib.Path(config.site_dir).rglob("*"):
        if path.suffix in (".html", ".css"):
            for found in LOADED.finditer(path.read_text()):
                log.warning("%s loads %s", path, found[1] or found[2])


def page_of(uri: str) -> str:
    """Return the page that shows a notebook; other files stand for themselves."""
    return uri.removesuffix(".ipynb") + ".md" if uri.endswith(".ipynb") else uri


def notebook_page(path: pathlib.Path) -> str:
    """Return a notebook with its outputs as Markdown."""
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {"text/plain": output.get("text", "")})
            if "image/png" in data:
                png = "".join(data["image/png"].split())
                parts.append(f'<img alt="" src="data:image/png;base64,{png}">')
            else:
                parts.append(f"```text\n{''.join(data['text/plain'])}\n```")
    download = f'<a href="{path.name}" download>Download this notebook</a>'
    parts.insert(1, download)
    return "\n\n".join(parts)


def option_tables() -> str:
    """Return a table of the options of each section of a configuration."""
    defaults = options.Configuration()
    rows = {"run": []}
    for field in dataclasses.fields(defaults):
        section = getattr(defaults, field.name)
        if dataclasses.is_dataclass(section):
            inner = dataclasses.fields(section)
            rows[field.name] = [_row(f"{field.name}.", option) for option in inner]
        else:
            rows["run"].append(_row("", field))
    head = "| option | meaning |\n|---|---|"
    return "\n\n".join(
        "\n".join([f"## {name}", "", head, *lines]) for name, lines in rows.items()
    )


def _row(prefix: str, field: dataclasses.Field) -> str:
    """Return the row of one option: its name, reason, range and default."""
    limits = field.metadata
    reason = limits["reason"]
    if limits["choices"]:
        reason += f" One of {', '.join(f'`{choice}`' for choice in limits['choices'])}."
    if limits["minimum"] is not None:
        reason += f" At least {limits['minimum']}."
    if limits["below"] is not None:
        reason += f" Below {limits['below']}."
    return f"| `{prefix}{field.name}` | {reason} Default: `{field.default!r}`. |"
