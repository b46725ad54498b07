"""Study: the closed stability criterion against brute force and time stepping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from solver.plotting import PALETTE, house_style
from validation.stability_map import (
    MeshPoint,
    NoiseRun,
    StabilityMap,
    brute_force_limit,
    runs_from_noise,
    sample_angles,
    stability_map,
    stability_number,
)
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """For constant coefficients the solver's criterion is A<sub>x</sub>²/w<sub>x</sub> +
A<sub>y</sub>²/w<sub>y</sub> ≤ 1 with w<sub>x</sub> = B<sub>x</sub>/(B<sub>x</sub> + B<sub>y</sub>),
w<sub>y</sub> = 1 - w<sub>x</sub>, and |A<sub>x</sub>| + |A<sub>y</sub>| ≤ 1 without diffusion. Brute force
solves the amplification quadratic at many pairs of angles instead; and the scheme itself is stepped from noise, just
inside and just outside of the limit. Diffusion does not help here: |A<sub>x</sub>| + |A<sub>y</sub>| ≤ 1 is no
longer sufficient, and one zero diffusivity is fatal to any flow along that axis."""

FATAL = (0.2, 0.0)
RATIOS = ((0.0, 0.0), (0.1, 0.1), (0.2, 0.05), FATAL)
MORE_RATIOS = ((0.01, 0.01), (0.01, 0.1), (0.5, 0.05), (1.0, 0.25), (10.0, 10.0))
DIRECTIONS = np.linspace(0, np.pi / 2, 31)

#: How far inside and outside of the limit noise is stepped.
NEAR = 0.02
NOISE_SHAPE = (32, 24)

#: Unstable although |A_x| + |A_y| <= 1: a flow along one axis, and one across a direction without diffusion.
COUNTEREXAMPLES = (MeshPoint(0.8, 0.0, 0.01, 0.01), MeshPoint(0.3, 0.6, 0.2, 0.0))


def closed_limit(B: tuple[float, float]) -> Any:
    """Return the radius in the (A_x, A_y) plane at which the criterion is met, (directions,)."""
    return 1 / stability_number(MeshPoint(np.cos(DIRECTIONS), np.sin(DIRECTIONS), *B))


def limit_disagreement(B: tuple[float, float], fine: bool) -> float:
    """Return the largest difference between the radii at which brute force and the criterion find growth."""
    return float(np.max(np.abs(brute_force_limit(B, DIRECTIONS, sample_angles(fine)) - closed_limit(B))))


def noise_points() -> list[MeshPoint]:
    """Return points NEAR the limit, inside and outside in pairs, then the counterexamples.

    The first wave to grow at (A_x, A_y) has the angles (A_x / w_x, A_y / w_y); the directions are such that it is a
    wave of the plane, or the growth just outside of the limit would go unseen.
    """
    points = []
    for B in RATIOS[:3]:
        share = B[0] / sum(B) if any(B) else 0.5
        for waves in ((2, 0), (1, 1), (1, 2)):
            x, y = share * waves[0] / NOISE_SHAPE[0], (1 - share) * waves[1] / NOISE_SHAPE[1]
            limit = 1 / stability_number(MeshPoint(x, y, *B))
            points += [MeshPoint(radius * x, radius * y, *B) for radius in ((1 - NEAR) * limit, (1 + NEAR) * limit)]
    return [*points, *COUNTEREXAMPLES]


def noise_claims(runs: Sequence[NoiseRun]) -> list[Claim]:
    """Judge runs from the points of `noise_points`."""
    pairs, counterexamples = runs[: -len(COUNTEREXAMPLES)], runs[-len(COUNTEREXAMPLES) :]
    inside, outside = pairs[::2], pairs[1::2]
    largest = float(np.exp(max(run.log_size.max() for run in inside)))
    least = min(run.measured for run in outside)
    error = max(abs(run.measured - run.predicted) for run in runs)
    return [
        Claim(f"noise {NEAR:.0%} inside of the limit stays below 10 times its start", largest < 10, f"{largest:.3g}"),
        Claim(f"noise {NEAR:.0%} outside of the limit grows", least > 1 + 1e-5, f"a step by {least:.6f} or more"),
        Claim(
            "the growth of a step, measured, is the largest root modulus to 0.0001",
            error < 1e-4,
            f"{error:.2g}",
        ),
        Claim(
            "A = (0.3, 0.6), B = (0.2, 0) grows by 11 % a step",
            abs(counterexamples[1].measured - 1.11) < 0.01,
            f"{counterexamples[1].measured:.4f}",
        ),
    ]


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    ratios, points, bound = ((*RATIOS, *MORE_RATIOS), 121, 1e-3) if work.full else (RATIOS, 49, 2e-3)
    maps, limits = [], {}
    for B in work.each(ratios, share=0.8):
        maps.append(stability_map(B, points))
        limits[B] = limit_disagreement(B, fine=work.full)
    runs = runs_from_noise(noise_points(), shape=NOISE_SHAPE)
    disagreements = sum(m.disagreements for m in maps)
    misjudged = sum(m.misjudged_by_sum for m in maps[1:])
    worst = max((B for B in ratios if B != FATAL), key=limits.__getitem__)
    claims = [
        Claim(
            "criterion and brute force agree at every point of the maps (1 % about the limit left out)",
            disagreements == 0,
            f"{disagreements} of {len(maps) * points**2} differ",
        ),
        Claim(
            f"the largest disagreement of the two limits, a radius in the plane of (A_x, A_y), is below {bound:g}",
            limits[worst] < bound,
            f"{limits[worst]:.2g}, at B = ({worst[0]:g}, {worst[1]:g})",
        ),
        Claim(
            "with B = (0.2, 0), where the limit is 0 but along A_x, brute force finds one below 0.02",
            limits[FATAL] < 0.02,
            f"{limits[FATAL]:.2g}",
        ),
        Claim(
            "with diffusion, |A_x| + |A_y| ≤ 1 does not suffice: some such points grow",
            misjudged > 0,
            f"{misjudged} points of the maps",
        ),
        *noise_claims(runs),
    ]
    tables = [
        Table(
            "stability-limits",
            ("B_x", "B_y", "limits differ by", "verdicts that differ", "growing though |A_x| + |A_y| ≤ 1"),
            [(*m.B, limits[m.B], m.disagreements, m.misjudged_by_sum) for m in maps],
            f"Brute force takes {len(sample_angles(work.full))} pairs of angles; it finds a limit that is too large, "
            "because growth sets in at angles going to 0.",
        ),
        Table(
            "noise",
            ("A_x", "A_y", "B_x", "B_y", "stability number", "largest root - 1", "growth a step - 1"),
            [
                (
                    *(float(number) for number in run.point),
                    float(stability_number(run.point)),
                    run.predicted - 1,
                    run.measured - 1,
                )
                for run in runs
            ],
            "Inside, a root of modulus 1 remains: the checkerboard of alternating sign, which nothing damps.",
        ),
    ]
    pictures = [
        Picture(
            "stability-map",
            draw_maps(maps),
            "Maps of growth over A_x and A_y; the curve of the criterion bounds the stable part.",
        ),
        Picture("noise", draw_noise(runs), "Size of the noise: bounded inside, exponential outside."),
    ]
    return StudyResult(claims, tables, pictures)


def draw_maps(maps: Sequence[StabilityMap]) -> Figure:
    """Draw the growth by brute force, with both criteria on top of it."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm
    from matplotlib.lines import Line2D

    across = int(np.ceil(np.sqrt(len(maps))))
    size = (1.2 + 3.0 * across, 1.0 + 2.8 * across)
    with house_style():
        figure, axes = plt.subplots(across, across, figsize=size, sharex=True, sharey=True, layout="compressed")
        for ax, m in zip(axes.flat, maps, strict=True):
            growth = np.ma.masked_where(m.stable, m.growth - 1)
            mesh = ax.pcolormesh(m.A, m.A, growth.T, norm=LogNorm(1e-3, 1), cmap="viridis", rasterized=True)
            limit = closed_limit(m.B)
            ax.plot(limit * np.cos(DIRECTIONS), limit * np.sin(DIRECTIONS), color=PALETTE[1], linewidth=2.5)
            ax.plot([0, 1], [1, 0], color="#000000", linestyle="--", linewidth=1.2)
            ax.set(title=f"B = ({m.B[0]:g}, {m.B[1]:g})", aspect="equal", xlim=(0, 1.2), ylim=(0, 1.2))
            ax.set(xlabel="A_x = u dt/dx", ylabel="A_y = v dt/dy")
            ax.grid(False)
            ax.label_outer()
        axes.flat[0].text(0.3, 0.2, "stable")
        figure.colorbar(mesh, ax=axes, label="growth a step - 1, by brute force (white: none)", shrink=0.7)
        figure.legend(
            handles=[
                Line2D([], [], color=PALETTE[1], linewidth=2.5, label="closed criterion"),
                Line2D([], [], color="#000000", linestyle="--", label="|A_x| + |A_y| = 1"),
            ],
            loc="outside lower center",
            ncols=2,
        )
    return figure


def draw_noise(runs: Sequence[NoiseRun]) -> Figure:
    """Draw the size of the noise against the step."""
    import matplotlib.pyplot as plt

    pairs, counterexamples = runs[: -len(COUNTEREXAMPLES)], runs[-len(COUNTEREXAMPLES) :]
    groups = (
        (f"{NEAR:.0%} inside of the limit", PALETTE[0], "-", pairs[::2]),
        (f"{NEAR:.0%} outside", PALETTE[1], "-", pairs[1::2]),
        ("outside, though |A_x| + |A_y| ≤ 1", "#000000", "--", counterexamples),
    )
    with house_style():
        figure, axes = plt.subplots(figsize=(6.4, 4.0))
        for label, colour, line, group in groups:
            for index, run in enumerate(group):
                axes.semilogy(
                    run.steps,
                    np.exp(np.minimum(run.log_size, 100)),
                    color=colour,
                    linestyle=line,
                    linewidth=1.3,
                    label=label if index == 0 else None,
                )
        axes.set(xlabel="step", ylabel="size of the noise / its start", xlim=(0, 20_000), ylim=(1e-2, 1e6))
        axes.set_title("Time stepping from noise, constant coefficients")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


STUDY = Study("stability", "Stability", QUESTION, run)
