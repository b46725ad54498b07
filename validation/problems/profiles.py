"""What a manufactured solution and its coefficients may look like along an axis, by what its two ends are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.records import DIRICHLET, NO_FLUX, PERIODIC
from validation.problems.trigonometric import Trig, constant, cosine, sine


@dataclass(frozen=True)
class Profiles:
    """Five functions of one coordinate, each of a kind that the ends of its axis allow.

    Parameters
    ----------
    steady
        For the steady part of H: even about a no-flux wall; anything on a Dirichlet wall, where it is the value.
    moving
        For the part of H that changes in time: even about a no-flux wall, zero on a Dirichlet wall.
    across
        For the velocity along this axis: odd about a no-flux wall; a Dirichlet wall lets it through.
    along
        For the velocity along the other axis, and all else: even about a no-flux wall, positive.
    diffusivity
        For the diffusivity along this axis: likewise.
    """

    steady: Trig
    moving: Trig
    across: Trig
    along: Trig
    diffusivity: Trig

    def mirrored(self, length: float) -> Profiles:
        """Return the profiles for the axis of ``length`` whose two ends are exchanged."""
        parts = (self.steady, self.moving, self.across, self.along, self.diffusivity)
        return Profiles(*(part.mirrored(length) for part in parts))


def profiles_for(ends: tuple[str, str], length: float) -> Profiles:
    """Return the profiles for an axis that begins and ends as ``ends`` say, at 0 and at ``length``.

    No amplitude, phase or wavenumber means anything; none repeats, so that no exchange of terms goes unnoticed.
    """
    match ends:
        case (first, second) if first == second == PERIODIC:
            return _periodic(2 * np.pi / length)
        case (first, second) if first == second == NO_FLUX:
            return _between_no_flux_walls(np.pi / length)
        case (first, second) if first == second == DIRICHLET:
            return _between_dirichlet_walls(np.pi / length)
        case (first, _) if first == DIRICHLET:
            return _from_dirichlet_to_no_flux(np.pi / (2 * length), length)
        case _:
            return _from_dirichlet_to_no_flux(np.pi / (2 * length), length).mirrored(length)


def _periodic(k: float) -> Profiles:
    return Profiles(
        steady=constant(0.3) + cosine(1.0, k, 0.3),
        moving=constant(1.0) + cosine(0.6, k, -0.8),
        across=constant(0.5) + cosine(0.3, k, 1.1),
        along=constant(1.0) + cosine(0.35, k, 2.0),
        diffusivity=constant(1.0) + cosine(0.4, k, 0.5),
    )


def _between_no_flux_walls(k: float) -> Profiles:
    return Profiles(
        steady=constant(0.3) + cosine(1.0, k) + cosine(0.3, 2 * k),
        moving=constant(1.0) + cosine(0.6, k) + cosine(-0.3, 2 * k),
        across=sine(0.6, k) + sine(0.25, 2 * k),
        along=constant(1.0) + cosine(-0.35, k),
        diffusivity=constant(1.0) + cosine(0.4, k),
    )


def _between_dirichlet_walls(k: float) -> Profiles:
    return Profiles(
        steady=constant(0.3) + cosine(1.0, 1.3 * k, 0.4),
        moving=sine(1.0, k) + sine(0.4, 2 * k),
        across=constant(0.5) + cosine(0.3, 0.7 * k, 0.3),
        along=constant(1.0) + cosine(-0.35, 1.2 * k, 0.9),
        diffusivity=constant(1.0) + cosine(0.4, 1.1 * k, 0.5),
    )


def _from_dirichlet_to_no_flux(k: float, length: float) -> Profiles:
    def turned(q: float) -> float:
        """Phase that makes a cosine of wavenumber ``q`` even, a sine odd, about the far wall."""
        return -q * length

    return Profiles(
        steady=constant(0.3) + cosine(1.0, 2.6 * k, turned(2.6 * k)),
        moving=sine(1.0, k) + sine(0.4, 3 * k),
        across=sine(-0.7, 1.4 * k, turned(1.4 * k)),
        along=constant(1.0) + cosine(-0.35, 1.8 * k, turned(1.8 * k)),
        diffusivity=constant(1.0) + cosine(0.4, 2.2 * k, turned(2.2 * k)),
    )
