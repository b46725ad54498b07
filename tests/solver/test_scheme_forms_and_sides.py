"""Every form and boundary, cell by cell: both backends against loops over cells that share no code with them."""

import numpy as np
import pytest
from scheme_kinds import BOUNDARIES, FORMS, fits, name

from solver import DiffusionAdvection, Dirichlet, Grid, Sides, backends
from solver.records import Mesh
from solver.starting import tendency

SHAPES = [(4, 5), (3, 3), (1, 4), (4, 1), (2, 3), (1, 1), (2, 2)]
DT, DX, DY = 0.13, 0.7, 1.9
SHARE = {"product": 0.0, "skew": 0.5, "flux": 1.0, "laplacian": 0.0}


def beyond(a, i, j, kinds, sign=1):
    """Value of a plane (a list of rows) at (i, j), at most one cell beyond an edge; `sign` is that of a mirror."""
    rows, columns = len(a), len(a[0])
    if not 0 <= i < rows and kinds[0 if i < 0 else 1] != "periodic":
        return sign * a[0 if i < 0 else -1][j]
    if not 0 <= j < columns and kinds[2 if j < 0 else 3] != "periodic":
        return sign * a[i][0 if j < 0 else -1]
    return a[i % rows][j % columns]


def cell_numbers(fields, i, j, kinds, forms):
    """Return, for the cell, (neighbour, velocity and diffusivity towards it, sign, spacing) of all four; and div."""
    u, v, Dx, Dy = fields
    advection, diffusion = forms
    s, d = SHARE[advection], 0.5 if diffusion == "flux" else 0.0
    around = []
    for speed, D, di, dj, spacing in ((u, Dx, 1, 0, DX), (v, Dy, 0, 1, DY)):
        for sign in (-1, 1):
            there = (i + sign * di, j + sign * dj)
            carried = (1 - s) * speed[i][j] + s * beyond(speed, *there, kinds, -1)
            face = (1 - d) * D[i][j] + d * beyond(D, *there, kinds)
            around.append((there, carried, face, sign, spacing))
    u_x = (beyond(u, i + 1, j, kinds, -1) - beyond(u, i - 1, j, kinds, -1)) / (2 * DX)
    v_y = (beyond(v, i, j + 1, kinds, -1) - beyond(v, i, j - 1, kinds, -1)) / (2 * DY)
    return around, (1 - s) * (u_x + v_y)


def on_wall(i, j, shape, kinds):
    edges = (i == 0, i == shape[0] - 1, j == 0, j == shape[1] - 1)
    return any(edge and kind == "dirichlet" for edge, kind in zip(edges, kinds, strict=True))


def literal(inputs, kinds, forms):
    """Return H[1] and dH/dt, from the definitions."""
    H, old, f, *fields = (a.tolist() for a in inputs)
    new, rate = np.zeros((2, len(H), len(H[0])))
    for i, j in np.ndindex(new.shape):
        if on_wall(i, j, new.shape, kinds):
            new[i, j] = f[i][j]
            continue
        around, div = cell_numbers(fields, i, j, kinds, forms)
        rate[i, j] = f[i][j] - div * H[i][j]
        explicit, b = rate[i, j], 0.0
        for there, speed, D, sign, spacing in around:
            neighbour = beyond(H, *there, kinds)
            advected = -sign * speed * neighbour / (2 * spacing)
            rate[i, j] += advected + D * (neighbour - H[i][j]) / spacing**2
            explicit += advected + D * neighbour / spacing**2
            b += D / spacing**2
        # H[1] = H[-1] + 2 dt (explicit - b (H[1] + H[-1]) / 2): DuFort and Frankel's mean of the centre.
        new[i, j] = (old[i][j] * (1 - DT * b) + 2 * DT * explicit) / (1 + DT * b)
    return new, rate


@pytest.mark.parametrize("forms", FORMS, ids="-".join)
@pytest.mark.parametrize("kinds", BOUNDARIES, ids=name)
@pytest.mark.parametrize("backend", ["numpy", "cpu"])
def test_a_step_is_the_formula_cell_by_cell(backend, kinds, forms, make_inputs, split):
    for shape in (s for s in SHAPES if fits(kinds, s)):
        inputs = make_inputs(shape)
        now, old = backends.get(backend).forward(*split(inputs), Mesh(DT, DX, DY, kinds, *forms), 1)
        np.testing.assert_allclose(now, literal(inputs, kinds, forms)[0], rtol=0, atol=1e-14)
        np.testing.assert_array_equal(old, inputs.now)


@pytest.mark.parametrize("forms", FORMS, ids="-".join)
@pytest.mark.parametrize("kinds", BOUNDARIES, ids=name)
def test_the_tendency_is_the_equation_cell_by_cell(kinds, forms, make_inputs):
    sides = Sides(*(Dirichlet(0.5) if kind == "dirichlet" else kind for kind in kinds))
    for shape in (s for s in SHAPES if fits(kinds, s)):
        i = make_inputs(shape)
        problem = DiffusionAdvection(
            Grid(shape, (DX, DY), sides), (i.u, i.v), (i.Dx, i.Dy), i.source, advection=forms[0], diffusion=forms[1]
        )
        want = literal(i, kinds, forms)[1]
        np.testing.assert_allclose(tendency(problem, i.now), want, rtol=0, atol=1e-13)
