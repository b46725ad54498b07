"""Problems with exact solutions, one a file; tests, studies and figures all use these."""

from validation.problems.base import AnalyticProblem
from validation.problems.fourier import FourierMode
from validation.problems.gaussian import Gaussian
from validation.problems.manufactured import Manufactured
from validation.problems.telegraph import TelegraphMode

__all__ = ["AnalyticProblem", "FourierMode", "Gaussian", "Manufactured", "TelegraphMode"]
