"""The time filter that damps the computational mode of a three-level scheme."""

from __future__ import annotations

import math
from dataclasses import dataclass

from solver import checks
from solver.records import Filter


@dataclass(frozen=True)
class RAW:
    """The Robert-Asselin-Williams filter.

        d = nu/2 (H[k-1] - 2 H[k] + H[k+1]),    H[k] += alpha d,    H[k+1] -= (1 - alpha) d

    after every step but the first. It damps the mode that changes sign from step to step. It changes the rest at order
    1 in dt, in proportion to nu (alpha - 1/2): at order 2 for `alpha` = 1/2, which lets the physical mode grow very
    slowly, and most for `alpha` = 1, Robert's and Asselin's own filter.

    A filtered run has narrower limits of stability. By Schur-Cohn on the filtered step of a Fourier mode they are
    |A_x| + |A_y| <= `courant_limit` without diffusion and B_x + B_y <= `diffusion_limit` without advection; a stability
    number below the first together with the second has sufficed wherever it was tried (`python -m validation --only
    filtered`).

    Parameters
    ----------
    nu : float
        Strength, 0 < nu <= 1. Default 0.2.
    alpha : float
        How much of the displacement the middle level takes, 1/2 <= alpha <= 1. Default 0.53.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range, or not one.

    References
    ----------
    P. D. Williams, "A proposed modification to the Robert-Asselin time filter", Mon. Weather Rev. 137 (2009)
    2538-2546, doi:10.1175/2009MWR2724.1.
    """

    nu: float = 0.2
    alpha: float = 0.53

    def __post_init__(self) -> None:
        object.__setattr__(self, "nu", checks.real("nu", self.nu))
        object.__setattr__(self, "alpha", checks.real("alpha", self.alpha))
        if self.nu > 1:
            raise ValueError(f"`nu` is {self.nu!r}: it takes a strength 0 < nu <= 1, such as 0.2.")
        if not 0.5 <= self.alpha <= 1:
            raise ValueError(f"`alpha` is {self.alpha!r}: it takes a share from 1/2 to 1, such as 0.53.")

    @property
    def courant_limit(self) -> float:
        """Largest |A_x| + |A_y| without diffusion: 0.44 by default, 0 for alpha = 1/2.

        Its square is (2 alpha - 1)(1 - nu/2) / (alpha^2 (1 - nu/2 + alpha nu)).
        """
        rest = 1 - self.nu / 2
        return math.sqrt((2 * self.alpha - 1) * rest / (self.alpha**2 * (rest + self.alpha * self.nu)))

    @property
    def diffusion_limit(self) -> float:
        """Largest B_x + B_y without advection, 1 / (2 (2 alpha - 1)): 8.3 by default, inf for alpha = 1/2."""
        return 1 / (2 * (2 * self.alpha - 1)) if self.alpha > 0.5 else math.inf

    def after(self, steps: int) -> Filter:
        """Return the filter of a call in which `steps` leading steps are left as they are."""
        return Filter(self.nu, self.alpha, steps)


def check_filter(value: object) -> RAW | None:
    """Return `value` if it is a filter or None, else raise."""
    if value is not None and not isinstance(value, RAW):
        raise TypeError(f"`filter` is a {type(value).__name__}: it takes solver.RAW(nu, alpha), or None for no filter.")
    return value
