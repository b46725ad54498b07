"""Study: how fast waves travel and decay, by wavelength."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from solver.plotting import PALETTE, house_style
from solver.stability import stability_of
from validation.dispersion import (
    Numbers,
    Waves,
    decay_ratio,
    measured_roots,
    nearest,
    scheme_factor,
    speed_ratio,
)
from validation.presenting import ORDER_TOLERANCE
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """How fast does a wave travel, and how fast does it decay, compared with the equation? The curves are the
physical root of the amplification quadratic; the dots are measured: a run that starts from the wave and from nothing
before it contains both roots, and five of its levels tell them apart. Central differences make short waves lag; the
wave of two cells stands still. Diffusion alone damps long waves as it should, and short ones too little once B is
large. With both, DuFort-Frankel's telegraph term takes the fraction c² of the diffusivity along the flow, c the
stability number: the last panel shows why a large stable time step is not a good one."""

TRAVELLING = {f"A = {A:g}": Numbers(A, 0.0, 0.0, 0.0) for A in (0.1, 0.5, 0.9)}
SLANTED = {f"A = ({A:g}, {A:g})": Numbers(A, A, 0.0, 0.0) for A in (0.05, 0.25, 0.45)}
DECAYING = {f"B = {B:g}": Numbers(0.0, 0.0, B, B) for B in (0.05, 0.2, 1.0)}
BOTH = {f"A = {A:g}": Numbers(A, 0.0, 0.05, 0.05) for A in (0.07, 0.3, 0.6)}

CURVE = np.linspace(0.02, np.pi, 200)
CELLS = 48
MEASURED = (1, 2, 4, 6, 8, 12, 16, 20, 23)
LONG = np.geomspace(0.02, 0.1, 5)


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    panels = {"speed": TRAVELLING, "slanted": SLANTED, "decay": DECAYING, "both": BOTH}
    count = tuple(range(1, CELLS // 2)) if work.full else MEASURED
    angles = 2 * np.pi * np.array(count) / CELLS
    cases = [(panel, label, point) for panel, of_panel in panels.items() for label, point in of_panel.items()]
    measured, difference = {}, 0.0
    for panel, label, point in work.each(cases):
        theory = scheme_factor(point, Waves(angles, panel == "slanted"))
        found = [measured_roots(point, CELLS, m, panel == "slanted") for m in count]
        measured[panel, label] = np.array([nearest(pair, root) for pair, root in zip(found, theory, strict=True)])
        difference = max(difference, float(np.abs(measured[panel, label] - theory).max()))
    rows = [
        (label, cells, *values)
        for label, point in (TRAVELLING | BOTH).items()
        for cells, values in zip(WAVELENGTHS, _ratios(point), strict=True)
    ]
    return StudyResult(
        [
            Claim("measured and theoretical root of every wave agree to 1e-9", difference < 1e-9, f"{difference:.2g}"),
            *_claims(),
        ],
        [
            Table(
                "dispersion",
                ("case", "cells a wave", "speed / exact", "decay / exact"),
                rows,
                "Along x; B_x = B_y = 0.05 where there is decay.",
            )
        ],
        [
            Picture(
                "dispersion",
                draw(panels, measured, angles),
                "Four panels of ratios to the equation against the wavelength: 1 for long waves, then they part.",
            )
        ],
    )


WAVELENGTHS = (48, 24, 16, 12, 8, 6, 4)


def _ratios(point: Numbers) -> list[tuple[float, object]]:
    waves = Waves(2 * np.pi / np.array(WAVELENGTHS))
    factor = scheme_factor(point, waves)
    speeds: list[float] = speed_ratio(factor, point, waves).tolist()
    decays: list[object] = decay_ratio(factor, point, waves).tolist() if point.B_x else [""] * len(WAVELENGTHS)
    return list(zip(speeds, decays, strict=True))


def _claims() -> list[Claim]:
    """Judge the roots themselves: long waves, the shortest wave, and the price of the telegraph term."""
    long, shortest = Waves(LONG), Waves(np.array([np.pi]))
    travelling, decaying = TRAVELLING["A = 0.5"], DECAYING["B = 0.05"]
    lag = 1 - speed_ratio(scheme_factor(travelling, long), travelling, long)
    loss = np.abs(1 - decay_ratio(scheme_factor(decaying, long), decaying, long))
    lag_order, loss_order = (float(np.polyfit(np.log(LONG), np.log(error), 1)[0]) for error in (lag, loss))
    standing = max(abs(float(np.angle(scheme_factor(point, shortest))[0])) for point in TRAVELLING.values())
    moduli = max(float(np.max(np.abs(np.abs(scheme_factor(p, Waves(CURVE))) - 1))) for p in TRAVELLING.values())
    thefts = []
    for point in BOTH.values():
        taken = 1 - float(decay_ratio(scheme_factor(point, long), point, long)[0])
        number = float(stability_of(*(np.asarray(n) for n in point)))
        thefts.append(abs(taken / number**2 - 1))
    return [
        Claim(
            f"the lag of long waves falls at order 2 ± {ORDER_TOLERANCE} in the angle (A = 0.5)",
            abs(lag_order - 2) < ORDER_TOLERANCE,
            f"{lag_order:.3f}",
        ),
        Claim(
            "so does the error of their decay (B = 0.05)",
            abs(loss_order - 2) < ORDER_TOLERANCE,
            f"{loss_order:.3f}",
        ),
        Claim("the wave of two cells stands still, to 1e-12", standing < 1e-12, f"{standing:.2g}"),
        Claim("without diffusion no wave decays or grows, to 1e-12", moduli < 1e-12, f"{moduli:.2g}"),
        Claim(
            "the telegraph term takes the fraction c² of the decay of a long wave along the flow, within 5 %",
            max(thefts) < 0.05,
            f"off by {100 * max(thefts):.2g} % of it",
        ),
    ]  # fmt: skip


def draw(panels: Mapping[str, Mapping[str, Numbers]], measured: Mapping[tuple[str, str], Any], angles: Any) -> Figure:
    """Draw the ratios to the equation against the wavelength: theory as lines, runs as dots."""
    import matplotlib.pyplot as plt

    titles = {
        "speed": ("advection along x", "speed / exact speed", speed_ratio),
        "slanted": ("advection along the diagonal", "speed / exact speed", speed_ratio),
        "decay": ("diffusion, B_x = B_y = B", "decay / exact decay", decay_ratio),
        "both": ("both along x, B = 0.05", "decay / exact decay", decay_ratio),
    }
    with house_style():
        figure, axes = plt.subplots(2, 2, figsize=(8.2, 6.6), sharex=True)
        for ax, (panel, cases) in zip(axes.flat, panels.items(), strict=True):
            title, ylabel, ratio = titles[panel]
            slanted = panel == "slanted"
            ax.axhline(1, color="#777777", linestyle="--", linewidth=1.0)
            for (label, point), colour, marker in zip(cases.items(), PALETTE, "os^", strict=False):
                waves, dots = Waves(CURVE, slanted), Waves(angles, slanted)
                ax.plot(CURVE / np.pi, ratio(scheme_factor(point, waves), point, waves), color=colour)
                found = ratio(measured[panel, label], point, dots)
                ax.plot(angles / np.pi, found, marker, color=colour, markersize=4, label=label)
            ax.set(title=title, ylabel=ylabel, ylim=(0, 1.45), xlim=(0, 1))
            ax.legend(loc="upper right", fontsize=8)
        for ax in axes[1]:
            ax.set_xticks([0, 1 / 8, 1 / 4, 1 / 2, 1], ["∞", "16", "8", "4", "2"])
            ax.set(xlabel="cells a wave, along an axis")
    return figure


STUDY = Study("dispersion", "Dispersion and dissipation", QUESTION, run)
