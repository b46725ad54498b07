"""How much of the machine others use while a contest rests: whoever measures should know that he is alone."""

from __future__ import annotations

from pathlib import Path
from time import sleep

STATISTICS = Path("/proc/stat")  # Linux: seconds, in ticks, that all cores spent on what
IDLE = (3, 4)  # of its first line: idle, and waiting for a disk
WATCHED = 0.06  # seconds of a rest
NOTICEABLE = 0.10  # of all cores


class Others:
    """Their share of all cores in the rests so far."""

    def __init__(self) -> None:
        self.busy = self.all = 0

    def watch(self) -> None:
        """Rest, and count what the cores do meanwhile."""
        before = ticks()
        sleep(WATCHED)
        after = ticks()
        if before and after:
            spent = [later - earlier for earlier, later in zip(before, after, strict=True)]
            self.all += sum(spent)
            self.busy += sum(spent) - sum(spent[n] for n in IDLE)

    @property
    def share(self) -> float | None:
        """Busy ticks over all; None where the system does not tell."""
        return self.busy / self.all if self.all else None


def ticks() -> list[int]:
    """Return what the cores have done since the start, by kind; nothing where the system does not tell."""
    try:
        line = STATISTICS.read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return []
    return [int(number) for number in line.split()[1:9]]  # what follows is counted in these already
