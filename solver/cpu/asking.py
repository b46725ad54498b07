"""What a traversal asks memory for in advance, a few lines at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import point_function
from solver.cpu.copying import prefetch_address
from solver.cpu.pointers import size_of

CHUNK = 64  # cells between two requests to memory


class Asked(NamedTuple):
    """What is asked for in advance, cell by cell as the plane is gone over."""

    addresses: Any
    "pointer to the addresses of planes"
    many: int


@point_function
def ask(start, asked, one):
    """Ask for a run of cells of what comes next: a few lines at a time, more would fill the line buffers and wait."""
    for m in range(asked.many):
        prefetch_address(asked.addresses[m] + start * size_of(one), CHUNK * size_of(one))


@point_function
def rest(start, duties, one):
    """Do nothing between two runs."""
