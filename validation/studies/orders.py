"""Study: along dt ~ dx^2 the scheme converges at order 2."""

from __future__ import annotations

from solver.plotting import house_style
from validation.convergence import Convergence, Path, Refinement, converge
from validation.presenting import convergence_table, draw_convergence, order_claim
from validation.problems import FourierMode, Gaussian, Manufactured
from validation.study import Picture, Study, StudyResult

QUESTION = """With dt halved twice where dx is halved once (dt ~ dx²), the consistency time
τ = dt² (Dx/dx² + Dy/dy²) vanishes like dx², and the error against the exact solution should fall at order
2. Asked of three exact solutions: a travelling, decaying Fourier mode; a drifting, spreading Gaussian;
and a manufactured solution in which u, v, Dx, Dy and the source all vary over the plane. In none of them
are the two axes alike."""


def measure() -> dict[str, Convergence]:
    """Refine each problem along dt ~ dx^2."""
    cases = (
        (FourierMode(rows=24, columns=20), Refinement(Path.DIFFUSIVE, dt=0.01, t_end=0.3)),
        (Gaussian(rows=32, columns=28), Refinement(Path.DIFFUSIVE, dt=0.01, t_end=0.2)),
        (Manufactured(rows=16, columns=24), Refinement(Path.DIFFUSIVE, dt=0.01, t_end=0.3)),
    )
    return {analytic.name: converge(analytic, refinement) for analytic, refinement in cases}


def run() -> StudyResult:
    """Measure, judge and draw."""
    import matplotlib.pyplot as plt

    runs = measure()
    with house_style():
        figure, axes = plt.subplots(figsize=(6.4, 4.2))
        draw_convergence(axes, runs)
        axes.set(xlabel="dx", title="Error against the exact solution, dt ~ dx²")
    return StudyResult(
        claims=[order_claim(name, convergence, 2) for name, convergence in runs.items()],
        tables=[convergence_table("orders", runs)],
        pictures=[Picture("orders", figure, "Three error curves, each parallel to a line of slope 2.")],
    )


STUDY = Study("orders", "Order of convergence", QUESTION, run)
