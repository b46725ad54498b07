"""Problems with exact solutions, one a file; tests, studies and figures all use these."""

from validation.problems.base import AnalyticProblem
from validation.problems.cosine import CosineMode, HeatKernel
from validation.problems.fourier import FourierMode
from validation.problems.gaussian import Gaussian
from validation.problems.layer import BoundaryLayer, CornerLayer
from validation.problems.long_run import LongRun
from validation.problems.manufactured import BOUNDARIES, FORMS, Manufactured
from validation.problems.mode import Mode
from validation.problems.rotation import RotatingCone, RotatingGaussian, SolidRotation
from validation.problems.swirl import Swirl
from validation.problems.telegraph import TelegraphMode

__all__ = [
    "BOUNDARIES",
    "FORMS",
    "AnalyticProblem",
    "BoundaryLayer",
    "CornerLayer",
    "CosineMode",
    "FourierMode",
    "Gaussian",
    "HeatKernel",
    "LongRun",
    "Manufactured",
    "Mode",
    "RotatingCone",
    "RotatingGaussian",
    "SolidRotation",
    "Swirl",
    "TelegraphMode",
]
