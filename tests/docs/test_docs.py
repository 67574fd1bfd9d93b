"""The documentation's Python runs as it stands, and its links lead somewhere."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md")) + sorted(ROOT.glob("*.md"))
# Others run these pages: export.md reads a file that `export` wrote, tutorial.md data
# that its commands made, those of extending/ in a copy of the package.
ELSEWHERE = ("export.md", "tutorial.md", "data_set.md", "network.md", "metric.md")
WITH_CODE = [
    page
    for page in PAGES
    if "```python" in page.read_text() and page.name not in ELSEWHERE
]

# Scripts that pages name "at commit 16d6b06", by the paths they had there.
REMOVED = [
    f"benchmarks/{script}.py"
    for script in ("balance", "parts", "remedies", "time_steps")
]


def name(page):
    """Return the path of a page from the root of the repository."""
    return str(page.relative_to(ROOT))


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_every_code_block_runs(page):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
    namespace = {}
    for block in blocks:
        if "adr_jax.load(" in block or "runs/mine" in block:  # somebody's own run
            continue
        # What takes minutes takes seconds here.
        block = re.sub(r"minutes=\d+", "steps=2, data__cells=16", block)
        exec(compile(block, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_local_link_leads_to_a_file_and_a_heading(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_page_of_results_is_linked_from_RESULTS():
    text = (ROOT / "RESULTS.md").read_text()
    for page in (ROOT / "docs" / "results").glob("*.md"):
        assert f"(docs/results/{page.name}" in text, page.name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_script_that_a_page_runs_is_there(page):
    """But for those named with the commit that has them."""
    for path in re.findall(r"python\s+([\w/]+\.py)", page.read_text()):
        if path not in REMOVED:
            assert (ROOT / path).exists(), path


def anchors(page: pathlib.Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }
