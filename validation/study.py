"""A study: one question about the scheme, answered by tables, pictures and claims that may fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Claim:
    """A sentence that the study found true or false.

    Parameters
    ----------
    statement
        What is claimed, with its bound.
    holds
        Whether it was found true.
    measured
        The number it was judged by.
    """

    statement: str
    holds: bool
    measured: str


@dataclass(frozen=True)
class Table:
    """Rows of plain values under named columns; ``name`` is also the stem of its CSV file."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure; ``name`` is also the stem of its PNG file, ``alt`` says in words what it shows."""

    name: str
    figure: Figure
    alt: str
    note: str = ""


@dataclass(frozen=True)
class StudyResult:
    """What a study found; ``skipped`` is the reason if it could not run."""

    claims: Sequence[Claim] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether no claim failed."""
        return all(claim.holds for claim in self.claims)


@dataclass(frozen=True)
class Study:
    """A question and the function that answers it.

    Parameters
    ----------
    name
        Short, for ``--only``.
    title
        Heading in the report.
    question
        What is asked and how it is answered: a paragraph of HTML.
    run
        Does the work; takes seconds.
    """

    name: str
    title: str
    question: str
    run: Callable[[], StudyResult]
