"""The one registry of what is measured: `cases`, whose contenders take turns, and `TABLES`, measured apart."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from benchmarks import grid_cases, layer_cases, memory, startup, training_cases
from benchmarks.case import Case

FOR_FIGURES = ("over K", "over size")  # groups that are measured only when figures are asked for

TABLES: dict[str, tuple[str, Callable[[], list[dict[str, str]]]]] = {
    "memory": ("Kept between forward and backward, 2048 planes of 32 x 32 float32", memory.table),
    "start-up": ("From a fresh interpreter to the layer's first result", startup.table),
}


def cases() -> list[Case]:
    """Return every case; a new one is one more line in the module of its group."""
    return [*layer_cases.cases(), *grid_cases.cases(), *training_cases.cases()]


def matches(pattern: str, group: str, name: str = "") -> bool:
    """Tell whether "group: name" has the pattern as a part, or matches it with * and ?; a|b: either."""
    full = f"{group}: {name}"
    return any(part in full or fnmatchcase(full, part) for part in pattern.split("|"))


def choose(pattern: str, figures: bool) -> list[Case]:
    """Return the cases that `--only` names, those for figures alone only with figures or by their name."""
    found = [case for case in cases() if matches(pattern, case.group, case.name)]
    return found if figures or pattern in FOR_FIGURES else [c for c in found if c.group not in FOR_FIGURES]


def choose_tables(pattern: str) -> list[str]:
    """Return the tables that `--only` names."""
    return [name for name in TABLES if matches(pattern, name)]
