"""A browser opens the written report: every figure is there, and nothing sticks out of a phone's screen."""

import json
import re
import shutil
import subprocess
from html import unescape

import pytest

from solver.report import Page
from validation.output import write_outputs
from validation.running import Outcome, Run
from validation.study import Claim, Study, StudyResult, Table

pytestmark = pytest.mark.xdist_group("studies")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PHONE, DESKTOP = 390, 1280  # CSS pixels

# The report has no script: a page beside it loads it into a frame as wide as a screen and writes down what it sees.
WATCHER = """<!doctype html>
<iframe src="{name}" style="width: {width}px; height: 800px; border: 0"></iframe>
<script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument;
  page.querySelectorAll("details").forEach(part => part.open = true);
  const links = [...page.querySelectorAll("a[href^='#']")].map(link => link.getAttribute("href").slice(1));
  const seen = {{
    figures: [...page.images].map(image => image.complete && image.naturalWidth > 0),
    sticks_out: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    links: links.length,
    dead_links: links.filter(anchor => !page.getElementById(anchor)),
  }};
  const text = document.createElement("pre");
  text.textContent = JSON.stringify(seen);
  document.body.append(text);
}});
</script>
"""


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        pytest.skip(f"no browser is installed: looked for {', '.join(BROWSERS)}")
    profile = tmp_path_factory.mktemp("profile")

    def look(report, width):
        watcher = report.with_name("watcher.html")
        watcher.write_text(WATCHER.format(name=report.name, width=width), encoding="utf-8")
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom")
        command = [browser, *options, f"--user-data-dir={profile}", watcher.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        (seen,) = re.findall(r"<pre>(.*?)</pre>", done.stdout)
        return json.loads(unescape(seen))

    return look


@pytest.fixture(scope="module")
def awkward():
    """Outcomes that are hard to lay out: a wide table, a long one, an endless word in an error."""
    wide = Table("wide", [f"column {i}" for i in range(30)], [[1.0 / (i + 1) for i in range(30)]] * 3)
    long = Table("long", ("step", "value"), [(i, 0.1 * i) for i in range(40)])
    claim = Claim("a claim of so many words that it takes several lines of a phone", True, "1.234 against 1.235")
    tables, raising = (Study(name, name.title(), "Why?", lambda work: StudyResult()) for name in ("tables", "raising"))
    return [
        Outcome(tables, StudyResult([claim], [wide, long]), 1.0),
        Outcome(raising, StudyResult(), 1.0, f"Traceback\nValueError: {'x' * 300}"),
    ]


@pytest.fixture(scope="module")
def report(quick_run, awkward, tmp_path_factory):
    outcomes = [*quick_run.outcomes, *awkward]
    return write_outputs(Run("python -m validation", False, outcomes, 1.0), tmp_path_factory.mktemp("report"))


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_every_figure_loads_every_link_leads_somewhere_and_the_page_does_not_scroll_sideways(
    look, report, quick_run, width
):
    seen = look(report, width)
    assert seen["figures"] == [True] * sum(len(outcome.result.pictures) for outcome in quick_run.outcomes)
    assert seen["links"] >= 2 * len(quick_run.outcomes)
    assert seen["dead_links"] == []
    assert seen["sticks_out"] == 0


def test_a_broken_figure_a_dead_link_and_too_wide_a_paragraph_are_noticed(look, tmp_path):
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    good, broken = (f'<img alt="" src="data:image/png;base64,{data}">' for data in (png, "AAAA" + png[4:]))
    page = Page("Broken")
    page.section("Images", good + broken)
    page.section("Link", '<a href="#nowhere">nowhere</a>')
    page.section("Width", f'<span style="display: block; width: {PHONE + 100}px">wide</span>')
    seen = look(page.write(tmp_path / "broken.html"), PHONE)
    assert seen["figures"] == [True, False]
    assert seen["dead_links"] == ["nowhere"]
    assert seen["sticks_out"] > 90
