"""Which planes are small: they are laid side by side, see `solver.cpu.lanes`."""

from __future__ import annotations

from math import prod

from solver.cpu.transposing import LANES

# Cells of the largest such plane, measured: of one step, of its adjoint, of more steps. Turning planes around costs as
# much as a step, so that one step gains by it where a row is shorter than a vector.
OF_STEP, OF_STEP_BACK, OF_MORE = 49, 144, 400
OF_LAYER, OF_LAYER_MORE = 144, 256  # of a layer in evaluation, of one step and of more
# Numbers that the adjoint of a pack may keep: it gains with 3 MiB, beyond a second-level cache of 2, as with less.
ROOM = 2**20
KEPT_OF_STEP, KEPT = 18, 44  # planes that it keeps; of several steps two more for each


def is_small(shape: tuple[int, ...], steps: int, adjoint: bool = False) -> bool:
    """Whether planes of (..., rows, columns) are laid side by side: small ones, enough to fill half of the lanes."""
    cells, largest = shape[-2] * shape[-1], OF_MORE
    if steps == 1:
        largest = OF_STEP_BACK if adjoint else OF_STEP
    if cells > largest or 2 * prod(shape[:-2]) < LANES:
        return False
    kept = KEPT_OF_STEP if steps == 1 else KEPT + 2 * steps
    return not adjoint or kept * cells * LANES <= ROOM


def is_small_for_layer(shape: tuple[int, ...], steps: int) -> bool:
    """Whether planes are laid side by side where a layer in evaluation makes their fields as well."""
    largest = OF_LAYER if steps <= 1 else OF_LAYER_MORE
    return shape[-2] * shape[-1] <= largest and 2 * prod(shape[:-2]) >= LANES


def packs_of(planes: int) -> int:
    """Return how many packs so many planes make."""
    return -(-planes // LANES)
