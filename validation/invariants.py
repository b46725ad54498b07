"""Invariants of the scheme, each as a residual that should be rounding, for every form and boundary.

Every residual is the largest absolute difference between two results that should be equal, over the largest absolute
value of them, after `STEPS` steps from random data. Velocity, diffusivity, source and the values of walls vary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from solver import DiffusionAdvection, Dirichlet, Grid, Sides, solve
from solver.neighbours import east, north, south, west
from solver.records import NO_FLUX, PERIODIC
from validation.problems.base import Field
from validation.variants import Variant

STEPS = 50

#: Time step, stable everywhere for the fields of `random_case`.
DT = 0.02

#: Bound of a residual that is rounding: some 50 steps of a few operations, each 1e-16.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Case:
    """Random data and coefficients on a grid, one array (rows, columns) each, and the forms of the equation."""

    grid: Grid
    H: Field
    u: Field
    v: Field
    Dx: Field
    Dy: Field
    f: Field
    advection: str = "skew"
    diffusion: str = "laplacian"

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation."""
        velocity, diffusivity = (self.u, self.v), (self.Dx, self.Dy)
        forms = {"advection": self.advection, "diffusion": self.diffusion}
        return DiffusionAdvection(self.grid, velocity, diffusivity, self.f, **forms)

    def after(self, start: str = "heun") -> Field:
        """Return the field after STEPS steps."""
        return np.asarray(solve(self.problem, self.H, STEPS * DT, dt=DT, start=start).final)

    def moved(self, move: Callable[[Field], Field], sides: Sides) -> Case:
        """Return the case with every array passed through ``move``, between other sides."""
        H, u, v, Dx, Dy, f = (move(a) for a in (self.H, self.u, self.v, self.Dx, self.Dy, self.f))
        grid = Grid((H.shape[0], H.shape[1]), self.grid.spacing, sides)
        return replace(self, grid=grid, H=H, u=u, v=v, Dx=Dx, Dy=Dy, f=f)


def random_case(variant: Variant, seed: int = 0, shape: tuple[int, int] = (24, 20)) -> Case:
    """Return a case with velocities in [-1, 1], diffusivities in [0.05, 0.15] and unequal spacings."""
    draw = np.random.default_rng(seed)
    H, u, v, f, ring = draw.uniform(-1, 1, (5, *shape))
    Dx, Dy = draw.uniform(0.05, 0.15, (2, *shape))
    # One ring for the four walls, so that they agree where they meet.
    walls = {"north": ring[0], "south": ring[-1], "west": ring[:, 0], "east": ring[:, -1]}
    grid = Grid(shape, (0.5, 0.7), variant.sides(walls))
    return Case(grid, H, u, v, Dx, Dy, f, variant.advection, variant.diffusion)


def residual(computed: Field, expected: Field) -> float:
    """Return the largest difference over the largest value."""
    return float(np.max(np.abs(computed - expected)) / np.max(np.abs(expected)))


def translation(case: Case) -> float:
    """Shift the data and the coefficients, or the result."""

    def shift(a: Field) -> Field:
        return np.roll(a, (5, -3), axis=(0, 1))

    return residual(case.moved(shift, case.grid.sides).after(), shift(case.after()))


def mirror(case: Case) -> float:
    """Turn x around, with u to -u and north to south, or the result."""

    def flip(a: Field) -> Field:
        return np.flip(a, axis=0)

    def turned(side: Any) -> Any:
        return Dirichlet(np.flip(side.value)) if isinstance(side, Dirichlet) else side

    s = case.grid.sides
    flipped = case.moved(flip, Sides(north=s.south, south=s.north, west=turned(s.west), east=turned(s.east)))
    return residual(replace(flipped, u=-flipped.u).after(), flip(case.after()))


def transpose(case: Case) -> float:
    """Exchange the axes, with u and v, Dx and Dy, dx and dy, rows and columns of walls; or transpose the result."""
    (dx, dy), s = case.grid.spacing, case.grid.sides
    sides = Sides(north=s.west, south=s.east, west=s.north, east=s.south)
    exchanged = replace(
        case,
        grid=Grid(case.grid.shape[::-1], (dy, dx), sides),
        H=case.H.T,
        u=case.v.T,
        v=case.u.T,
        Dx=case.Dy.T,
        Dy=case.Dx.T,
        f=case.f.T,
    )
    return residual(exchanged.after(), case.after().T)


def linearity(case: Case) -> float:
    """Combine two (H, f, walls), or their results."""
    other = random_case(Variant(case.advection, case.diffusion, PERIODIC), seed=1, shape=case.grid.shape)

    def scaled(side: Any, factor: float) -> Any:
        return Dirichlet(factor * side.value) if isinstance(side, Dirichlet) else side

    def between(factor: float) -> Grid:
        sides = Sides(**{name: scaled(side, factor) for name, side in case.grid.sides.items()})
        return Grid(case.grid.shape, case.grid.spacing, sides)

    second = replace(case, grid=between(0.5), H=other.H, f=other.f)
    combined = replace(case, grid=between(2 - 3 * 0.5), H=2 * case.H - 3 * other.H, f=2 * case.f - 3 * other.f)
    return residual(combined.after(), 2 * case.after() - 3 * second.after())


def constant_state(case: Case) -> float:
    """Step a constant, with a discretely solenoidal velocity, no source, and walls that hold the constant.

    u = psi_y, v = -psi_x by central differences of a stream function, odd beyond a no-flux wall: the discrete
    divergence is 0.
    """
    (dx, dy), psi, kinds = case.grid.spacing, 0.3 * case.u, case.grid.sides.kinds
    u = (east(psi, kinds, -1) - west(psi, kinds, -1)) / (2 * dy)
    v = -(south(psi, kinds, -1) - north(psi, kinds, -1)) / (2 * dx)
    flat = np.full_like(case.H, 3.0)
    sides = Sides(**{n: Dirichlet(3.0) if isinstance(s, Dirichlet) else s for n, s in case.grid.sides.items()})
    still = replace(case, grid=Grid(case.grid.shape, case.grid.spacing, sides), H=flat, u=u, v=v, f=0 * case.f)
    return residual(still.after(), flat)


def mirrored_plane(case: Case) -> float:
    """Compare the plane between no-flux walls with a quarter of the periodic plane that mirrors it both ways."""

    def double(a: Field, along_x: int, along_y: int) -> Field:
        wide = np.concatenate([a, along_y * a[:, ::-1]], axis=1)
        return np.concatenate([wide, along_x * wide[::-1]], axis=0)

    rows, columns = case.grid.shape
    evenly = case.moved(lambda a: double(a, 1, 1), Sides())
    doubled = replace(evenly, u=double(case.u, -1, 1), v=double(case.v, 1, -1))
    return residual(case.after(), doubled.after()[:rows, :columns])


def conservation(case: Case) -> float:
    """Return the change of the sum, over the sum of |H|, with constant diffusivity and no source.

    The two levels must start with equal sums, which a copy does exactly.
    """
    constant = replace(case, Dx=np.full_like(case.H, 0.08), Dy=np.full_like(case.H, 0.11), f=0 * case.f)
    return float(abs(constant.after(start="copy").sum() - case.H.sum()) / np.abs(case.H).sum())


def two_level_conservation(case: Case) -> float:
    """Return the largest change of sum (1 + b) H[k] + (1 - b) H[k-1] over the run, with the diffusivity of the case."""
    budget = budget_of(replace(case, f=0 * case.f))
    return float(np.max(np.abs(budget.two_level - budget.two_level[0])))


@dataclass(frozen=True)
class Budget:
    """What a run from a copy keeps, step by step, over the sum of |H[0]|.

    Attributes
    ----------
    plain
        Sum of H[k], (STEPS + 1,).
    two_level
        Half the sum of (1 + b) H[k] + (1 - b) H[k-1], (STEPS + 1,).
    """

    plain: Field
    two_level: Field


def budget_of(case: Case) -> Budget:
    """Run a case and add up."""
    steps = np.arange(STEPS + 1)
    H = solve(case.problem, case.H, STEPS * DT, dt=DT, start="copy", save_at=steps * DT).fields
    old = np.concatenate([H[:1], H[:-1]])
    b = diffusion_sum(case)
    scale = np.abs(H[0]).sum()
    plain, two_level = H.sum(axis=(1, 2)), ((1 + b) * H + (1 - b) * old).sum(axis=(1, 2)) / 2
    return Budget(plain / scale, two_level / scale)


def diffusion_sum(case: Case) -> Field:
    """Return b of every cell: half the sum of its four face numbers 2 D dt / dx^2, in the flux form."""
    kinds, (dx, dy) = case.grid.sides.kinds, case.grid.spacing
    along_x = case.Dx + (north(case.Dx, kinds) + south(case.Dx, kinds)) / 2
    along_y = case.Dy + (west(case.Dy, kinds) + east(case.Dy, kinds)) / 2
    b: Field = DT * (along_x / dx**2 + along_y / dy**2)
    return b


@dataclass(frozen=True)
class Invariant:
    """A statement about the scheme, the residual that tells whether it is so, and for which variants it is claimed."""

    name: str
    statement: str
    residual: Callable[[Case], float]
    claimed: Callable[[Variant], bool]


def _everywhere(variant: Variant) -> bool:
    return True


def _closed(variant: Variant) -> bool:
    return variant.boundary in (PERIODIC, NO_FLUX)


INVARIANTS = (
    Invariant(
        "translation",
        "shifted data and coefficients give the shifted result",
        translation,
        lambda variant: variant.boundary == PERIODIC,
    ),
    Invariant("mirror", "x turned around, with u to -u, turns the result around", mirror, _everywhere),
    Invariant("transpose", "axes exchanged, with u and v, Dx and Dy, transpose the result", transpose, _everywhere),
    Invariant("linearity", "a combination of two (H, f, walls) gives that of their results", linearity, _everywhere),
    Invariant("constant state", "a solenoidal velocity leaves a constant as it is", constant_state, _everywhere),
    Invariant(
        "mirrored plane",
        "between no-flux walls: the periodic plane that mirrors it",
        mirrored_plane,
        lambda variant: variant.boundary == NO_FLUX,
    ),
    Invariant("conservation", "constant D: the sum is kept, whatever the velocity", conservation, _closed),
    Invariant(
        "two-level conservation",
        "variable D, flux form: sum (1 + b) H[k] + (1 - b) H[k-1] is kept",
        two_level_conservation,
        lambda variant: _closed(variant) and variant.diffusion == "flux",
    ),
)
