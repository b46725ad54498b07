"""Which planes are small: they are laid side by side, see `solver.cpu.lanes`."""

from __future__ import annotations

from math import prod

from solver.cpu.copying import LINE
from solver.cpu.transposing import LANES
from solver.cpu.vectors import BYTES

# Cells of the largest such plane, measured: of one step, of more, of the adjoint of one by the bytes of a number.
# Turning planes around costs as much as a step, and less than its adjoint gains.
OF_STEP, OF_MORE = 49, 400
OF_STEP_BACK = {4: 324, 8: 144}
# Of more steps, where a row is whole lines, and so whole vectors without other planes beside it.
OF_MORE_IN_LINES = 49
# And of a layer in evaluation, of one step and of more: vectors of 256 bits take longer to turn planes around.
OF_LAYER, OF_LAYER_MORE = (784, 784) if BYTES == 64 else (144, 256)
# Numbers that the adjoint of a pack may keep: it gains with 3 MiB, beyond a second-level cache of 2, as with less.
ROOM = 2**20
KEPT_OF_STEP, KEPT = 18, 44  # planes that it keeps; of several steps two more for each


def is_small(shape: tuple[int, ...], steps: int, itemsize: int, adjoint: bool = False) -> bool:
    """Whether planes of (..., rows, columns) are laid side by side: small ones, enough to fill half of the lanes."""
    cells = shape[-2] * shape[-1]
    if steps == 1:
        largest = OF_STEP_BACK[itemsize] if adjoint else OF_STEP
    else:
        largest = OF_MORE if adjoint or shape[-1] * itemsize % LINE else OF_MORE_IN_LINES
    if cells > largest or 2 * prod(shape[:-2]) < LANES:
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
