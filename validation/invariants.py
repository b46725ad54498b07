"""Invariants of the scheme on the periodic plane, each as a residual that should be rounding.

Every residual is the largest absolute difference between two results that should be equal, over the largest
absolute value of them, after `STEPS` steps from random data. Velocity, diffusivity and source vary over
the plane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solver import DiffusionAdvection, Grid, solve
from validation.problems.base import Field

STEPS = 50

#: Time step, stable everywhere for the fields of `random_case`.
DT = 0.02

#: Bound of a residual that is rounding: some 50 steps of a few operations, each 1e-16.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Case:
    """Random data and coefficients on a grid, one array (rows, columns) each."""

    grid: Grid
    H: Field
    u: Field
    v: Field
    Dx: Field
    Dy: Field
    f: Field

    def after(self, start: str = "heun") -> Field:
        """Return the field after STEPS steps."""
        problem = DiffusionAdvection(self.grid, (self.u, self.v), (self.Dx, self.Dy), self.f)
        return np.asarray(solve(problem, self.H, STEPS * DT, dt=DT, start=start).final)

    def moved(self, move: Callable[[Field], Field]) -> Case:
        """Return the case with every array passed through ``move``."""
        return Case(self.grid, *(move(a) for a in (self.H, self.u, self.v, self.Dx, self.Dy, self.f)))


def random_case(seed: int = 0, shape: tuple[int, int] = (24, 20)) -> Case:
    """Return a case with velocities in [-1, 1], diffusivities in [0.05, 0.15] and unequal spacings."""
    draw = np.random.default_rng(seed)
    H, u, v, f = draw.uniform(-1, 1, (4, *shape))
    Dx, Dy = draw.uniform(0.05, 0.15, (2, *shape))
    return Case(Grid(shape, (0.5, 0.7)), H, u, v, Dx, Dy, f)


def residual(computed: Field, expected: Field) -> float:
    """Return the largest difference over the largest value."""
    return float(np.max(np.abs(computed - expected)) / np.max(np.abs(expected)))


def translation(case: Case) -> float:
    """Shift the data and the coefficients, or the result."""

    def shift(a: Field) -> Field:
        return np.roll(a, (5, -3), axis=(0, 1))

    return residual(case.moved(shift).after(), shift(case.after()))


def mirror(case: Case) -> float:
    """Turn x around, with u to -u, or the result."""

    def flip(a: Field) -> Field:
        return np.flip(a, axis=0)

    flipped = case.moved(flip)
    return residual(replace(flipped, u=-flipped.u).after(), flip(case.after()))


def transpose(case: Case) -> float:
    """Exchange the axes, with u and v, Dx and Dy, dx and dy, or transpose the result."""
    dx, dy = case.grid.spacing
    exchanged = Case(
        Grid(case.grid.shape[::-1], (dy, dx)), case.H.T, case.v.T, case.u.T, case.Dy.T, case.Dx.T, case.f.T
    )
    return residual(exchanged.after(), case.after().T)


def linearity(case: Case) -> float:
    """Combine two (H, f), or their results."""
    other = random_case(seed=1, shape=case.grid.shape)
    second = replace(case, H=other.H, f=other.f)
    combined = replace(case, H=2 * case.H - 3 * other.H, f=2 * case.f - 3 * other.f)
    return residual(combined.after(), 2 * case.after() - 3 * second.after())


def conservation(case: Case) -> float:
    """Return the change of the sum, over the sum of |H|, with constant diffusivity and no source.

    The two levels must start with equal sums, which a copy does exactly.
    """
    return _change_of_sum(replace(case, Dx=np.full_like(case.H, 0.08), Dy=np.full_like(case.H, 0.11)))


def conservation_with_variable_diffusivity(case: Case) -> float:
    """Return the same with the diffusivity of the case: the counterexample, which is not rounding."""
    return _change_of_sum(case)


def _change_of_sum(case: Case) -> float:
    after = replace(case, f=np.zeros_like(case.H)).after(start="copy")
    return float(abs(after.sum() - case.H.sum()) / np.abs(case.H).sum())


def constant_state(case: Case) -> float:
    """Step a constant, with a discretely solenoidal velocity and no source.

    u = psi_y, v = -psi_x by central differences of a stream function: the discrete divergence is 0.
    """
    (dx, dy), psi = case.grid.spacing, 0.3 * case.u
    u = (np.roll(psi, -1, 1) - np.roll(psi, 1, 1)) / (2 * dy)
    v = -(np.roll(psi, -1, 0) - np.roll(psi, 1, 0)) / (2 * dx)
    flat = replace(case, H=np.full_like(case.H, 3.0), u=u, v=v, f=np.zeros_like(case.f))
    return residual(flat.after(), flat.H)


@dataclass(frozen=True)
class Invariant:
    """A statement about the scheme, and the residual that tells whether it is so."""

    name: str
    statement: str
    residual: Callable[[Case], float]


INVARIANTS = (
    Invariant("translation", "shifted data and coefficients give the shifted result", translation),
    Invariant("mirror", "x turned around, with u to -u, turns the result around", mirror),
    Invariant("transpose", "axes exchanged, with u and v, Dx and Dy, transpose the result", transpose),
    Invariant("linearity", "a combination of two (H, f) gives that of their results", linearity),
    Invariant("conservation", "constant D: the sum is kept, whatever the velocity", conservation),
    Invariant("constant state", "a solenoidal velocity leaves a constant as it is", constant_state),
)
