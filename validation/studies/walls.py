"""Study: the stability criterion of the periodic plane is sufficient between walls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from solver.plotting import PALETTE, house_style
from validation.study import Claim, Picture, Study, StudyResult, Table, Work
from validation.walled import BOUNDARIES, LONG_DT, ROUNDING, Walled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """The criterion is derived for waves on the periodic plane. Between no-flux walls with no flow across
them the scheme is that of a mirrored periodic plane; between Dirichlet walls its operator is a part (a principal
submatrix) of the one on the infinite plane. So the criterion should suffice there as well, on a plane of any size. The
truth is the spectral radius of the operator that takes two levels to the next two, from all its eigenvalues; the time
step at which it leaves 1 is found by bisection."""

DIFFUSIVITIES = ((0.0, 0.0), (0.1, 0.1), (0.3, 0.05))
REACH = 4.0


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    shape = (10, 8) if work.full else (8, 6)
    cases = [Walled(boundary, D, shape) for boundary in BOUNDARIES for D in DIFFUSIVITIES]
    limits = {case: case.limit(REACH) for case in work.each(cases)}
    radii = {case: case.radius(1.0) for case in cases}
    flowing = [limit for case, limit in limits.items() if case.flows]
    still = [limit for case, limit in limits.items() if not case.flows]
    claims = [
        Claim(
            f"at the limit of the criterion no spectral radius exceeds 1 by {ROUNDING:g}, whatever the walls",
            max(radii.values()) - 1 < ROUNDING,
            f"{max(radii.values()) - 1:.2g}",
        ),
        Claim(
            "with a flow, growth starts at 1 to 2.5 times the limit",
            min(flowing) >= 1 and max(flowing) < 2.5,
            f"{min(flowing):.3f} to {max(flowing):.3f} times",
        ),
        Claim(
            f"without a flow nothing grows up to dt = {REACH * LONG_DT:g}, where B_x + B_y is up to "
            f"{REACH * LONG_DT * max(Dx + Dy / 1.2**2 for Dx, Dy in DIFFUSIVITIES):.0f}",
            min(still) == REACH,
            f"{min(still) * LONG_DT:g}",
        ),
    ]
    rows = [
        (
            case.boundary,
            *case.diffusivity,
            case.dt if case.flows else "any",
            radii[case] - 1,
            limit if case.flows else "",
        )
        for case, limit in limits.items()
    ]
    columns = ("boundary", "Dx", "Dy", "largest stable dt", "radius there - 1", "growth from, times that dt")
    alt = "Dots: where growth starts, as a multiple of the criterion's limit; none lies left of 1."
    return StudyResult(
        claims,
        [Table("walls", columns, rows, f"{shape[0]} x {shape[1]} points, dx = 1, dy = 1.2.")],
        [Picture("walls", draw({case: limit for case, limit in limits.items() if case.flows}), alt)],
    )


def draw(limits: Mapping[Walled, float]) -> Figure:
    """Draw where growth starts, one line of dots a boundary."""
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(case.boundary for case in limits))
    with house_style():
        figure, axes = plt.subplots(figsize=(6.8, 3.6))
        axes.axvspan(0.0, 1.0, color="#000000", alpha=0.07, linewidth=0)
        axes.axvline(1.0, color="#000000", linestyle="--", linewidth=1.2)
        for colour, marker, D in zip(PALETTE, "osD", DIFFUSIVITIES, strict=False):
            own = {case.boundary: limit for case, limit in limits.items() if case.diffusivity == D}
            heights = [names.index(name) for name in own]
            axes.plot(
                list(own.values()), heights, marker, color=colour, markersize=8, label=f"D = ({D[0]:g}, {D[1]:g})"
            )
        axes.set_yticks(range(len(names)), names)
        axes.set(xlim=(0.85, 2.1), ylim=(len(names) - 0.5, -0.5))
        axes.set(xlabel="time step at which growth starts / limit of the criterion")
        axes.set_title("Between walls the criterion is on the safe side (grey: it would not be)")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


STUDY = Study("walls", "Stability between walls", QUESTION, run)
