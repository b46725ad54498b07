"""What one cell does in the adjoint. Neighbours' parts are gathered, nothing is added to memory that others write.

A block has six planes of shared memory for what cells lend each other: the numbers towards NORTH to EAST and two levels
of lam = dL/dH; later the gradients of these numbers' numerators, and of b and of the cell's own.
"""

from __future__ import annotations

from solver import stencil
from solver.compiling import point_function
from solver.cuda.cells import along
from solver.cuda.memory import word
from solver.cuda.shared_planes import around

NORTH, SOUTH, WEST, EAST = range(4)
LAMS = 4  # lam of the last level that is known, and of the one that is made from it
B, CENTRE = 4, 5
LENT = 6  # planes
STATES = LENT  # H[0], H[1], ... follow


@point_function
def towards(memory, q, plane):
    """Return a cell's numbers towards its neighbours."""
    return (
        memory[word(NORTH * plane + q)],
        memory[word(SOUTH * plane + q)],
        memory[word(WEST * plane + q)],
        memory[word(EAST * plane + q)],
    )


@point_function
def lend_beyond(memory, at_end, wraps, own, opposite, offset, value):
    """At an end write a number beyond it: beyond the other end where the axis wraps, else in the opposite plane."""
    if at_end:
        memory[word((own if wraps else opposite) + offset)] = value


@point_function
def lend(memory, q, plane, c, ends):
    """Write a cell's numbers towards its neighbours, and beyond the ends what is found there.

    The cell before finds this cell's number towards it, of the plane NORTH, and so on. At a wall a cell reads itself:
    what comes from there is its own number towards the wall.
    """
    n, s, w, e = word(NORTH * plane + q), word(SOUTH * plane + q), word(WEST * plane + q), word(EAST * plane + q)
    memory[n], memory[s], memory[w], memory[e] = c
    lend_beyond(memory, ends.north, ends.of_north > 0, n, s, ends.of_north, c[NORTH])
    lend_beyond(memory, ends.south, ends.of_south < 0, s, n, ends.of_south, c[SOUTH])
    lend_beyond(memory, ends.west, ends.of_west > 0, w, e, ends.of_west, c[WEST])
    lend_beyond(memory, ends.east, ends.of_east < 0, e, w, ends.of_east, c[EAST])


@point_function
def lent(memory, q, plane, pitch):
    """Return what the neighbours, NORTH to EAST, have for this cell."""
    return (
        memory[word(SOUTH * plane + q - pitch)],
        memory[word(NORTH * plane + q + pitch)],
        memory[word(EAST * plane + q - 1)],
        memory[word(WEST * plane + q + 1)],
    )


@point_function
def pulled(own, found, lam, later, zero):
    """Return dL/dH[k] of a cell, from (old, centre) of its own coefficients, those that it is `lent`, and lam.

    `lam` is dL/dH[k+1] of the cell and its neighbours, `later` its own dL/dH[k+2].
    """
    return stencil.step((own[0], own[1], found[0], found[1], found[2], found[3], zero), later, *lam)


@point_function
def numerators(arrays, source, c, found, place, r):
    """Return the gradients of b, the six numerators and f of a cell, from those of its coefficients.

    On a Dirichlet wall the gradient of the source is that of the value, and all others are zero.
    """
    Dx = along(arrays, source, 5, place.q, place.north, place.south, r)
    Dy = along(arrays, source, 6, place.q, place.west, place.east, r)
    made = stencil.assemble_adjoint(c, found, Dx, Dy, r)
    zero = r.one - r.one
    return (zero, zero, zero, zero, zero, zero, found[6]) if place.walled else made


@point_function
def fields_of(memory, q, plane, pitch, r):
    """Return the gradients of u, v, Dx and Dy of a cell, from the planes of what `numerators` returns."""
    north, south, west, east = towards(memory, q, plane)
    # What leads to this cell: the next cell's number towards the cell before it, the last one's towards the cell after.
    of_north, of_south, of_west, of_east = lent(memory, q, plane, pitch)
    _, centre_N, centre_S, centre_W, centre_E = around(memory, word(CENTRE * plane + q), pitch)
    b, b_N, b_S, b_W, b_E = around(memory, word(B * plane + q), pitch)
    return (
        stencil.velocity_adjoint((centre_N, centre_S), (north, of_south), (south, of_north), r.x, r),
        stencil.velocity_adjoint((centre_W, centre_E), (west, of_east), (east, of_west), r.y, r),
        stencil.diffusivity_adjoint((b, b_N, b_S), (north, of_south), (south, of_north), r.xx, r),
        stencil.diffusivity_adjoint((b, b_W, b_E), (west, of_east), (east, of_west), r.yy, r),
    )
