"""One page that opens every report below a folder."""

from __future__ import annotations

import re
from html import escape, unescape
from pathlib import Path

from solver.report import Page

TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
SUBTITLE = re.compile(r'<p class="subtitle">(.*?)</p>', re.DOTALL)


def write_index(folder: str | Path) -> Path:
    """Write ``index.html`` into `folder`, with a link to each ``report.html`` below it, and return its path.

    Raises
    ------
    ValueError
        If there is no report below `folder`.
    """
    folder = Path(folder)
    reports = sorted(folder.glob("*/report.html"))
    if not reports:
        raise ValueError(
            f"`folder` {str(folder)!r} holds no report below it: it takes a folder that `make demo`, "
            "`python -m validation --out` or `python -m nnbridge reproduce --out` has filled."
        )
    page = Page("pdebridge", "Everything that this run has written; each report is one self-contained file.")
    for report in reports:
        text = report.read_text(encoding="utf-8")
        title, subtitle = _first(TITLE, text) or report.parent.name, _first(SUBTITLE, text)
        link = f'<a href="{escape(report.relative_to(folder).as_posix())}">open the report</a>'
        page.section(title, f"{escape(subtitle)} {link}")
    return page.write(folder / "index.html")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return unescape(found.group(1)).strip() if found else ""
