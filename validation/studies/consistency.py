"""Study: along dt ~ dx the scheme solves the telegraph equation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from solver.plotting import house_style
from validation.convergence import (
    Convergence,
    Path,
    Refinement,
    against_equation,
    against_telegraph,
    converge,
    telegraph_of,
)
from validation.norms import relative_error
from validation.presenting import convergence_table, draw_convergence, order_claim
from validation.problems import CosineMode, FourierMode, Mode
from validation.study import Claim, Picture, Study, StudyResult, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """DuFort-Frankel is conditionally consistent: the scheme really solves the telegraph equation
τ H<sub>tt</sub> + H<sub>t</sub> + (uH)<sub>x</sub> + (vH)<sub>y</sub> = Dx H<sub>xx</sub> + Dy
H<sub>yy</sub> with τ = dt² (Dx/dx² + Dy/dy²). If dt and dx shrink together, τ stays as it is: the error
against the diffusion-advection equation should stall, at the distance between the two exact solutions,
while the error against the telegraph equation falls at order 2. Choose dt so that τ is small, not merely
so that the run is stable. Asked of a Fourier mode on the periodic plane and of a cosine mode between no-flux
walls."""

MODES: tuple[Mode, ...] = (
    FourierMode(rows=16, columns=20, velocity=(0.4, -0.25), diffusivity=(0.05, 0.03), waves=(1, 2)),
    CosineMode(rows=16, columns=20, diffusivity=(0.05, 0.03), waves=(2, 3)),
)
QUICK = Refinement(Path.HYPERBOLIC, dt=0.015, t_end=0.3, factors=(1, 2, 4, 8))
FULL = replace(QUICK, factors=(*QUICK.factors, 16))


@dataclass(frozen=True)
class Comparison:
    """Errors of one mode along dt ~ dx against both equations, and the relative distance between their solutions."""

    stalled: Convergence
    falling: Convergence
    distance: float


def compare(mode: Mode, refinement: Refinement) -> Comparison:
    """Refine dt and dx together and take the error against both equations."""
    fine, dt = refinement.level(mode, refinement.factors[-1])
    t = refinement.t_end
    return Comparison(
        stalled=converge(mode, refinement, reference=against_equation),
        falling=converge(mode, refinement, reference=against_telegraph),
        distance=relative_error(telegraph_of(fine, dt, "heun").exact(t), fine.exact(t), fine.grid),
    )


def claims(name: str, found: Comparison) -> list[Claim]:
    """Judge one mode."""
    before, last = found.stalled.errors[-2:]
    return [
        order_claim(f"{name}, dt ~ dx, against the telegraph equation", found.falling, 2),
        Claim(
            f"{name}, dt ~ dx, against the diffusion-advection equation: the last halving gains less than 10 %",
            abs(last / before - 1) < 0.1,
            f"{before:.4g} → {last:.4g}",
        ),
        Claim(
            f"{name}: it stalls at the distance between the two exact solutions, within 5 %",
            abs(last / found.distance - 1) < 0.05,
            f"{last:.4g} against {found.distance:.4g}",
        ),
    ]


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    found = {mode.name: compare(mode, FULL if work.full else QUICK) for mode in work.each(MODES)}
    runs = {
        f"{name}, against {equation}": convergence
        for name, of in found.items()
        for equation, convergence in (("diffusion-advection", of.stalled), ("telegraph", of.falling))
    }
    return StudyResult(
        claims=[claim for name, of in found.items() for claim in claims(name, of)],
        tables=[convergence_table("consistency", runs)],
        pictures=[
            Picture("stall", draw(found), "Each panel: one error curve flattens out, the other falls with slope 2.")
        ],
    )


def draw(found: Mapping[str, Comparison]) -> Figure:
    """Draw the errors against both equations, one panel a mode."""
    import matplotlib.pyplot as plt

    with house_style():
        figure, axes = plt.subplots(1, len(found), figsize=(8.8, 4.2), sharey=True)
        for ax, (name, of) in zip(axes, found.items(), strict=True):
            draw_convergence(ax, {"against diffusion-advection": of.stalled, "against telegraph": of.falling})
            ax.axhline(of.distance, color="#777777", linestyle=":", linewidth=1.2)
            ax.annotate(
                "distance between the two equations",
                (of.falling.dx[-1], of.distance),
                xytext=(0, 6),
                textcoords="offset points",
                color="#555555",
                fontsize="small",
            )
            ax.set(xlabel="dx", title=name)
            ax.label_outer()
        figure.suptitle("dt ~ dx: the scheme converges to the telegraph equation", fontsize="medium")
    return figure


STUDY = Study("consistency", "The telegraph equation", QUESTION, run, weight=0.1)
