"""Which planes are small: they are laid side by side, see `solver.cpu.lanes`."""

from __future__ import annotations

from math import prod

from solver.cpu.transposing import LANES
from solver.cpu.vectors import BYTES

# Cells of the largest such plane, by the bytes of a number, measured: of one step, of more, of the adjoints of both.
# Turning planes around costs as much as a step, and less than its adjoint gains. A row of eight float64 is a vector
# already, and takes other planes beside it only in adjoints.
OF_STEP = {4: 49, 8: 49}
OF_MORE = {4: 144, 8: 49}
OF_STEP_BACK = {4: 324, 8: 144}
OF_MORE_BACK = {4: 400, 8: 196}
# And of a layer in evaluation, of one step and of more: vectors of 256 bits take longer to turn planes around.
OF_LAYER, OF_LAYER_MORE = (784, 784) if BYTES == 64 else (144, 256)
# Numbers that the adjoint of a pack may keep: it gains with 3 MiB, beyond a second-level cache of 2, as with less.
ROOM = 2**20
KEPT_OF_STEP, KEPT = 18, 44  # planes that it keeps; of several steps two more for each


def is_small(shape: tuple[int, ...], steps: int, itemsize: int, adjoint: bool = False) -> bool:
    """Whether planes of (..., rows, columns) are laid side by side: small ones, enough to fill half of the lanes."""
    cells = shape[-2] * shape[-1]
    of_step, of_more = (OF_STEP_BACK, OF_MORE_BACK) if adjoint else (OF_STEP, OF_MORE)
    largest = of_step if steps == 1 else of_more
    if cells > largest[itemsize] or 2 * prod(shape[:-2]) < LANES:
        return False
    kept = KEPT_OF_STEP if steps == 1 else KEPT + 2 * steps
    return not adjoint or kept * cells * LANES <= ROOM


def is_small_for_layer(shape: tuple[int, ...], steps: int, threads: int) -> bool:
    """Whether planes are laid side by side where a layer in evaluation makes their fields as well.

    Threads then have packs to share out, not planes: there is one for each.
    """
    largest, planes = OF_LAYER if steps <= 1 else OF_LAYER_MORE, prod(shape[:-2])
    return shape[-2] * shape[-1] <= largest and 2 * planes >= LANES and packs_of(planes) >= threads


def packs_of(planes: int) -> int:
    """Return how many packs so many planes make."""
    return -(-planes // LANES)
