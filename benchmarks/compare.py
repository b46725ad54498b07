"""Whether a run has lost against an earlier one: `--compare`.

Absolute times drift from machine to machine and from hour to hour, so what is compared is our time relative to whatever
else was timed in the same rounds: each peer, and the copy. Per case, each of these yardsticks says by what factor
our relative time changed; the median of the factors is the verdict, so that one peer that became faster, or was
disturbed, is not taken for a loss of ours.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.peers import OURS, PARTS
from benchmarks.results import MEASURED, Row

LOSS = 0.10  # of our relative speed
OWN = ("one thread", "solve", PARTS)  # ours as well: slower together with us, so no yardsticks


@dataclass(frozen=True)
class Change:
    """How our relative speed in a case changed.

    Attributes
    ----------
    group, case : str
        Names.
    speed : float
        Our speed over the earlier one, each relative to the yardsticks; 0.8 is a loss of 20 %.
    yardsticks : tuple of str
        What both runs timed beside us.
    """

    group: str
    case: str
    speed: float
    yardsticks: tuple[str, ...]

    @property
    def lost(self) -> bool:
        """Whether the loss is more than LOSS."""
        return self.speed < 1 - LOSS


def compare(now: Sequence[Row], before: Sequence[Row]) -> list[Change]:
    """Return the change of every case that both runs measured."""
    earlier = {name: _relative(rows) for name, rows in _cases(before).items()}
    found = []
    for (group, case), rows in _cases(now).items():
        relative, old = _relative(rows), earlier.get((group, case), {})
        both = tuple(name for name in relative if name in old)
        if both:
            speed = statistics.median(relative[name] / old[name] for name in both)
            found.append(Change(group, case, speed, both))
    return found


def _cases(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    measured = sorted((row for row in rows if row.status == MEASURED), key=lambda row: (row.group, row.case))
    return {name: list(found) for name, found in groupby(measured, key=lambda row: (row.group, row.case))}


def _relative(rows: Sequence[Row]) -> dict[str, float]:
    """Return our speed over that of each yardstick."""
    ours = next((row for row in rows if row.contender == OURS), None)
    if ours is None:
        return {}
    speeds = {row.contender: row.seconds / ours.seconds for row in rows if row.contender not in (OURS, *OWN)}
    return speeds | ({"copy": ours.of_copy} if ours.of_copy else {})
