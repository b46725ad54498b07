"""Study: variable coefficients, where the criterion is a guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from solver.plotting import PALETTE, house_style
from solver.records import ADVECTION, DIFFUSION
from validation.study import Claim, Picture, Study, StudyResult, Table, Work
from validation.variable import FIELDS, LAYER_DT, Growth, Proof, growth, proof, rough_problem, unmixed_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """The criterion takes the coefficients of each cell as if they were everywhere. What is it worth where they
vary from cell to cell? At 0.9 of the limit that it predicts, the growth rate log(spectral radius) / dt of the scheme is
held against that of the equations discrete in space, the largest real part of their eigenvalues. A three-level scheme
solves a second system beside them: what alternates from cell to cell and from step to step obeys the one in which the
centre, the term with (u<sub>x</sub> + v<sub>y</sub>) H, has changed its sign. The growth is the larger of the two, and
a tenth of dt does not change it: it is not the time step's but the form's. The second system of the product form is u
H<sub>x</sub> - u<sub>x</sub> H, which grows wherever the flow diverges; that of the skew form is u H<sub>x</sub>, that
of the flux form the first one again. So the product form grows most. Without divergence the skew form does not grow at
all; where a flow compresses, the flux form grows less than the skew form. One case is proven: without divergence, in
the skew form and with the flux form of the diffusion, a bound on the numbers of the faces is proven to exclude growth,
whatever the fields."""

#: Growth below this rate is rounding: a radius of 1 errs by 1e-7 or so, over dt.
NONE = 1e-5


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    shape, seeds = ((12, 10), range(8)) if work.full else ((10, 8), range(3))
    cases = list(product(FIELDS, ADVECTION, DIFFUSION))
    found = {case: growth(*case, seeds, shape) for case in work.each(cases, share=0.8)}
    proofs = [proof(seed, shape) for seed in work.each(range(40 if work.full else 10))]
    unmixed = float(
        np.mean([unmixed_share(rough_problem("rectified", "product", "laplacian", s, shape)) for s in seeds])
    )
    rows = [
        (g.kind, g.advection, g.diffusion, g.limit, g.in_space, g.as_dt_vanishes, g.near, g.far) for g in found.values()
    ]
    columns = (
        "fields",
        "advection",
        "diffusion",
        "limit of dt",
        "rate in space",
        "or alternating",
        "rate at 0.9 of the limit",
        "at 0.1",
    )
    note = (
        f"Means over {len(seeds)} seeds on {shape[0]} x {shape[1]} cells; speed 1, spacing 1. Where the limit is "
        f"0, dt is {LAYER_DT:g}, the layer's."
    )
    return StudyResult(
        [*_claims(found), *_proof_claims(proofs), _rectified_claim(found, unmixed)],
        [Table("variable", columns, rows, note)],
        [
            Picture(
                "variable",
                draw(found),
                "Growth rates by kind of field: product highest, skew lowest; none for skew without divergence.",
            )
        ],
    )


def _claims(found: Mapping[tuple[str, str, str], Growth]) -> list[Claim]:
    random = {form: found["random", form, "laplacian"].near for form in ADVECTION}
    still = max(found["solenoidal", "skew", diffusion].near for diffusion in DIFFUSION)
    invented = min(found["solenoidal", form, d].near for form in ("product", "flux") for d in DIFFUSION)
    growing = [g for g in found.values() if g.near > NONE]
    kept = max(abs(g.far / g.near - 1) for g in growing)
    explained = max(abs(g.far / g.as_dt_vanishes - 1) for g in growing)
    beyond = max(growing, key=lambda g: g.far / g.in_space)
    squeezed = {form: found["compressive", form, "laplacian"].near for form in ("skew", "flux")}
    ratio = random["product"] / random["skew"]
    return [
        Claim(
            "all forms grow in random flows at 0.9 of the predicted limit: every cell passes, and it is not enough",
            min(random.values()) > 0.05,
            f"{min(random.values()):.3g} a unit of time, or more",
        ),
        Claim(
            "there the product form grows 3 to 8 times as fast as the skew form",
            3 < ratio < 8,
            f"{random['product']:.3g} against {random['skew']:.3g}: {ratio:.2g} times",
        ),
        Claim(
            "without divergence the skew form does not grow; product and flux forms do, by 0.3 or more",
            still < NONE and invented > 0.3,
            f"{max(still, 0):.1g}; {invented:.3g}",
        ),
        Claim(
            "where the flow compresses, the flux form grows less than the skew form, by a quarter or more",
            squeezed["flux"] < 0.75 * squeezed["skew"],
            f"{squeezed['flux']:.3g} against {squeezed['skew']:.3g}",
        ),
        Claim(
            "where there is growth, a ninth of dt changes its rate by less than 25 %: it is not the time step's",
            kept < 0.25,
            f"{100 * kept:.0f} %",
        ),
        Claim(
            "at a tenth of the limit it is the rate in space or that of what alternates, the larger, to 1 %",
            explained < 0.01,
            f"{100 * explained:.2g} %",
        ),
        Claim(
            "the rate in space alone does not explain it: one form grows at least 1.1 times as fast",
            beyond.far > 1.1 * beyond.in_space,
            f"{beyond.far:.3g} against {beyond.in_space:.3g} ({beyond.kind}, {beyond.advection}, {beyond.diffusion})",
        ),
    ]


def _proof_claims(proofs: Sequence[Proof]) -> list[Claim]:
    excess = max(p.excess for p in proofs)
    ratios = [p.criterion for p in proofs]
    return [
        Claim(
            f"at the proven limit no spectral radius exceeds 1 by 1e-7, in {len(proofs)} solenoidal flows",
            excess < 1e-7,
            f"{max(excess, 0):.1g}",
        ),
        Claim(
            "the criterion, cell by cell, allows more than is proven, up to half as much again",
            min(ratios) >= 1 and max(ratios) < 1.5,
            f"{min(ratios):.2f} to {max(ratios):.2f} times",
        ),
    ]


def _rectified_claim(found: Mapping[tuple[str, str, str], Growth], unmixed: float) -> Claim:
    limits = max(found["rectified", form, d].limit for form in ADVECTION for d in DIFFUSION)
    return Claim(
        "rectified noise: about half of the cells have one zero diffusivity, and no dt passes the criterion",
        limits == 0 and abs(unmixed - 0.5) < 0.1,
        f"{100 * unmixed:.0f} % of the cells",
    )


def draw(found: Mapping[tuple[str, str, str], Growth]) -> Figure:
    """Draw the growth rates as bars, a panel a kind of field; what they tend to with dt as lines across each bar."""
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    names = {
        "random": "random",
        "solenoidal": "without divergence",
        "compressive": "compressing",
        "rectified": "rectified",
    }
    with house_style():
        figure, axes = plt.subplots(1, len(FIELDS), figsize=(9.0, 3.9), sharey=True)
        for ax, kind in zip(axes, FIELDS, strict=True):
            for i, advection in enumerate(ADVECTION):
                for j, diffusion in enumerate(DIFFUSION):
                    g, x = found[kind, advection, diffusion], i + 0.38 * (j - 0.5)
                    ax.bar(x, max(g.near, 0), 0.34, color=PALETTE[j])
                    for level, line in ((g.in_space, "-"), (g.as_dt_vanishes, ":")):
                        ax.hlines(max(level, 0), x - 0.2, x + 0.2, color="#000000", linestyle=line, linewidth=1.6)
            ax.set_xticks(range(len(ADVECTION)), list(ADVECTION))
            ax.set(title=names[kind])
            ax.grid(False, axis="x")
        axes[0].set(ylabel="growth rate (speed / cell)")
        bars = [Patch(color=PALETTE[j], label=f'diffusion "{d}"') for j, d in enumerate(DIFFUSION)]
        solid = Line2D([], [], color="#000000", label="of the equations discrete in space")
        dots = Line2D([], [], color="#000000", linestyle=":", label="that, or of what alternates, if larger")
        figure.legend(handles=[*bars, solid, dots], loc="outside lower center", ncols=2)
        figure.suptitle("Rough fields: growth at 0.9 of the predicted limit")
    return figure


STUDY = Study("variable", "Variable coefficients", QUESTION, run)
