"""A table of text on the terminal and in Markdown: the first column to the left, the others to the right."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table


def terminal(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return the table for a terminal."""
    table = Table(title=title, title_justify="left")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def markdown(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> str:
    """Return a page with the table and what is said of it below."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"# {title}\n\n{table}\n\n{note}\n"
