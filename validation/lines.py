"""The method of lines by other means: the equation discrete in space as a sparse matrix, integrated by scipy.

    dH/dt = A H + g

The matrix is written down cell by cell from the definition of each form, and shares no code with the solver: neither
its stencil nor its neighbours. What scipy's adaptive integrators make of it is the oracle for variable coefficients,
where no exact solution is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from solver import DiffusionAdvection, Grid, solve
from solver.records import DIRICHLET, PERIODIC
from validation.convergence import Convergence, Path
from validation.norms import relative_error
from validation.problems.base import Field

#: Of the integrators: some thousand times tighter than the smallest error of the scheme that they judge.
RELATIVE, ABSOLUTE = 1e-11, 1e-12

Three = tuple[float, float, float]
Rate = Callable[[float, Field], Field]


@dataclass(frozen=True)
class Lines:
    """dH/dt = A H + g, with H in the order of its rows: (rows columns,).

    Parameters
    ----------
    A
        Sparse matrix, (cells, cells), per unit of time.
    g
        The source, (cells,). Where a wall holds H, the row of ``A`` and ``g`` are zero.
    """

    A: Any
    g: Field

    def rate(self, t: float, H: Field) -> Field:
        """Return dH/dt, (cells,), as an integrator asks for it."""
        rate: Field = self.A @ H + self.g
        return rate


def lines(problem: DiffusionAdvection) -> Lines:
    """Return the matrix and the source of a steady problem without batch dimensions."""
    from scipy.sparse import coo_array

    grid = problem.grid
    u, v, Dx, Dy, f = (np.broadcast_to(c, grid.shape) for c in problem.fields(np.float64))
    entries: list[tuple[float, int, int]] = []
    g = np.zeros(grid.shape)
    for cell in _free_cells(grid):
        g[cell] = f[cell]
        for axis, (velocity, D) in enumerate(((u, Dx), (v, Dy))):
            (before, turned_before), (after, turned_after) = (_neighbour(grid, cell, axis, way) for way in (-1, 1))
            h = grid.spacing[axis]
            carried = _advection(
                problem.advection, (turned_before * velocity[before], velocity[cell], turned_after * velocity[after]), h
            )
            spread = _diffusion(problem.diffusion, (D[before], D[cell], D[after]), h)
            for other, a, b in zip((before, cell, after), carried, spread, strict=True):
                entries.append((a + b, _number(grid, cell), _number(grid, other)))
    values, to, of = zip(*entries, strict=True)
    cells = grid.shape[0] * grid.shape[1]
    return Lines(coo_array((values, (to, of)), shape=(cells, cells)).tocsr(), g.ravel())


def _advection(form: str, u: Three, h: float) -> Three:
    """Return what -(u H)_x takes of H before, at and after the cell, from u there."""
    by_product = u[1] / (2 * h), -(u[2] - u[0]) / (2 * h), -u[1] / (2 * h)  # -u H_x - u_x H
    by_flux = u[0] / (2 * h), 0.0, -u[2] / (2 * h)
    if form == "product":
        return by_product
    if form == "flux":
        return by_flux
    before, here, after = ((a + b) / 2 for a, b in zip(by_product, by_flux, strict=True))
    return before, here, after


def _diffusion(form: str, D: Three, h: float) -> Three:
    """Return what D H_xx, or (D H_x)_x, takes of H before, at and after the cell, from D there."""
    if form == "laplacian":
        return D[1] / h**2, -2 * D[1] / h**2, D[1] / h**2
    face_before, face_after = (D[0] + D[1]) / 2, (D[1] + D[2]) / 2
    return face_before / h**2, -(face_before + face_after) / h**2, face_after / h**2


def _free_cells(grid: Grid) -> Iterator[tuple[int, int]]:
    """Yield the cells in which no wall holds H."""
    north, south, west, east = (kind == DIRICHLET for kind in grid.sides.kinds)
    for i in range(north, grid.shape[0] - south):
        for j in range(west, grid.shape[1] - east):
            yield i, j


def _neighbour(grid: Grid, cell: tuple[int, int], axis: int, way: int) -> tuple[tuple[int, int], int]:
    """Return the cell beside one, and -1 if it is its mirror image in a wall, where the flow across it turns."""
    place = list(cell)
    place[axis] += way
    if grid.sides.kinds[2 * axis] == PERIODIC:
        place[axis] %= grid.shape[axis]
    mirrored = not 0 <= place[axis] < grid.shape[axis]
    i, j = cell if mirrored else place
    return (i, j), -1 if mirrored else 1


def _number(grid: Grid, cell: tuple[int, int]) -> int:
    return cell[0] * grid.shape[1] + cell[1]


def integrate(rate: Rate, initial: Field, t_end: float, **options: Any) -> Field:
    """Return H at ``t_end`` by scipy's solve_ivp.

    Parameters
    ----------
    rate
        dH/dt of (t, H), with H as a vector.
    initial
        H at t = 0, (rows, columns).
    options
        Of solve_ivp. By default the explicit method of order 8 of Dormand and Prince, tight.

    Raises
    ------
    RuntimeError
        If the integrator gives up.

    References
    ----------
    E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd ed., Springer 1993.
    """
    from scipy.integrate import solve_ivp

    options = {"method": "DOP853", "rtol": RELATIVE, "atol": ABSOLUTE} | options
    found = solve_ivp(rate, (0.0, t_end), initial.ravel(), t_eval=(t_end,), **options)
    if not found.success:
        raise RuntimeError(f"`rate` could not be integrated to {t_end:g}: {found.message}")
    final: Field = found.y[:, -1].reshape(initial.shape)
    return final


def integrate_implicitly(system: Lines, initial: Field, t_end: float) -> Field:
    """Return H at ``t_end`` by Radau's implicit method of order 5, which has little in common with the other one."""
    jacobian = system.A.tocsc()
    return integrate(system.rate, initial, t_end, method="Radau", jac=lambda t, H: jacobian)


def converge_to(
    expected: Field, problem: DiffusionAdvection, initial: Field, t_end: float, counts: Sequence[int]
) -> Convergence:
    """Solve on the same grid in ever more steps, as many as ``counts`` says, and compare with ``expected``."""
    rows, dx = problem.grid.shape[0], problem.grid.spacing[0]
    steps = tuple(t_end / count for count in counts)
    errors = [relative_error(solve(problem, initial, t_end, dt=dt).final, expected, problem.grid) for dt in steps]
    return Convergence(Path.TIME, "heun", (rows,) * len(steps), (dx,) * len(steps), steps, tuple(errors))


@dataclass(frozen=True)
class Swinging:
    """A problem whose velocity and source swing: those of a steady problem times cos(``turn`` t), and its lines.

    Parameters
    ----------
    steady
        The problem at t = 0.
    turn
        Angle per unit of time.
    """

    steady: DiffusionAdvection
    turn: float

    @property
    def problem(self) -> DiffusionAdvection:
        """The problem as the solver takes it, with functions of time."""
        u, v, _, _, f = self.steady.fields()
        return replace(
            self.steady,
            velocity=lambda t: (self._swing(t) * u, self._swing(t) * v),
            source=lambda t: self._swing(t) * f,
        )

    def rate(self) -> Rate:
        """Return dH/dt as a function of time and H: the matrix is linear in the velocity."""
        flowing, still = lines(self.steady), lines(replace(self.steady, velocity=(0.0, 0.0)))
        advection = flowing.A - still.A
        return lambda t, H: still.A @ H + self._swing(t) * (advection @ H + flowing.g)

    def _swing(self, t: float) -> float:
        return float(np.cos(self.turn * t))
