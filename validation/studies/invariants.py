"""Study: the scheme keeps what the equation keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from solver.plotting import PALETTE, house_style
from solver.records import NO_FLUX
from validation.invariants import (
    DT,
    INVARIANTS,
    ROUNDING,
    STEPS,
    Budget,
    Invariant,
    budget_of,
    random_case,
)
from validation.study import Claim, Picture, Study, StudyResult, Table, Work
from validation.variants import VARIANTS, Variant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = f"""The scheme is linear, knows no preferred place, direction or axis, and keeps a constant where the
velocity is free of divergence; between no-flux walls it is the periodic scheme on the mirrored plane. Where the
diffusivity is constant every form of the advection keeps the sum of H, for any velocity. Each residual is a relative
difference after {STEPS} steps from random data and should be rounding, for every form and every boundary for which it
is claimed. Where the diffusivity varies, D H<sub>xx</sub> does not conserve. Nor does (D H<sub>x</sub>)<sub>x</sub>,
quite: DuFort-Frankel's mean over time levels has the weight b of its cell, and what is kept to rounding is the sum of
(1 + b) H[k] + (1 - b) H[k-1], the twin of the telegraph equation's own H + τ H<sub>t</sub>."""

SEEDS = {False: (0,), True: tuple(range(8))}


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    rows: list[tuple[object, ...]] = []
    claims = []
    for invariant in work.each(INVARIANTS, share=0.9):
        found = residuals(invariant, SEEDS[work.full])
        worst = max(found, key=lambda variant: found[variant])
        rows.append((invariant.name, invariant.statement, len(found), found[worst], str(worst)))
        claims.append(Claim(f"{invariant.name}: holds to {ROUNDING:g}", found[worst] < ROUNDING, f"{found[worst]:.2g}"))
    budgets = {form: budget_with(form) for form in work.each(("laplacian", "flux"))}
    laplacian, flux = (float(np.max(np.abs(b.plain - b.plain[0]))) for b in budgets.values())
    claims += [
        Claim(
            "with variable D, D H_xx changes the sum by more than 0.1 %", laplacian > 1e-3, f"{100 * laplacian:.2g} %"
        ),
        Claim(
            "with variable D, (D H_x)_x changes the plain sum too, far above rounding, at least 100 times less",
            1e3 * ROUNDING < flux < laplacian / 100,
            f"{flux:.2g}",
        ),
    ]
    columns = ("invariant", "what is claimed", "cases", "largest residual", "where")
    sums = [(k, *(value for b in budgets.values() for value in (b.plain[k], b.two_level[k]))) for k in range(STEPS + 1)]
    names = [f"{form}, {what}" for form in budgets for what in ("sum", "two-level sum")]
    return StudyResult(
        claims,
        [
            Table("invariants", columns, rows, "A case is a form of the advection, one of the diffusion, a boundary."),
            Table("sums", ("step", *names), sums, "Between no-flux walls, over the sum of |H| at the start."),
        ],
        [Picture("sums", draw(budgets), "Change of the sums by step: percent, 1e-5, and rounding.")],
    )


def residuals(invariant: Invariant, seeds: Sequence[int]) -> dict[Variant, float]:
    """Return the largest residual over the seeds, for each variant of which the invariant is claimed."""
    return {
        variant: max(invariant.residual(random_case(variant, seed)) for seed in seeds)
        for variant in VARIANTS
        if invariant.claimed(variant)
    }


def budget_with(diffusion: str) -> Budget:
    """Return the sums of a run between no-flux walls with variable diffusivity and no source."""
    case = random_case(Variant("skew", diffusion, NO_FLUX))
    return budget_of(replace(case, f=0 * case.f))


def draw(budgets: dict[str, Budget]) -> Figure:
    """Draw how the sums change."""
    import matplotlib.pyplot as plt

    lines = (
        ("D H_xx: sum of H", budgets["laplacian"].plain, PALETTE[1], "-"),
        ("(D H_x)_x: sum of H", budgets["flux"].plain, PALETTE[0], "-"),
        ("(D H_x)_x: two-level sum", budgets["flux"].two_level, PALETTE[2], "--"),
    )
    with house_style():
        figure, ax = plt.subplots(figsize=(6.8, 3.9))
        t = DT * np.arange(1, STEPS + 1)
        for label, values, colour, line in lines:
            change = np.maximum(np.abs(values[1:] - values[0]), 1e-18)
            ax.semilogy(t, change, line, color=colour)
            ax.annotate(
                label, (t[-1], change[-1]), xytext=(6, 0), textcoords="offset points", color=colour, va="center"
            )
        ax.set(xlabel="t", ylabel="change over the sum of |H|", xlim=(0, 1.45 * t[-1]), ylim=(1e-18, 1))
        ax.set_title("What is conserved where the diffusivity varies")
    return figure


STUDY = Study("invariants", "Conservation and symmetry", QUESTION, run)
