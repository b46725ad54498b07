"""Study: a RAW filter narrows the range of stable time steps."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from solver import RAW
from solver.plotting import PALETTE, house_style
from validation.filtered import filtered_growth
from validation.problems.base import Field
from validation.stability_map import MeshPoint, grid_angles, runs_from_noise, sample_angles, stability_number
from validation.study import Claim, Picture, Study, StudyResult, Table, Work
from validation.walled import largest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """The Robert-Asselin-Williams filter removes the computational mode. What does it cost in stability? Without
diffusion |A<sub>x</sub>| + |A<sub>y</sub>| must stay below κ, κ² = (2 alpha - 1)(1 - nu/2) / (alpha² (1 - nu/2 +
alpha nu)): 0.44 for the usual nu = 0.2 and alpha = 0.53, where the scheme without filter allows 1. Without advection
B<sub>x</sub> + B<sub>y</sub> must stay below 1 / (2 (2 alpha - 1)), whatever nu: for alpha = 1, Robert's and Asselin's
filter, that is Euler's limit, and what DuFort-Frankel is chosen for is lost. Both come from Schur-Cohn; here the
eigenvalues of the filtered step at many angles are held against them, and runs from noise on either side. With both
processes a stability number below κ, together with the second limit, is tried on random mesh numbers: it suffices on
all of them."""

FILTERS = (RAW(), RAW(nu=0.01), RAW(alpha=0.51), RAW(alpha=0.6), RAW(alpha=0.8), RAW(alpha=1.0), RAW(nu=1.0))
USUAL, ASSELIN = RAW(), RAW(alpha=1.0)
NEAR = 0.1
SHAPE = (24, 20)
ROUNDING = 1e-7


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    points = 2000 if work.full else 100
    angles = sample_angles()
    rows = []
    for raw in work.each(FILTERS, share=0.5):
        found = advective_found(raw, angles), diffusive_found(raw, angles)
        rows.append((raw.nu, raw.alpha, raw.courant_limit, found[0], raw.diffusion_limit, found[1]))
    off = max(abs(row[i + 1] / row[i] - 1) for row in rows for i in (2, 4))
    worst = max(filtered_growth(*case, angles) for case in work.each(passing(points), share=0.7))
    runs = [run for raw in work.each((USUAL, ASSELIN)) for run in noise(raw)]
    inside = max(run.measured for run in runs if run.side < 1)
    outside = min(run.measured for run in runs if run.side > 1)
    apart = max(abs(run.measured - run.predicted) for run in runs if run.side > 1)
    claims = [
        Claim(
            "both limits are those of brute force to 0.2 %, for every filter", off < 2e-3, f"off by {100 * off:.2g} %"
        ),
        Claim(
            f"a stability number below κ and B_x + B_y below its limit suffice, on {points} random mesh numbers",
            worst < 1 + ROUNDING,
            f"largest eigenvalue 1 + {max(worst - 1, 0):.1g}",
        ),
        Claim(f"noise {NEAR:.0%} inside of the limits does not grow", inside < 1 + 1e-6, f"{inside - 1:+.1g} a step"),
        Claim(f"noise {NEAR:.0%} outside grows", outside > 1 + 1e-5, f"{outside - 1:+.2g} a step, or more"),
        Claim("that growth, a step, is the largest eigenvalue to 0.001", apart < 1e-3, f"{apart:.1g}"),
    ]
    columns = ("nu", "alpha", "κ", "|A_x| + |A_y| by brute force", "1 / (2 (2 alpha - 1))", "B_x + B_y by brute force")
    run_rows = [(r.kind, r.raw.nu, r.raw.alpha, r.side, r.predicted - 1, r.measured - 1) for r in runs]
    run_columns = ("run", "nu", "alpha", "times its limit", "largest eigenvalue - 1", "growth a step - 1")
    alt = "Against alpha the advective limit rises from 0, the diffusive one falls to 1/2; brute force lies on both."
    return StudyResult(
        claims,
        [Table("filter-limits", columns, rows), Table("filtered-noise", run_columns, run_rows)],
        [Picture("filter-limits", draw(work.full), alt)],
    )


class FilteredNoise(NamedTuple):
    """A filtered run from noise at ``side`` times a limit, its growth a step, and the largest eigenvalue."""

    kind: str
    raw: RAW
    side: float
    measured: float
    predicted: float


def noise(raw: RAW) -> list[FilteredNoise]:
    """Step noise on either side of both limits."""
    sides, angles = (1 - NEAR, 1 + NEAR), grid_angles(SHAPE)
    advection = [MeshPoint(A / 2, A / 2, 0.0, 0.0) for A in (side * raw.courant_limit for side in sides)]
    diffusion = [MeshPoint(0.0, 0.0, B / 2, B / 2) for B in (side * raw.diffusion_limit for side in sides)]
    measured = [run.measured for run in runs_from_noise([*advection, *diffusion], shape=SHAPE, raw=raw)]
    predicted = [filtered_growth(point, raw, angles) for point in (*advection, *diffusion)]
    cases = product(("advection", "diffusion"), (raw,), sides)
    return [
        FilteredNoise(*case, *both) for case, both in zip(cases, zip(measured, predicted, strict=True), strict=True)
    ]


def advective_found(raw: RAW, angles: Field) -> float:
    """Return the largest stable |A_x| + |A_y| without diffusion, by brute force."""
    return largest(lambda A: filtered_growth(MeshPoint(A / 2, A / 2, 0.0, 0.0), raw, angles) <= 1 + ROUNDING, 1.5, 16)


def diffusive_found(raw: RAW, angles: Field) -> float:
    """Return the largest stable B_x + B_y without advection, by brute force."""
    return largest(lambda B: filtered_growth(MeshPoint(0.0, 0.0, B / 2, B / 2), raw, angles) <= 1 + ROUNDING, 40.0, 16)


def passing(count: int) -> list[tuple[MeshPoint, RAW]]:
    """Return random mesh numbers, up to the limits that are claimed to suffice, and filters."""
    draw = np.random.default_rng(0)
    found = []
    for _ in range(count):
        raw = RAW(nu=draw.choice([0.01, 0.2, 1.0]), alpha=draw.choice([0.51, 0.53, 0.6, 0.8, 1.0]))
        A, B = draw.uniform(-1, 1, 2), 10 ** draw.uniform(-4, 1, 2)
        B *= min(1.0, raw.diffusion_limit / B.sum())
        A *= draw.choice([1.0, 0.8]) * raw.courant_limit / stability_number(MeshPoint(*A, *B))
        found.append((MeshPoint(*A, *B), raw))
    return found


def draw(full: bool) -> Figure:
    """Draw both limits against alpha, lines by formula, dots by brute force."""
    import matplotlib.pyplot as plt

    angles = sample_angles()
    fine, coarse = np.linspace(0.505, 1, 200), np.linspace(0.51, 1, 12 if full else 6)
    with house_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.9))
        for nu, colour, marker in zip((0.01, 0.2, 1.0), PALETTE, "os^", strict=False):
            left.plot(fine, [RAW(nu, float(x)).courant_limit for x in fine], color=colour)
            found = [advective_found(RAW(nu, float(x)), angles) for x in coarse]
            left.plot(coarse, found, marker, color=colour, label=f"nu = {nu:g}")
        right.semilogy(fine, [RAW(0.2, float(x)).diffusion_limit for x in fine], color="#000000", label="every nu")
        found = [diffusive_found(RAW(0.2, float(x)), angles) for x in coarse]
        right.semilogy(coarse, found, "s", color=PALETTE[1])
        left.set(title="advection alone", xlabel="alpha", ylabel="largest |A_x| + |A_y|", ylim=(0, 1.05))
        right.set(title="diffusion alone", xlabel="alpha", ylabel="largest B_x + B_y")
        left.axhline(1, color="#777777", linestyle="--", linewidth=1.0)
        left.annotate("no filter", (0.52, 0.97), color="#555555", va="top")
        left.annotate("0.53, the usual", (USUAL.alpha + 0.01, 0.02), color="#555555")
        for ax in (left, right):
            ax.axvline(USUAL.alpha, color="#777777", linestyle=":", linewidth=1.0)
            ax.legend(loc="lower right" if ax is left else "upper right")
        figure.suptitle("Limits of the filtered scheme: formula (lines), brute force (dots)")
    return figure


STUDY = Study("filtered", "Stability with the filter", QUESTION, run)
