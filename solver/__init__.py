"""Solve the 2-D diffusion-advection equation by the leapfrog / DuFort-Frankel scheme.

    H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f

x is the row axis of an array, y the column axis. `import solver` needs NumPy and Numba only.
"""

from solver import backends, stability
from solver.amplification import Amplification, amplification
from solver.certificate import proven_number
from solver.filters import RAW
from solver.grid import Grid
from solver.problem import DiffusionAdvection
from solver.sides import Dirichlet, Sides
from solver.solution import Failure, Solution, Status
from solver.solve import solve
from solver.spectrum import spectral_radius
from solver.stability import ConsistencyWarning, StabilityError, StabilityWarning

__all__ = [
    "RAW",
    "Amplification",
    "ConsistencyWarning",
    "DiffusionAdvection",
    "Dirichlet",
    "Failure",
    "Grid",
    "Sides",
    "Solution",
    "StabilityError",
    "StabilityWarning",
    "Status",
    "amplification",
    "backends",
    "proven_number",
    "solve",
    "spectral_radius",
    "stability",
]

__version__ = "0.1.0"
