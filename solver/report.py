"""One self-contained HTML page of text, tables and figures: no script, nothing external, any screen width."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import BytesIO
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A text cell of more characters keeps a readable width on a narrow screen.
LONG = 24

_CSS = """
:root { color-scheme: light;
        --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --band: #f6f8fa; --link: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1.25rem 4rem; background: #fff; color: var(--ink);
       font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0.5rem 0 0.25rem; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 0.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p { max-width: 46rem; }
.subtitle, .note { color: var(--soft); }
.note { font-size: 0.9rem; margin: 0.4rem 0 1.5rem; }
nav ul { columns: 18rem; padding-left: 1.2rem; }
a { color: var(--link); }
code { background: var(--band); padding: 0.1em 0.3em; border-radius: 4px; font-size: 0.9em; }
.pane { overflow-x: auto; margin-top: 1rem; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.9rem 0.35rem 0.4rem; text-align: left; border-bottom: 1px solid var(--line);
         overflow-wrap: normal; }
th { background: var(--band); white-space: nowrap; }
td.prose { min-width: 9rem; max-width: 40rem; }
.number { text-align: right; white-space: nowrap; }
.pass { color: #00664b; font-weight: 600; }
.fail { color: #fff; background: #a63c00; font-weight: 700; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--link); }
pre { margin: 0; padding: 0.8rem; background: var(--band); font-size: 0.85rem; line-height: 1.4; width: max-content; }
sub, sup { line-height: 0; }
figure { margin: 1rem 0 1.5rem; }
img { display: block; max-width: 100%; height: auto; }
@media (max-width: 40rem) {
  body { padding: 1rem 0.9rem 3rem; }
  h1 { font-size: 1.45rem; }
  table { font-size: 0.85rem; }
  th, td { padding: 0.35rem 0.5rem 0.35rem 0.2rem; }
  th { white-space: normal; }
}
"""


@dataclass(frozen=True)
class Link:
    """A cell of a table that leads somewhere.

    Parameters
    ----------
    text
        What is shown.
    target
        Where it leads: ``#anchor`` of a section of the page, or an address.
    """

    text: str
    target: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Png:
    """A drawn figure: the bytes of the file, and its size in CSS pixels."""

    data: bytes
    width: int
    height: int


def render(figure: Figure) -> Png:
    """Draw a matplotlib figure as PNG, and close it."""
    import matplotlib.pyplot as plt

    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    plt.close(figure)
    return Png(buffer.getvalue(), width, height)


class Page:
    """An HTML page that is built from top to bottom and written once.

    Parameters
    ----------
    title, subtitle
        Plain text.

    Examples
    --------
    >>> page = Page("Heat", "one run")
    >>> page.section("Result", "The <em>mean</em> is kept.")
    >>> page.table(["step", "mean", "kept"], [[0, 1.0, True], [10, 1.0, True]])
    >>> path = page.write("report/heat.html")  # doctest: +SKIP
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title = title
        self.subtitle = subtitle
        self._contents: list[tuple[str, str]] = []
        self._body: list[str] = []

    def section(self, heading: str, text_html: str = "", anchor: str = "") -> None:
        """Start a section: plain ``heading``, then one paragraph whose inside is the HTML ``text_html``.

        ``anchor`` is the name that links lead to; without one it is made of the heading.
        """
        anchor = anchor or f"s{len(self._contents) + 1}-" + re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
        self._contents.append((anchor, heading))
        self._body.append(f'<h2 id="{escape(anchor)}">{escape(heading)}</h2>')
        if text_html:
            self._body.append(f"<p>{text_html}</p>")

    def paragraph(self, text: str) -> None:
        """Add a paragraph of plain, small text."""
        self._note(text)

    def preformatted(self, text: str) -> None:
        """Add plain text whose lines and spaces are kept."""
        self._body.append(f'<div class="pane" tabindex="0"><pre>{escape(text)}</pre></div>')

    @contextmanager
    def folded(self, summary: str) -> Iterator[None]:
        """Fold away what is added inside the ``with`` block; a click on the plain text ``summary`` shows it."""
        self._body.append(f"<details><summary>{escape(summary)}</summary>")
        yield
        self._body.append("</details>")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> None:
        """Add a table; all text is escaped.

        A float is shown with four significant digits, a bool as pass or FAIL, a `Link` as one, anything else as its
        text.

        Raises
        ------
        ValueError
            If a row has not as many cells as there are columns.
        """
        for index, row in enumerate(rows):
            if len(row) != len(columns):
                raise ValueError(
                    f"`rows`[{index}] has {len(row)} cells, but `columns` names {len(columns)}: give one each"
                )
        # A heading is aligned like the cells below it.
        kinds = [_css_class(cell) for cell in rows[0]] if rows else [""] * len(columns)
        head = "".join(
            f'<th scope="col"{kind if "number" in kind else ""}>{escape(name)}</th>'
            for name, kind in zip(columns, kinds, strict=True)
        )
        body = "\n".join(
            "<tr>" + "".join(f"<td{_css_class(cell)}>{_html(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        self._body.append(
            f'<div class="pane" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table></div>"
        )
        self._note(note)

    def figure(self, figure: Figure | Png, alt: str, note: str = "", path: Path | None = None) -> None:
        """Embed a matplotlib figure as PNG, write the same PNG to ``path`` if given, and close the figure.

        A figure that `render` has drawn already is taken as it is. ``alt`` says in words what it shows.
        """
        png = figure if isinstance(figure, Png) else render(figure)
        if path:
            path.write_bytes(png.data)
        data = b64encode(png.data).decode("ascii")
        self._body.append(
            f'<figure><div class="pane" tabindex="0"><img width="{png.width}" height="{png.height}" '
            f'alt="{escape(alt)}" src="data:image/png;base64,{data}"></div></figure>'
        )
        self._note(note)

    def image(self, path: str | Path, alt: str, note: str = "") -> None:
        """Embed a picture or animation from a PNG or GIF file; ``alt`` says in words what it shows."""
        path = Path(path)
        data = b64encode(path.read_bytes()).decode("ascii")
        self._body.append(
            f'<figure><div class="pane" tabindex="0"><img alt="{escape(alt)}" '
            f'src="data:image/{path.suffix[1:].lower()};base64,{data}"></div></figure>'
        )
        self._note(note)

    def write(self, path: str | Path) -> Path:
        """Write the page as UTF-8 and return its path; a missing folder is made."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = "".join(f'<li><a href="#{escape(a)}">{escape(heading)}</a></li>' for a, heading in self._contents)
        contents = f'<nav aria-label="Contents"><ul>{entries}</ul></nav>' if len(self._contents) > 1 else ""
        body = "\n".join(self._body)
        page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(self.title)}</title>
<style>{_CSS}</style>
</head>
<body>
<header><h1>{escape(self.title)}</h1>
<p class="subtitle">{escape(self.subtitle)}</p></header>
{contents}
<main>
{body}
</main>
</body>
</html>
"""
        path.write_text(page, encoding="utf-8")
        return path

    def _note(self, note: str) -> None:
        if note:
            self._body.append(f'<p class="note">{escape(note)}</p>')


def _css_class(cell: object) -> str:
    if isinstance(cell, bool | np.bool_):
        return ' class="pass"' if cell else ' class="fail"'
    if isinstance(cell, Real):
        return ' class="number"'
    return ' class="prose"' if len(str(cell)) > LONG else ""


def _html(cell: object) -> str:
    if isinstance(cell, Link):
        return f'<a href="{escape(cell.target)}">{escape(cell.text)}</a>'
    if isinstance(cell, bool | np.bool_):
        return "pass" if cell else "FAIL"
    if isinstance(cell, Real) and not isinstance(cell, Integral):
        return f"{float(cell):.4g}"
    return escape(str(cell))
