"""A manufactured solution that changes in time although every coefficient, and the source, is steady."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection
from validation.problems.base import AnalyticProblem, Field

A, B = 0.45, 0.35  # amplitudes of phi along x and y: A + B < 1 keeps it positive
P, Q = 0.6, 0.5  # how much Dx varies along x, and Dy along y
CROSS = 0.3  # how much each of them varies along the other axis


@dataclass(frozen=True, kw_only=True)
class Manufactured(AnalyticProblem):
    """Manufactured solution with variable u, v, Dx, Dy and source.

        H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f
        H(x, y, t) = S(x, y) + exp(-rate t) phi(x, y)

    A source that is constant in time can carry the steady part S alone, f = div(uS, vS) - Dx S_xx - Dy
    S_yy, so the decaying part must solve the equation without a source. Usually one chooses the
    coefficients and adjusts the source; here phi, Dx and Dy are chosen and the velocity is adjusted:

        div(u phi, v phi) = rate phi + Dx phi_xx + Dy phi_yy

    is solved for the flux (F, G) = (u phi, v phi) term by term, then divided by phi > 0. A periodic flux
    exists if the right-hand side has zero mean, which sets the rate. With X = 2 pi x / Lx, Y = 2 pi y /
    Ly:

        phi = 1 + A cos X + B cos Y                   S  = cos(X - Y) + sin(X + 2 Y) / 2
        Dx  = D (1 + P cos X + CROSS sin Y)           Dy = 0.7 D (1 + Q cos Y + CROSS sin X)
        rate = (A P D kx^2 + B Q 0.7 D ky^2) / 2      kx = 2 pi / Lx, ky = 2 pi / Ly

    and to the flux is added (0.5, -0.3) + curl of 0.06 sin X sin Y, which is free of divergence.

    Parameters
    ----------
    scale
        D, the size of the diffusivities, positive.

    References
    ----------
    P. J. Roache, Code verification by the method of manufactured solutions, J. Fluids Eng. 124 (2002) 4,
    doi:10.1115/1.1436090.
    """

    name: ClassVar[str] = "manufactured"

    lengths: tuple[float, float] = (1.0, 1.25)
    scale: float = 0.03

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid, with its adjusted velocity and source."""
        (kx, ky), (X, Y) = self._wavenumbers, self._angles
        Dx, Dy = self._diffusivity
        phi, S = self._decaying, self._steady
        (F, G), divergence = self._flux, self._divergence
        phi_x, phi_y = -A * kx * np.sin(X), -B * ky * np.sin(Y)
        S_x = kx * (-np.sin(X - Y) + 0.5 * np.cos(X + 2 * Y))
        S_y = ky * (np.sin(X - Y) + np.cos(X + 2 * Y))
        S_xx = -(kx**2) * S
        S_yy = -(ky**2) * (np.cos(X - Y) + 2 * np.sin(X + 2 * Y))
        # div(uS, vS) = div((F, G) S / phi), by the product rule
        ratio = S / phi
        advection = divergence * ratio + (F * (S_x - ratio * phi_x) + G * (S_y - ratio * phi_y)) / phi
        return DiffusionAdvection(
            self.grid,
            velocity=(F / phi, G / phi),
            diffusivity=(Dx, Dy),
            source=advection - Dx * S_xx - Dy * S_yy,
        )

    @property
    def rate(self) -> float:
        """Decay per unit of time of the part that is not steady."""
        kx, ky = self._wavenumbers
        return self.scale * (A * P * kx**2 + 0.7 * B * Q * ky**2) / 2

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``."""
        solution: Field = self._steady + np.exp(-self.rate * t) * self._decaying
        return solution

    @property
    def _wavenumbers(self) -> tuple[float, float]:
        Lx, Ly = self.lengths
        return 2 * np.pi / Lx, 2 * np.pi / Ly

    @property
    def _angles(self) -> tuple[Field, Field]:
        (x, y), (kx, ky) = self.grid.mesh(), self._wavenumbers
        return kx * x, ky * y

    @property
    def _decaying(self) -> Field:
        X, Y = self._angles
        return 1 + A * np.cos(X) + B * np.cos(Y)

    @property
    def _steady(self) -> Field:
        X, Y = self._angles
        return np.cos(X - Y) + 0.5 * np.sin(X + 2 * Y)

    @property
    def _diffusivity(self) -> tuple[Field, Field]:
        X, Y = self._angles
        Dx = self.scale * (1 + P * np.cos(X) + CROSS * np.sin(Y))
        Dy = 0.7 * self.scale * (1 + Q * np.cos(Y) + CROSS * np.sin(X))
        return Dx, Dy

    @property
    def _divergence(self) -> Field:
        """Divergence of the flux: rate phi + Dx phi_xx + Dy phi_yy."""
        (kx, ky), (X, Y), (Dx, Dy) = self._wavenumbers, self._angles, self._diffusivity
        return self.rate * self._decaying - Dx * A * kx**2 * np.cos(X) - Dy * B * ky**2 * np.cos(Y)

    @property
    def _flux(self) -> tuple[Field, Field]:
        """F and G: each term of their divergence integrated along x or y, with cos^2 X = (1 + cos 2X) / 2."""
        (kx, ky), (X, Y) = self._wavenumbers, self._angles
        D, E = self.scale, 0.7 * self.scale
        cross = CROSS * np.sin(X) * np.sin(Y)
        F = A * ((self.rate / kx - kx * D) * np.sin(X) - kx * D * (P / 4 * np.sin(2 * X) + cross))
        G = B * ((self.rate / ky - ky * E) * np.sin(Y) - ky * E * (Q / 4 * np.sin(2 * Y) + cross))
        F += 0.5 + 0.06 * ky * np.sin(X) * np.cos(Y)
        G += -0.3 - 0.06 * kx * np.cos(X) * np.sin(Y)
        return F, G
