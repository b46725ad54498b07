"""The computational mode: how much of it there is, and how fast it goes.

With constant coefficients each Fourier mode of the grid is a sum of two geometric sequences,

    h[k] = p g1^k + c g2^k,

g1 the physical root and g2 the computational one, near -1. Two successive levels tell the two apart. A RAW filter moves
both roots: they are then the eigenvalues of the 2 x 2 matrix that a filtered step is for the mode.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver import RAW, StabilityWarning, solve
from solver.amplification import roots
from solver.stability import mesh_numbers
from validation.filtered import filtered_step
from validation.norms import relative_error
from validation.problems import FourierMode
from validation.problems.base import Field

Complex = NDArray[np.complex128]


def grid_roots(mode: FourierMode, dt: float) -> Complex:
    """Return both roots of every Fourier mode of the grid, (2, rows, columns), in the order of numpy.fft."""
    m = mesh_numbers(mode.problem, dt)
    a, b = (2 * np.pi * np.fft.fftfreq(n) for n in mode.grid.shape)
    return roots(m.A_x, m.A_y, m.B_x, m.B_y, a[:, None], b[None, :])


def filtered_roots(mode: FourierMode, dt: float, raw: RAW) -> Complex:
    """Return both roots of a filtered step, physical first, for the wave of ``mode``, (2,)."""
    at = tuple(np.array(mode.waves))
    g1, g2 = grid_roots(mode, dt)[(slice(None), *at)]
    eigenvalues = np.linalg.eigvals(filtered_step(g1, g2, raw))
    return np.array(sorted(eigenvalues, key=lambda g: abs(g - g1)))


def computational_part(now: Field, old: Field, g: Complex) -> Field:
    """Return the part of H[k] that alternates, from H[k], H[k-1] and the roots of every mode, (2, rows, columns)."""
    g1, g2 = g
    h, before = np.fft.fft2(now), np.fft.fft2(old)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (h - g1 * before) / (1 - g1 / g2)
    part[~np.isfinite(part)] = 0  # a double root has no two parts; a root 0 has died at once
    return np.fft.ifft2(part).real


@dataclass(frozen=True)
class Excitation:
    """Size of the computational mode along a run.

    Attributes
    ----------
    steps : (n,)
        Step numbers.
    size : (n,)
        Root mean square of the alternating part of H over that of H at the start.
    """

    steps: tuple[int, ...]
    size: tuple[float, ...]


def excitation(
    mode: FourierMode, initial: Field, dt: float, steps: Sequence[int], start: str, raw: RAW | None = None
) -> Excitation:
    """Run from ``initial`` and measure the computational mode after each of ``steps``."""
    g = grid_roots(mode, dt)
    saved = sorted({k for step in steps for k in (step - 1, step)})
    solution = solve(
        mode.problem, initial, saved[-1] * dt, dt=dt, start=start, filter=raw, save_at=np.array(saved) * dt
    )
    level = dict(zip(saved, solution.fields, strict=True))
    scale = np.sqrt(np.mean(initial**2))
    parts = (computational_part(level[k], level[k - 1], g) for k in steps)
    return Excitation(tuple(steps), tuple(float(np.sqrt(np.mean(part**2)) / scale) for part in parts))


def filter_errors(mode: FourierMode, t_end: float, counts: Sequence[int], raw: RAW) -> list[float]:
    """Return what the filter changes at ``t_end``, relative to the unfiltered run of as many steps.

    With alpha = 1/2 the solver warns, rightly: a wave grows by 2e-10 a step here, which these runs do not see.
    """
    errors = []
    for count in counts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StabilityWarning)
            plain, filtered = (
                solve(mode.problem, mode.exact(0.0), t_end, dt=t_end / count, filter=f).final for f in (None, raw)
            )
        errors.append(relative_error(np.asarray(filtered), np.asarray(plain), mode.grid))
    return errors
