"""Study: the computational mode, and a very long run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from solver import RAW, solve, stability
from solver.plotting import PALETTE, house_style
from validation.modes import Excitation, excitation, filter_errors, filtered_roots
from validation.norms import relative_error
from validation.presenting import ORDER_TOLERANCE
from validation.problems import FourierMode, LongRun
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """Three levels have two roots for each wave. The computational one, near -1, belongs to nothing in the
equation: it makes H alternate from step to step. How much of it does each start put in, does it go away, and what does
the Robert-Asselin-Williams filter do to it, and to the order? For a wave without diffusion a copy of the first level
excites it at order 1 in dt, Euler's method at order 2, Heun's at order 4 (1 + z + z²/2 is the physical root of the
leapfrog up to z⁴). Then a long run: a forced mode that settles into a steady state, in which any weak instability would
show; and noise, in which the checkerboard alternates forever unless it is filtered."""

ADVECTED = FourierMode(rows=24, columns=20, diffusivity=(0.0, 0.0))
DIFFUSED = FourierMode(rows=24, columns=20)
FORCED = LongRun(rows=24, columns=20)
DT = 0.01
EXCITED = {"copy": 1, "euler": 2, "heun": 4}
FILTERS = {"RAW, alpha = 0.53": RAW(), "RAW, alpha = 0.5": RAW(alpha=0.5), "Robert-Asselin, alpha = 1": RAW(alpha=1.0)}
REFINED = (60, 120, 240, 480, 960)
SETTLED = 1e-12
LONG, QUICK_LONG = 100_000, 20_000


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    length = LONG if work.full else QUICK_LONG
    started = {start: excitation_order(start) for start in work.each(EXCITED, share=0.2)}
    lasting = {
        "copy, no filter": excitation(ADVECTED, ADVECTED.exact(0.0), DT, WATCHED, "copy"),
        "euler, no filter": excitation(ADVECTED, ADVECTED.exact(0.0), DT, WATCHED, "euler"),
        "heun, no filter": excitation(ADVECTED, ADVECTED.exact(0.0), DT, WATCHED, "heun"),
        "copy, RAW": excitation(ADVECTED, ADVECTED.exact(0.0), DT, WATCHED, "copy", RAW()),
    }
    costs = {name: filter_errors(DIFFUSED, 0.3, REFINED, raw) for name, raw in work.each(FILTERS.items(), share=0.4)}
    settled = {
        (start, raw): departure(start, raw, length) for raw in work.each((None, RAW()), share=0.8) for start in EXCITED
    }
    noise = {name: alternation_of_noise(raw, length) for name, raw in work.each((("no filter", None), ("RAW", RAW())))}
    claims = [
        *_start_claims(started, lasting),
        *_filter_claims(lasting, costs),
        *_long_claims(settled, noise, length),
    ]
    rows = [(start, EXCITED[start], order, lasting[f"{start}, no filter"].size[0]) for start, order in started.items()]
    cost_rows = [(count, *(errors[i] for errors in costs.values())) for i, count in enumerate(REFINED)]
    long_rows = [(start, str(raw or "none"), value) for (start, raw), value in settled.items()]
    return StudyResult(
        claims,
        [
            Table("starts-computational", ("start", "order expected", "order", "size at dt = 0.01"), rows),
            Table("filters", ("steps to t = 0.3", *costs), cost_rows, "What the filter changes, relative."),
            Table("long-run", ("start", "filter", f"departure after {length} steps"), long_rows),
        ],
        [
            Picture(
                "computational", draw_sizes(lasting), "Size of the mode by step: flat without filter, falling with."
            ),
            Picture(
                "noise-long", draw_noise(noise), "Alternating part of noise: constant without filter, gone with RAW."
            ),
        ],
    )


WATCHED = (1, 2, 5, 10, 15, 20, 50, 100, 200, 500, 1000, 2000)


def excitation_order(start: str) -> float:
    """Return the order in dt of the computational mode that a start puts in."""
    factors = (1, 2, 4, 8)
    sizes = [excitation(ADVECTED, ADVECTED.exact(0.0), DT / k, (1,), start).size[0] for k in factors]
    return -float(np.polyfit(np.log(factors), np.log(sizes), 1)[0])


def departure(start: str, raw: RAW | None, steps: int) -> float:
    """Return how far the forced mode is from its discrete steady state after so many steps."""
    dt = 0.9 * stability.largest_stable_dt(FORCED.problem, RAW())
    final = solve(FORCED.problem, FORCED.exact(0.0), steps * dt, dt=dt, start=start, filter=raw).final
    return relative_error(np.asarray(final), FORCED.settled, FORCED.grid)


def alternation_of_noise(raw: RAW | None, steps: int) -> Excitation:
    """Step noise, and measure its alternating part."""
    noise = np.random.default_rng(0).standard_normal(DIFFUSED.grid.shape)
    dt = 0.9 * stability.largest_stable_dt(DIFFUSED.problem, RAW())
    watched = [int(k) for k in np.geomspace(1, steps, 26).round()]
    return excitation(DIFFUSED, noise, dt, sorted(set(watched)), "heun", raw)


def _start_claims(started: dict[str, float], lasting: dict[str, Excitation]) -> list[Claim]:
    claims = [
        Claim(
            f"start={start!r} excites the computational mode at order {EXCITED[start]} ± {ORDER_TOLERANCE} in dt",
            abs(order - EXCITED[start]) < ORDER_TOLERANCE,
            f"{order:.3f}",
        )
        for start, order in started.items()
    ]
    size = lasting["copy, no filter"].size
    change = abs(size[-1] / size[0] - 1)
    claims.append(
        Claim(
            f"without diffusion and filter it stays, to 1e-9 over {WATCHED[-1]} steps", change < 1e-9, f"{change:.2g}"
        )
    )
    return claims


def _filter_claims(lasting: dict[str, Excitation], costs: dict[str, list[float]]) -> list[Claim]:
    size = dict(zip(*_pairs(lasting["copy, RAW"]), strict=True))
    measured = (size[15] / size[5]) ** (1 / 10)
    predicted = float(abs(filtered_roots(ADVECTED, DT, RAW())[1]))
    raw, half, one = (np.array(costs[name]) for name in FILTERS)
    fine = np.log(np.array(REFINED[-3:]))
    half_order, one_order = (-float(np.polyfit(fine, np.log(errors[-3:]), 1)[0]) for errors in (half, one))
    share = float(raw[-1] / one[-1])
    return [
        Claim(
            "with RAW(0.2, 0.53) it decays by the root of the filtered step, to 0.001",
            abs(measured - predicted) < 1e-3,
            f"{measured:.5f} against {predicted:.5f}",
        ),
        Claim(
            f"alpha = 1/2 changes the solution at order 2 ± {ORDER_TOLERANCE}",
            abs(half_order - 2) < ORDER_TOLERANCE,
            f"{half_order:.3f}",
        ),
        Claim(
            f"alpha = 1, Robert-Asselin, at order 1 ± {ORDER_TOLERANCE}",
            abs(one_order - 1) < ORDER_TOLERANCE,
            f"{one_order:.3f}",
        ),
        Claim(
            "alpha = 0.53 too is of order 1 in the end, with (0.53 - 1/2) / (1 - 1/2) = 6 % of that, ± 1.5 %",
            abs(share - 0.06) < 0.015,
            f"{100 * share:.2f} %",
        ),
    ]


def _long_claims(
    settled: dict[tuple[str, RAW | None], float], noise: dict[str, Excitation], length: int
) -> list[Claim]:
    worst = max(settled, key=lambda key: settled[key])
    plain, filtered = noise["no filter"].size, noise["RAW"].size
    since, then = _pairs(noise["no filter"])[0][-6], plain[-6]
    change = abs(plain[-1] / then - 1)
    return [
        Claim(
            f"no weak instability: after {length} steps the forced mode is within {SETTLED:g} of its steady state",
            settled[worst] < SETTLED,
            f"{settled[worst]:.2g} ({worst[0]}, {worst[1] or 'no filter'})",
        ),
        Claim(
            f"of noise, the checkerboard goes on alternating: the same size to 1 % from step {since} on",
            change < 0.01 and plain[-1] > 1e-4,
            f"{plain[-1]:.3g}",
        ),
        Claim("with RAW nothing alternates in the end, to 1e-12", filtered[-1] < 1e-12, f"{filtered[-1]:.2g}"),
    ]


def _pairs(found: Excitation) -> tuple[Sequence[int], Sequence[float]]:
    return found.steps, found.size


def draw_sizes(lasting: dict[str, Excitation]) -> Figure:
    """Draw the size of the computational mode against the step, for each start."""
    import matplotlib.pyplot as plt

    with house_style():
        figure, ax = plt.subplots(figsize=(6.8, 3.9))
        for (label, found), colour, marker in zip(lasting.items(), PALETTE, "os^D", strict=False):
            ax.loglog(*_pairs(found), marker=marker, color=colour)
            place = (found.steps[3], found.size[3]) if "RAW" in label else (found.steps[-1], found.size[-1])
            ax.annotate(label, place, xytext=(7, 0), textcoords="offset points", color=colour, va="center")
        ax.set(xlabel="step", ylabel="size of the computational mode / size of H", xlim=(0.8, 3e4))
        ax.set_title("A wave without diffusion: the part of H that alternates")
    return figure


def draw_noise(noise: dict[str, Excitation]) -> Figure:
    """Draw the alternating part of noise against the step."""
    import matplotlib.pyplot as plt

    with house_style():
        figure, ax = plt.subplots(figsize=(6.8, 3.9))
        for (label, found), colour, marker in zip(noise.items(), PALETTE, "os", strict=False):
            ax.loglog(found.steps, np.maximum(found.size, 1e-20), marker=marker, color=colour, label=label)
        ax.set(xlabel="step", ylabel="alternating part / noise at the start", ylim=(1e-20, 1))
        ax.set_title("Noise with advection and diffusion: what still alternates")
        ax.legend()
    return figure


STUDY = Study("modes", "The computational mode", QUESTION, run)
