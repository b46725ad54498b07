"""Study: along dt ~ dx the scheme solves the telegraph equation."""

from __future__ import annotations

from solver.plotting import house_style
from validation.convergence import (
    Convergence,
    Path,
    Refinement,
    against_equation,
    against_telegraph,
    converge,
    relative_error,
    telegraph_of,
)
from validation.presenting import convergence_table, draw_convergence, order_claim
from validation.problems import FourierMode
from validation.study import Claim, Picture, Study, StudyResult

QUESTION = """DuFort-Frankel is conditionally consistent: the scheme really solves the telegraph equation
τ H<sub>tt</sub> + H<sub>t</sub> + (uH)<sub>x</sub> + (vH)<sub>y</sub> = Dx H<sub>xx</sub> + Dy
H<sub>yy</sub> with τ = dt² (Dx/dx² + Dy/dy²). If dt and dx shrink together, τ stays as it is: the error
against the diffusion-advection equation should stall, at the distance between the two exact solutions,
while the error against the telegraph equation falls at order 2. Choose dt so that τ is small, not merely
so that the run is stable."""

MODE = FourierMode(rows=16, columns=20, velocity=(0.4, -0.25), diffusivity=(0.05, 0.03), waves=(1, 2))
REFINEMENT = Refinement(Path.HYPERBOLIC, dt=0.015, t_end=0.3, factors=(1, 2, 4, 8, 16))


def measure() -> dict[str, Convergence]:
    """Refine dt and dx together and take the error against both equations."""
    return {
        "against diffusion-advection": converge(MODE, REFINEMENT, reference=against_equation),
        "against telegraph": converge(MODE, REFINEMENT, reference=against_telegraph),
    }


def stall_level() -> float:
    """Return the relative distance between the exact solutions of the two equations, on the finest grid."""
    mode, dt = REFINEMENT.level(MODE, REFINEMENT.factors[-1])
    t = REFINEMENT.t_end
    return relative_error(telegraph_of(mode, dt, "heun").exact(t), mode.exact(t))


def run() -> StudyResult:
    """Measure, judge and draw."""
    import matplotlib.pyplot as plt

    runs, level = measure(), stall_level()
    stalled, falling = runs.values()
    final = stalled.errors[-1]
    with house_style():
        figure, axes = plt.subplots(figsize=(6.4, 4.2))
        draw_convergence(axes, runs)
        axes.axhline(level, color="#777777", linestyle=":", linewidth=1.2)
        axes.annotate(
            "distance between the two equations",
            (falling.dx[-1], level),
            xytext=(0, 6),
            textcoords="offset points",
            color="#555555",
        )
        axes.set(xlabel="dx", title="dt ~ dx: the scheme converges to the telegraph equation")
    return StudyResult(
        claims=[
            order_claim("dt ~ dx, against the telegraph equation", falling, 2),
            Claim(
                "dt ~ dx, against the diffusion-advection equation: the last halving gains less than 10 %",
                abs(final / stalled.errors[-2] - 1) < 0.1,
                f"{stalled.errors[-2]:.4g} → {final:.4g}",
            ),
            Claim(
                "it stalls at the distance between the two exact solutions, within 5 %",
                abs(final / level - 1) < 0.05,
                f"{final:.4g} against {level:.4g}",
            ),
        ],
        tables=[convergence_table("consistency", runs)],
        pictures=[Picture("stall", figure, "One error curve flattens out, the other falls with slope 2 throughout.")],
    )


STUDY = Study("consistency", "The telegraph equation", QUESTION, run)
