"""The extremes of the mesh numbers over all cells, in one pass over the fields: what a verdict is made of.

The formulas are those of `solver.stability`, which makes arrays of them; made so, a verdict on 1024 x 1024 cells took
as long as a hundred steps.
"""

from __future__ import annotations

import math
from math import prod
from typing import NamedTuple

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.inputs import beside, make_notes, make_room, offsets, open_here, turn_to_plane
from solver.cpu.layout import DIRICHLET, DX, DY, Batch, Extent, U, V
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.threads import own_team, share
from solver.records import Inputs, Mesh

NUMBER, STILL, CONSISTENT, DIFFUSION, A_X, A_Y, B_X, B_Y, CELL, AT, FOUND = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13
LANES = 64  # extremes are kept for so many cells that follow each other, apart
FIRST, LAST, WALL, PITCH = LANES, LANES + 1, LANES + 2, LANES + 8  # and for those at the ends of rows and on walls


class Rule(NamedTuple):
    """The scalars of the criterion, float64."""

    x: float
    "dt / dx"
    y: float
    "dt / dy"
    xx: float
    "dt / dx^2"
    yy: float
    "dt / dy^2"
    velocity_share: float
    "of the neighbours' velocities in the number of a cell"
    diffusivity_share: float
    "of their diffusivities"
    courant_limit: float | None
    "what the stability number may reach with a filter; None: no filter, and it may reach 1"
    diffusion_limit: float | None
    "what B_x + B_y may reach with a filter; None: anything"
    margin: float
    "how far below 1 a cell without diffusion must stay"
    one: float = 1.0
    half: float = 0.5
    infinity: float = math.inf


class Survey(NamedTuple):
    """Extremes over all cells; the first six are largest values."""

    number: float
    "of the stability number, relative to what it may reach with a filter"
    excess: float
    "of that number over what is stable"
    consistent: float
    "of the stability number where there is diffusion"
    diffusion: float
    "of B_x + B_y"
    courant: tuple[float, float]
    "of |A_x| and |A_y|"
    diffusive: tuple[float, float]
    "of B_x and B_y"
    cell: int
    "index of the first cell with the largest number, counted over (..., rows, columns)"
    mesh_numbers: tuple[float, float, float, float]
    "(A_x, A_y, B_x, B_y) of that cell"

    def scaled(self, factor: float) -> Survey:
        """Return what a survey at `factor` times the time step finds: every number is linear in it."""
        (A_x, A_y), (B_x, B_y) = self.courant, self.diffusive
        a_x, a_y, b_x, b_y = self.mesh_numbers
        return Survey(
            factor * self.number,
            factor * self.excess,
            factor * self.consistent,
            factor * self.diffusion,
            (factor * A_x, factor * A_y),
            (factor * B_x, factor * B_y),
            self.cell,
            (factor * a_x, factor * a_y, factor * b_x, factor * b_y),
        )


def survey(inputs: Inputs, shape: tuple[int, ...], mesh: Mesh, rule: Rule) -> Survey:
    """Look at all cells of `shape`, to which the `inputs` broadcast, all of one dtype; numbers are float64."""
    extent, batch = Extent.of(shape, 1, mesh, inputs.u.dtype), Batch.of(inputs, shape)
    columns, rows = extent.columns, prod(shape[:-2]) * extent.rows
    parts = min(own_team().for_work(4 * rows * columns).size, rows)
    found = np.zeros((parts, FOUND, PITCH))
    found[:, NUMBER] = -1.0
    share(survey_parts, (found.reshape(-1), tuple(batch), extent, rule, rows, parts), parts, own_team())
    largest = found[:, :CELL].max((0, 2))
    part, lane = np.nonzero(found[:, NUMBER] == largest[NUMBER])
    cells = found[part, CELL, lane]
    first = int(np.argmin(cells))
    numbers = found[part[first], AT:, lane[first]]
    return Survey(
        float(largest[NUMBER]),
        # What is stable is less where there is no diffusion. Dividing keeps the order, and is done once here.
        max(float(largest[NUMBER]), float(largest[STILL]) / (1.0 - rule.margin)),
        float(largest[CONSISTENT]),
        float(largest[DIFFUSION]),
        (float(largest[A_X]), float(largest[A_Y])),
        (float(largest[B_X]), float(largest[B_Y])),
        int(cells[first]),
        (float(numbers[0]), float(numbers[1]), float(numbers[2]), float(numbers[3])),
    )


@kernel()
def survey_parts(found, batch, extent, rule, rows, parts, span):
    """Keep the extremes of a span of parts of the rows of all planes."""
    share_out(survey_some, (found, batch, extent, rule, rows, parts), span)


@kernel(part=True)
def survey_some(found, batch, extent, rule, rows, parts, first, last):
    """Do so for parts first..last-1."""
    constants, notes = make_room(extent.columns, batch[0][0]), make_notes()
    here = open_here(batch[0], batch[1], extent.columns, constants, notes)
    for part in range(first, last):
        survey_part(found, batch, here, constants, extent, rule, part, rows * part // parts, rows * (part + 1) // parts)
    keep_alive(constants, notes)


@kernel(part=True)
def survey_part(found, batch, here, constants, extent, rule, part, first, last):
    """Do so for rows first..last-1, counted over all planes."""
    kept = pointers_of(found, part * FOUND * PITCH)
    (arrays, table), p = batch, -1
    for row in range(first, last):
        if row // extent.rows != p:
            p = row // extent.rows
            turn_to_plane(here, arrays, table, p, extent, constants)
        survey_row(kept, here, row - p * extent.rows, row * extent.columns, extent, rule)


@kernel(inline=True)
def pointers_of(found, at):
    """Return pointers to what is kept in each lane."""
    return (
        pointer(found, at),
        pointer(found, at + PITCH),
        pointer(found, at + 2 * PITCH),
        pointer(found, at + 3 * PITCH),
        pointer(found, at + 4 * PITCH),
        pointer(found, at + 5 * PITCH),
        pointer(found, at + 6 * PITCH),
        pointer(found, at + 7 * PITCH),
        pointer(found, at + 8 * PITCH),
        pointer(found, at + 9 * PITCH),
        pointer(found, at + 10 * PITCH),
        pointer(found, at + 11 * PITCH),
        pointer(found, at + 12 * PITCH),
    )


@kernel(apart=True, part=True)
def survey_row(kept, here, i, cell, extent, rule):
    """Keep the extremes of row i of a plane, whose first cell has the index `cell` among all.

    On a Dirichlet wall nothing is computed: its numbers are zero.
    """
    v, n, (north, south, west_side, east_side) = here.memory[V], extent.columns, extent.sides
    if (i == 0 and north == DIRICHLET) or (i == extent.rows - 1 and south == DIRICHLET):
        keep_wall(kept, cell)
        return
    where, before, after = offsets(here, i, extent.rows, extent.sides, rule)
    v_at = where[0][V]
    for start in range(1, n - 1, LANES):
        for lane in range(min(LANES, n - 1 - start)):
            j = start + lane
            v_west, v_east = v[v_at + j - 1], v[v_at + j + 1]
            made = numbers_of_cell(j, j - 1, j + 1, v_west, v_east, here.memory, where, before, after, rule)
            keep_extremes(kept, lane, cell + j, made, rule)
    for end in range(2):
        j = end * (n - 1)
        if (east_side if end else west_side) == DIRICHLET:
            keep_wall(kept, cell + j)
        else:
            west, east, v_west, v_east = beside(j, n, extent.sides, v, v_at, rule)
            made = numbers_of_cell(j, west, east, v_west, v_east, here.memory, where, before, after, rule)
            keep_extremes(kept, LAST if end else FIRST, cell + j, made, rule)


@point_function
def averaged(own, before, after, share, rule):
    """Return what the stencil of a cell has of a field: the mean over the two directions."""
    return (rule.one - share) * own + share * (before * rule.half + after * rule.half)


@point_function
def numbers_of_cell(j, west, east, v_west, v_east, memory, where, before, after, rule):
    """Return (A_x, A_y, B_x, B_y) of cell j of a row, as `solver.stability.mesh_numbers` does."""
    _, _, _, u, v, Dx, Dy = memory
    row, north, south = where
    s, d = rule.velocity_share, rule.diffusivity_share
    A_x = averaged(u[row[U] + j], before * u[north[1] + j], after * u[south[1] + j], s, rule) * rule.x
    A_y = averaged(v[row[V] + j], v_west, v_east, s, rule) * rule.y
    B_x = averaged(Dx[row[DX] + j], Dx[north[2] + j], Dx[south[2] + j], d, rule) * rule.xx
    B_y = averaged(Dy[row[DY] + j], Dy[row[DY] + west], Dy[row[DY] + east], d, rule) * rule.yy
    return A_x, A_y, B_x, B_y


@point_function
def part_of_number(A, B, part, rule):
    """Return A^2 B / part, zero where A is."""
    zero = rule.one - rule.one
    ratio = B / part if part > zero else rule.infinity
    return zero if zero == A else A * A * ratio


@point_function
def stability_number(A_x, A_y, B_x, B_y, rule):
    """Return the stability number, as `solver.stability.stability_of` does."""
    B = B_x + B_y
    diffusive = math.sqrt(part_of_number(A_x, B, B_x, rule) + part_of_number(A_y, B, B_y, rule))
    return diffusive if rule.one - rule.one < B else abs(A_x) + abs(A_y)


@point_function
def larger(a, b):
    """Return the larger of two."""
    return a if a > b else b


@point_function
def relative(plain, B, zero, courant_limit, diffusion_limit):
    """Return the stability number relative to what it may reach with a filter; without one it is that itself."""
    if courant_limit is None:
        return plain
    return larger(zero if plain == zero else plain / courant_limit, B / diffusion_limit)


@point_function
def keep_extremes(kept, lane, cell, made, rule):
    """Compare a cell with what is kept in its lane."""
    A_x, A_y, B_x, B_y = made
    zero, B = rule.one - rule.one, B_x + B_y
    plain = stability_number(A_x, A_y, B_x, B_y, rule)
    number = relative(plain, B, zero, rule.courant_limit, rule.diffusion_limit)
    new = number > kept[NUMBER][lane]
    kept[NUMBER][lane] = number if new else kept[NUMBER][lane]
    kept[CELL][lane] = cell if new else kept[CELL][lane]
    kept[AT][lane] = A_x if new else kept[AT][lane]
    kept[AT + 1][lane] = A_y if new else kept[AT + 1][lane]
    kept[AT + 2][lane] = B_x if new else kept[AT + 2][lane]
    kept[AT + 3][lane] = B_y if new else kept[AT + 3][lane]
    kept[STILL][lane] = larger(kept[STILL][lane], zero if zero < B else number)
    kept[CONSISTENT][lane] = larger(kept[CONSISTENT][lane], plain if zero < B else zero)
    kept[DIFFUSION][lane] = larger(kept[DIFFUSION][lane], B)
    kept[A_X][lane], kept[A_Y][lane] = larger(kept[A_X][lane], abs(A_x)), larger(kept[A_Y][lane], abs(A_y))
    kept[B_X][lane], kept[B_Y][lane] = larger(kept[B_X][lane], B_x), larger(kept[B_Y][lane], B_y)


@point_function
def keep_wall(kept, cell):
    """Take a cell on a wall into account, whose numbers are zero."""
    if kept[NUMBER][WALL] < 0:
        kept[NUMBER][WALL], kept[CELL][WALL] = 0, cell
