"""The site has every public name and every option, and asks for nothing from outside.

`make docs` builds it and checks its links.
"""

import dataclasses
import importlib.util
import pathlib

import pytest

import adr_jax
from adr_jax import options

DOCS = pathlib.Path(__file__).parents[2] / "docs"


@pytest.fixture
def hooks():
    """Return the module docs/hooks.py, which `make docs` gives to mkdocs."""
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    spec = importlib.util.spec_from_file_location("hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_has_every_public_name():
    lines = set()
    for page in (DOCS / "reference").glob("*.md"):
        lines |= set(page.read_text().splitlines())
    for name in adr_jax.__all__:
        assert f"::: adr_jax.{name}" in lines, name


def test_the_reference_has_every_option(hooks):
    tables = hooks.option_tables()
    sections = [options.DataOptions, options.ModelOptions, options.TrainOptions]
    for section in [*sections, options.EvalOptions]:
        for field in dataclasses.fields(section):
            assert f"| `{section.name_of_section}.{field.name}` |" in tables
    assert "| `seed` |" in tables
    assert "One of `push`, `pull`, `none`. Default: `'push'`. |" in tables


@pytest.mark.parametrize(
    "loaded",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<script defer src="//cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example/css?family=A">',
        '<img alt="a" src="http://pictures.example/a.png">',
        "@import 'https://fonts.example/a.css';",
        "body { background: url(https://pictures.example/a.png) }",
    ],
)
def test_what_a_page_would_load_from_outside_is_found(hooks, loaded):
    assert hooks.LOADED.search(loaded)


@pytest.mark.parametrize(
    "harmless",
    [
        '<a href="https://arxiv.org/abs/2406.19253">',
        '<script src="assets/a.js"></script>',
        '<img src="data:image/png;base64,AAAA">',
        "body { background: url(../a.png) }",
    ],
)
def test_links_to_follow_and_own_files_are_no_loads(hooks, harmless):
    assert not hooks.LOADED.search(harmless)
