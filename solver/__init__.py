"""Solve the 2-D diffusion-advection equation by the leapfrog / DuFort-Frankel scheme.

    H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f

x is the row axis of an array, y the column axis. `import solver` needs NumPy and Numba only.
"""

from solver import backends, stability
from solver.grid import Grid
from solver.problem import DiffusionAdvection
from solver.solution import Failure, Solution, Status
from solver.solve import solve
from solver.stability import StabilityError, StabilityWarning

__all__ = [
    "DiffusionAdvection",
    "Failure",
    "Grid",
    "Solution",
    "StabilityError",
    "StabilityWarning",
    "Status",
    "backends",
    "solve",
    "stability",
]

__version__ = "0.1.0"
