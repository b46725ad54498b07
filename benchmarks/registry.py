"""The one registry of what is measured, whatever it is: `cases`."""

from __future__ import annotations

from fnmatch import fnmatchcase

from benchmarks import grid_cases, layer_cases, training_cases
from benchmarks.case import Case

FOR_FIGURES = ("over K", "over size")  # groups that are measured only when figures are asked for


def cases() -> list[Case]:
    """Return every case; a new one is one more line in the module of its group."""
    return [*layer_cases.cases(), *grid_cases.cases(), *training_cases.cases()]


def matches(pattern: str, group: str, name: str = "") -> bool:
    """Tell whether a case is meant: by a part of "group: name", or by a pattern with * and ? for all of it."""
    full = f"{group}: {name}"
    return pattern in full or fnmatchcase(full, pattern)


def choose(pattern: str, figures: bool) -> list[Case]:
    """Return the cases that `--only` names, those for figures alone only with figures or by their name."""
    found = [case for case in cases() if matches(pattern, case.group, case.name)]
    return found if figures or pattern in FOR_FIGURES else [c for c in found if c.group not in FOR_FIGURES]
