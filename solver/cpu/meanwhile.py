"""What is done for the planes before and after the one that a kernel is at, in turns between its sweeps."""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel
from solver.cpu.asking import Asked
from solver.cpu.copying import LINE
from solver.cpu.pointers import pointer, size_of
from solver.cpu.storing import piece, write_pending


class Meanwhile(NamedTuple):
    """What is done in turns: so many cells of the plane before are written, so many of the next one asked for.

    Stores past the caches in one burst would be waited for, and so would requests.
    """

    pending: Any
    asked: Asked
    "what comes next"
    turns: int


@kernel(inline=True)
def do_meanwhile(meanwhile, turn, cells):
    """Write what is due in a turn, and return what is to be asked for in it."""
    line, turns = LINE // size_of(meanwhile.pending.source), meanwhile.turns
    cut = (cells // turns + line) // line * line
    write_pending(meanwhile.pending, *piece(cut, cells, turn, turns))
    many = meanwhile.asked.many
    first, last = many * min(turn, turns) // turns, many * min(turn + 1, turns) // turns
    return Asked(pointer(meanwhile.asked.addresses, first), last - first)
