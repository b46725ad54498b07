"""The documentation says something, and holds no placeholder."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_page_is_written(page):
    text = page.read_text(encoding="utf-8")
    assert len(text) > 200
    assert not re.search(r"@[A-Z]+@|TODO|FIXME", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_to_files_of_the_project_lead_somewhere(page):
    for target in re.findall(r"(?<!\w)\[[^\]]+\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
