"""What one cell does in the adjoint. Neighbours' parts are gathered, nothing is added to memory that others write.

Memory is one array of planes, `cells` apart; c are seven planes of coefficients, in the order of `stencil.assemble`.
"""

from __future__ import annotations

from solver import stencil
from solver.compiling import point_function
from solver.cuda.cells import along

NORTH, SOUTH, WEST, EAST = 2, 3, 4, 5


@point_function
def kept(memory, start, cells, q):
    """Return seven numbers of a cell, from as many planes."""
    at = start + q
    return (
        memory[at],
        memory[at + cells],
        memory[at + 2 * cells],
        memory[at + 3 * cells],
        memory[at + 4 * cells],
        memory[at + 5 * cells],
        memory[at + 6 * cells],
    )


@point_function
def keep(memory, start, cells, q, seven):
    """Write seven numbers of a cell."""
    at = start + q
    memory[at] = seven[0]
    memory[at + cells] = seven[1]
    memory[at + 2 * cells] = seven[2]
    memory[at + 3 * cells] = seven[3]
    memory[at + 4 * cells] = seven[4]
    memory[at + 5 * cells] = seven[5]
    memory[at + 6 * cells] = seven[6]


@point_function
def lent(memory, start, cells, towards, other, place, r):
    """Return a number of the two neighbours along an axis that leads to this cell: before it and after it.

    `towards` is the plane of numbers towards the cell before, `other` that towards the cell after. Beyond a wall a cell
    reads itself, so what comes from there is its own number towards the wall.
    """
    vertical = towards == NORTH
    before, after = (place.north, place.south) if vertical else (place.west, place.east)
    first, second = (place.of_north, place.of_south) if vertical else (place.of_west, place.of_east)
    from_before = start + other * cells + before if first > 0 else start + towards * cells + place.q
    from_after = start + towards * cells + after if second > 0 else start + other * cells + place.q
    return memory[from_before], memory[from_after]


@point_function
def pulled(memory, c, lam, later, cells, place, r):
    """Return dL/dH[k] of a cell from planes of dL/dH[k+1] and, its own alone, dL/dH[k+2]."""
    from_north, from_south = lent(memory, c, cells, NORTH, SOUTH, place, r)
    from_west, from_east = lent(memory, c, cells, WEST, EAST, place, r)
    own, centre = memory[c + place.q], memory[c + cells + place.q]
    return stencil.step(
        (own, centre, from_north, from_south, from_west, from_east, r.one - r.one),
        later,
        memory[lam + place.q],
        memory[lam + place.north],
        memory[lam + place.south],
        memory[lam + place.west],
        memory[lam + place.east],
    )


@point_function
def numerators(arrays, source, c, found, place, r):
    """Return the gradients of b, the six numerators and f of a cell, from those of its coefficients.

    On a Dirichlet wall the gradient of the source is that of the value, and all others are zero.
    """
    q = place.q
    Dx = along(arrays, source, 5, q, place.north, place.south, r)
    Dy = along(arrays, source, 6, q, place.west, place.east, r)
    made = stencil.assemble_adjoint(c, found, Dx, Dy, r)
    zero = r.one - r.one
    return (zero, zero, zero, zero, zero, zero, found[6]) if place.walled else made


@point_function
def fields_of(memory, g, cells, place, r):
    """Return the gradients of u, v, Dx, Dy and f of a cell, from seven planes of what `numerators` returns."""
    b, q = g, place.q
    centre = g + cells
    north, south = memory[g + NORTH * cells + q], memory[g + SOUTH * cells + q]
    west, east = memory[g + WEST * cells + q], memory[g + EAST * cells + q]
    # What leads to this cell: the next cell's number towards the cell before it, the last one's towards the cell after.
    of_north, of_south = lent(memory, g, cells, NORTH, SOUTH, place, r)
    of_west, of_east = lent(memory, g, cells, WEST, EAST, place, r)
    x_centre = memory[centre + place.north], memory[centre + place.south]
    y_centre = memory[centre + place.west], memory[centre + place.east]
    x_b = memory[b + q], memory[b + place.north], memory[b + place.south]
    y_b = memory[b + q], memory[b + place.west], memory[b + place.east]
    return (
        stencil.velocity_adjoint(x_centre, (north, of_south), (south, of_north), r.x, r),
        stencil.velocity_adjoint(y_centre, (west, of_east), (east, of_west), r.y, r),
        stencil.diffusivity_adjoint(x_b, (north, of_south), (south, of_north), r.xx, r),
        stencil.diffusivity_adjoint(y_b, (west, of_east), (east, of_west), r.yy, r),
        memory[g + 6 * cells + q],
    )
