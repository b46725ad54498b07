"""The HTML page: well formed, self-contained, escaped, accessible."""

import base64
import re
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from solver.report import Link, Page

VOID = {"meta", "img", "br"}


class Checker(HTMLParser):
    """Collects tags with their attributes and fails on a tag that is closed out of order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parse(page, tmp_path):
    checker = Checker()
    checker.feed(page.write(tmp_path / "page.html").read_text(encoding="utf-8"))
    assert not checker.open
    return checker


@pytest.fixture
def page():
    return Page("Title & more", "a <subtitle>")


def test_the_page_is_well_formed_and_loads_nothing_from_elsewhere(page, tmp_path):
    page.section("First", "with <em>markup</em>")
    page.table(["a", "b"], [[1, "x"]], "a note")
    page.section("Second")
    page.figure(plt.figure(), "an empty figure")
    checker = parse(page, tmp_path)
    tags = [tag for tag, _ in checker.seen]
    assert not {"script", "link", "iframe"} & set(tags)
    sources = [attributes["src"] for _, attributes in checker.seen if "src" in attributes]
    assert all(source.startswith("data:") for source in sources)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in checker.seen


def test_plain_text_is_escaped_and_paragraph_html_is_not(page, tmp_path):
    page.section("a < b", "<em>kept</em>")
    page.table(["<th>"], [["<script>alert(1)</script>"]], "n < m")
    checker = parse(page, tmp_path)
    text = "".join(checker.text)
    for piece in ("Title & more", "a <subtitle>", "a < b", "<script>alert(1)</script>", "<th>", "n < m"):
        assert piece in text
    assert "em" in [tag for tag, _ in checker.seen]


def test_the_contents_link_to_every_section_even_of_the_same_name(page, tmp_path):
    for heading in ("Größe", "Same", "Same"):
        page.section(heading)
    checker = parse(page, tmp_path)
    links = [attributes["href"] for tag, attributes in checker.seen if tag == "a"]
    anchors = ["#" + attributes["id"] for tag, attributes in checker.seen if tag == "h2"]
    assert links == anchors
    assert len(set(anchors)) == 3


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (1 / 3, "0.3333"),
        (np.float32(0.25), "0.25"),
        (12345678, "12345678"),
        (np.int64(5), "5"),
        (True, "pass"),
        (np.True_, "pass"),
        (False, "FAIL"),
        (float("inf"), "inf"),
        ("1/3", "1/3"),
    ],
)
def test_a_cell_shows_its_value_by_kind(page, tmp_path, cell, shown):
    page.table(["value"], [[cell]])
    assert f">{shown}</td>" in page.write(tmp_path / "p.html").read_text(encoding="utf-8")


def test_a_section_may_name_its_anchor_and_a_cell_may_link_to_it(page, tmp_path):
    page.table(["where"], [[Link("<there>", "#there")]])
    page.section("Somewhere", anchor="there")
    checker = parse(page, tmp_path)
    assert ("a", {"href": "#there"}) in checker.seen
    assert ("h2", {"id": "there"}) in checker.seen
    assert "<there>" in checker.text


def test_what_is_folded_away_is_inside_the_details_and_what_follows_is_not(page, tmp_path):
    with page.folded("a <summary>"):
        page.preformatted("two\n  lines")
    page.paragraph("after")
    text = page.write(tmp_path / "p.html").read_text(encoding="utf-8")
    inside = re.search(r"<details>(.*)</details>(.*)", text, re.DOTALL)
    assert "<summary>a &lt;summary&gt;</summary>" in inside[1]
    assert "<pre>two\n  lines</pre>" in inside[1]
    assert "after" in inside[2]
    assert "<summary>" in "".join(parse(page, tmp_path).text)


def test_a_row_of_the_wrong_length_is_refused(page):
    with pytest.raises(ValueError, match=r"`rows`\[1\] has 1 cells, but `columns` names 2"):
        page.table(["a", "b"], [[1, 2], [3]])


def test_a_figure_is_embedded_as_png_with_its_text_and_closed(page, tmp_path):
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot([0, 1])
    page.figure(figure, 'curve "up"', "a note")
    assert not plt.fignum_exists(figure.number)
    ((_, image),) = [seen for seen in parse(page, tmp_path).seen if seen[0] == "img"]
    assert (image["width"], image["height"], image["alt"]) == ("384", "288", 'curve "up"')
    kind, data = re.fullmatch(r"data:(.*);base64,(.*)", image["src"]).groups()
    assert kind == "image/png"
    assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")


def test_writing_makes_the_folder_and_returns_the_path(page, tmp_path):
    path = tmp_path / "a" / "b.html"
    assert page.write(path) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
