"""Study: the scheme keeps what the equation keeps."""

from __future__ import annotations

import numpy as np

from validation.invariants import (
    INVARIANTS,
    ROUNDING,
    STEPS,
    conservation_with_variable_diffusivity,
    random_case,
)
from validation.study import Claim, Study, StudyResult, Table

QUESTION = f"""On the periodic plane the scheme is linear, knows no preferred place, direction or axis, keeps
the sum of H for any velocity where the diffusivity is constant, and keeps a constant where the velocity is
free of divergence. Each residual below is a relative difference after {STEPS} steps from random data and
should be rounding. The last one should not: where the diffusivity varies, D H<sub>xx</sub>, the published
form, does not conserve."""


def run() -> StudyResult:
    """Measure and judge."""
    case = random_case()
    residuals = [invariant.residual(case) for invariant in INVARIANTS]
    counterexample = conservation_with_variable_diffusivity(case)
    rows = [(i.name, i.statement, value) for i, value in zip(INVARIANTS, residuals, strict=True)]
    rows.append(("not conserved", "variable D: the sum changes", counterexample))
    worst = INVARIANTS[int(np.argmax(residuals))].name
    return StudyResult(
        claims=[
            Claim(
                f"every invariant holds to {ROUNDING:g}",
                max(residuals) < ROUNDING,
                f"{max(residuals):.2g} ({worst})",
            ),
            Claim(
                "with variable diffusivity the sum changes by more than 0.1 %",
                counterexample > 1e-3,
                f"{100 * counterexample:.2g} %",
            ),
        ],
        tables=[Table("invariants", ("invariant", "what is claimed", "residual"), rows)],
    )


STUDY = Study("invariants", "Conservation and symmetry", QUESTION, run)
