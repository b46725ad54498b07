"""The documentation says something, holds no placeholder, and what it says is so."""

import re
import warnings
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)  # code, then what it prints
WITH_EXAMPLES = [page for page in PAGES if EXAMPLE.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_is_written(page):
    text = page.read_text(encoding="utf-8")
    assert len(text) > 200
    assert not re.search(r"@[A-Z]+@|TODO|FIXME", text)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_to_files_of_the_project_lead_somewhere(page):
    for target in re.findall(r"(?<!\w)\[[^\]]+\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_the_examples_of_a_page_print_what_it_shows(page, capsys):
    names = {}
    for code, shown in EXAMPLE.findall(page.read_text(encoding="utf-8")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some examples are about a warning
            exec(code, names)
        assert capsys.readouterr().out == shown


@pytest.mark.parametrize("package", ["solver", "nnbridge", "nnbridge.models", "validation.problems"])
def test_every_public_name_has_an_entry_in_the_api_pages(package):
    entries = re.findall(r"^::: (\S+)", "".join(page.read_text("utf-8") for page in PAGES), re.MULTILINE)
    if package in entries:  # the whole of it
        return
    for name in import_module(package).__all__:
        # A function that shares the name of its module is entered as module.name.name.
        assert {f"{package}.{name}", f"{package}.{name}.{name}"} & set(entries), name
