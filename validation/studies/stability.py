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
from validation.study import Claim, Picture, Study, StudyResult, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = f"""For constant coefficients the solver's criterion is A<sub>x</sub>²/w<sub>x</sub> +
A<sub>y</sub>²/w<sub>y</sub> ≤ 1 with w<sub>x</sub> = B<sub>x</sub>/(B<sub>x</sub> + B<sub>y</sub>),
w<sub>y</sub> = 1 - w<sub>x</sub>, and |A<sub>x</sub>| + |A<sub>y</sub>| ≤ 1 without diffusion. Brute force
solves the amplification quadratic at {len(sample_angles())} pairs of angles instead; and the scheme itself is
stepped from noise, just inside and just outside of the limit. Diffusion does not help here:
|A<sub>x</sub>| + |A<sub>y</sub>| ≤ 1 is no longer sufficient, and one zero diffusivity is fatal to any
flow along that axis."""

FATAL = (0.2, 0.0)
RATIOS = ((0.0, 0.0), (0.1, 0.1), (0.2, 0.05), FATAL)
DIRECTIONS = np.linspace(0, np.pi / 2, 31)

#: Unstable although |A_x| + |A_y| <= 1: a flow along one axis, and one across a direction without diffusion.
COUNTEREXAMPLES = (MeshPoint(0.8, 0.0, 0.01, 0.01), MeshPoint(0.3, 0.6, 0.2, 0.0))


def closed_limit(B: tuple[float, float]) -> Any:
    """Return the radius in the (A_x, A_y) plane at which the criterion is met, (directions,)."""
    return 1 / stability_number(MeshPoint(np.cos(DIRECTIONS), np.sin(DIRECTIONS), *B))


def limit_disagreement(B: tuple[float, float]) -> float:
    """Return the largest difference between the radii at which brute force and the criterion find growth."""
    return float(np.max(np.abs(brute_force_limit(B, DIRECTIONS) - closed_limit(B))))


def noise_points() -> list[MeshPoint]:
    """Return points 5 % inside and 5 % outside of the limit, in pairs, then the counterexamples."""
    points = []
    for B in RATIOS[:3]:
        for direction in (0.0, 0.6, 1.2):
            x, y = np.cos(direction), np.sin(direction)
            limit = 1 / stability_number(MeshPoint(x, y, *B))
            points += [MeshPoint(radius * x, radius * y, *B) for radius in (0.95 * limit, 1.05 * limit)]
    return [*points, *COUNTEREXAMPLES]


def noise_claims(runs: Sequence[NoiseRun]) -> list[Claim]:
    """Judge runs from the points of `noise_points`."""
    pairs, counterexamples = runs[: -len(COUNTEREXAMPLES)], runs[-len(COUNTEREXAMPLES) :]
    inside, outside = pairs[::2], pairs[1::2]
    largest = float(np.exp(max(run.log_size.max() for run in inside)))
    least = min(run.measured for run in outside)
    error = max(abs(run.measured - run.predicted) for run in runs)
    return [
        Claim("noise 5 % inside of the limit stays below 10 times its start", largest < 10, f"{largest:.3g}"),
        Claim("noise 5 % outside of the limit grows", least > 1 + 1e-4, f"a step by {least:.6f} or more"),
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


def run() -> StudyResult:
    """Measure, judge and draw."""
    maps = [stability_map(B) for B in RATIOS]
    limits = [limit_disagreement(B) for B in RATIOS]
    runs = runs_from_noise(noise_points())
    disagreements = sum(m.disagreements for m in maps)
    points = sum(m.growth.size for m in maps)
    misjudged = sum(m.misjudged_by_sum for m in maps[1:])
    *regular, fatal = limits
    claims = [
        Claim(
            "criterion and brute force agree at every point of the maps (1 % about the limit left out)",
            disagreements == 0,
            f"{disagreements} of {points} differ",
        ),
        Claim(
            "the two limits differ by less than 0.002 in every direction",
            max(regular) < 2e-3,
            f"{max(regular):.2g}",
        ),
        Claim(
            "with B = (0.2, 0), where the limit is 0 but along A_x, brute force finds one below 0.02",
            fatal < 0.02,
            f"{fatal:.2g}",
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
            [(*m.B, limit, m.disagreements, m.misjudged_by_sum) for m, limit in zip(maps, limits, strict=True)],
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
            "Four maps of growth over A_x and A_y; the curve of the criterion bounds the stable part.",
        ),
        Picture("noise", draw_noise(runs), "Size of the noise: bounded inside, exponential outside."),
    ]
    return StudyResult(claims, tables, pictures)


def draw_maps(maps: Sequence[StabilityMap]) -> Figure:
    """Draw the growth by brute force, with both criteria on top of it."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm
    from matplotlib.lines import Line2D

    with house_style():
        figure, axes = plt.subplots(2, 2, figsize=(7.2, 6.6), sharex=True, sharey=True, layout="compressed")
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
        ("5 % inside of the limit", PALETTE[0], "-", pairs[::2]),
        ("5 % outside", PALETTE[1], "-", pairs[1::2]),
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
        axes.set(xlabel="step", ylabel="size of the noise / its start", xlim=(0, 6000), ylim=(3e-3, 1e6))
        axes.set_title("Time stepping from noise, constant coefficients")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


STUDY = Study("stability", "Stability", QUESTION, run)
