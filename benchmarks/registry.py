"""The one registry of what is measured: `cases`, whose contenders take turns, and `TABLES`, measured apart."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import NamedTuple

from benchmarks import evaluation_cases, grid_cases, layer_cases, memory, network_cases, startup, training_cases
from benchmarks.case import Case
from benchmarks.peers import PARTS, PEERS, REMOVED, RESNET32

FOR_FIGURES = ("over K", "over size")  # groups that are measured only when figures are asked for

TABLES: dict[str, tuple[str, Callable[[], list[dict[str, str]]]]] = {
    "memory": ("Kept between forward and backward, 2048 planes of 32 x 32 float32", memory.table),
    "start-up": ("From a fresh interpreter to the layer's first result", startup.table),
}


class Preset(NamedTuple):
    """What is measured, and how long, unless the command line says otherwise."""

    peers: tuple[str, ...]
    rounds: int
    budget: float
    main_rows_only: bool


FULL = Preset(tuple(PEERS), rounds=15, budget=6.0, main_rows_only=False)
QUICK = Preset(
    ("numba", "torch", "torch.compile", "devito", "one thread", "solve", PARTS, RESNET32, REMOVED),
    rounds=9,
    budget=3.0,
    main_rows_only=True,
)
MAIN_GROUPS = ("grid", "solve", "training", "networks", "evaluation")


def is_main(case: Case) -> bool:
    """Whether a case is a row that a change of a kernel is judged by: of the layer, fields per cell on its batch."""
    return case.group in MAIN_GROUPS or case.name in [main.name for main in layer_cases.main_cases()]


def cases() -> list[Case]:
    """Return every case; a new one is one more line in the module of its group."""
    apart: list[Case] = [*training_cases.cases(), *network_cases.cases(), *evaluation_cases.cases()]
    return [*layer_cases.cases(), *grid_cases.cases(), *apart]


def matches(pattern: str, group: str, name: str = "") -> bool:
    """Tell whether "group: name" has the pattern as a part, or matches it with * and ?; a|b: either."""
    full = f"{group}: {name}"
    return any(part in full or fnmatchcase(full, part) for part in pattern.split("|"))


def choose(pattern: str, figures: bool, main_rows_only: bool = False) -> list[Case]:
    """Return the cases that `--only` names, those for figures alone only with figures or by their name."""
    found = [case for case in cases() if matches(pattern, case.group, case.name)]
    if not figures and pattern not in FOR_FIGURES:
        found = [case for case in found if case.group not in FOR_FIGURES]
    return [case for case in found if is_main(case) or case.group in FOR_FIGURES] if main_rows_only else found


def choose_tables(pattern: str) -> list[str]:
    """Return the tables that `--only` names."""
    return [name for name in TABLES if matches(pattern, name)]
