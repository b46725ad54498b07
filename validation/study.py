"""A study: one question about the scheme, answered by tables, pictures and claims that may fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")


class Work:
    """How much a study is to do, and whom it tells how far it is.

    Parameters
    ----------
    full
        Whether to take minutes for more cases, finer grids and longer runs. Default False: seconds.
    progress
        Called with the fraction of the study that is done, 0 to 1, whenever it has grown. Default: nobody listens.

    Examples
    --------
    >>> work = Work(progress=print)
    >>> for case in work.each(["coarse", "fine"]):
    ...     pass  # solve it
    0.5
    1.0
    """

    def __init__(self, full: bool = False, progress: Callable[[float], None] = lambda fraction: None) -> None:
        self.full = full
        self._progress = progress
        self._left = (0.0, 1.0)  # the part of the study, from and to, that no loop has taken yet

    def each(self, items: Iterable[T], share: float = 1.0) -> Iterator[T]:
        """Yield the items, and report progress after each.

        Loops may follow one another and may be nested: an inner loop is a part of the outer loop's item.

        Parameters
        ----------
        items
            The cases, of about equal cost.
        share
            How much of what is left of the study (or of the outer loop's item) this loop is, 0 to 1. Default 1:
            all of it; the first of two loops of equal cost takes 0.5.
        """
        items = list(items)
        begin, end = self._left
        stop = begin + share * (end - begin)
        try:
            for item, (left, right) in zip(items, pairwise(np.linspace(begin, stop, len(items) + 1)), strict=True):
                self._left = (float(left), float(right))
                yield item
                self._progress(float(right))
        finally:
            self._left = (stop, end)


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
        Does the work: seconds of it, or minutes where ``work.full``.
    weight
        Relative time of the full study, for the estimate of the time left. Default 1.
    """

    name: str
    title: str
    question: str
    run: Callable[[Work], StudyResult]
    weight: float = 1.0
