"""Study: a steady boundary layer, resolved and not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solver import solve
from solver.plotting import PALETTE, house_style
from validation.convergence import Convergence, Path, Refinement, converge
from validation.presenting import convergence_table, order_claim
from validation.problems import BoundaryLayer, CornerLayer
from validation.problems.base import Field
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """A flow towards a wall that holds H = 1 makes a boundary layer, D/u thick, and the exact steady state is
an exponential. Central differences have a steady state of their own, H<sub>i</sub> ~ q<sup>i</sup> with
q = (2 + Pe)/(2 - Pe) and the cell Peclet number Pe = u dx/D: above Pe = 2 it changes sign from node to node. The scheme
should settle to exactly that, whatever the initial state: the wiggles are those of the grid, not of the time
stepping, and a finer grid at the wall is the cure. A product of two layers, one along each axis, tests walls whose
value varies: its error should fall at order 2."""

NODES = (41, 21, 11, 6)  # 0 to L: Pe = 0.5, 1, 2, 4
T_END = 10.0  # the slowest mode of any of these grids decays by exp(-25)


@dataclass(frozen=True)
class Settled:
    """A boundary layer after a run from H = 0 within."""

    layer: BoundaryLayer
    H: Field

    @property
    def from_discrete(self) -> float:
        """Largest difference from the steady state of the central differences."""
        return float(np.abs(self.H - self.layer.discrete()).max())

    @property
    def from_exact(self) -> float:
        """Largest difference from the exact solution."""
        return float(np.abs(self.H - self.layer.exact(T_END)).max())


def settle(layer: BoundaryLayer) -> Settled:
    """Run from H = 0 between the walls until nothing changes any more."""
    start = np.zeros(layer.grid.shape)
    return Settled(layer, solve(layer.problem, start, T_END).final)


def refine(work: Work) -> Convergence:
    """Refine the product of two layers along dt ~ dx^2, from its exact values to its discrete steady state."""
    corner = CornerLayer(rows=17, columns=19)
    factors = (1, 2, 4, 8) if work.full else (1, 2, 4)
    return converge(corner, Refinement(Path.DIFFUSIVE, dt=0.02, t_end=2.0, factors=factors))


def run(work: Work) -> StudyResult:
    """Settle, judge and draw."""
    settled = [settle(BoundaryLayer(rows=n)) for n in work.each(NODES, share=0.5)]
    order = refine(work)
    apart = max(of.from_discrete for of in settled)
    calm = [of for of in settled if of.layer.peclet <= 2]
    wild = [of for of in settled if of.layer.peclet > 2]
    below = min(float(of.H.min()) for of in calm)
    return StudyResult(
        claims=[
            Claim(
                "the scheme settles to the discrete steady state, to 1e-8, at every Pe", apart < 1e-8, f"{apart:.2g}"
            ),
            Claim("up to Pe = 2 it stays above 0, to 1e-8", below > -1e-8, f"{below:.2g}"),
            Claim(
                "above Pe = 2 it oscillates: by more than a tenth below 0",
                all(of.H.min() < -0.1 for of in wild),
                f"{max(float(of.H.min()) for of in wild):.3f}",
            ),
            order_claim("corner layer", order, 2),
        ],
        tables=[
            Table(
                "layer",
                ("nodes", "Pe", "lowest H", "largest error", "difference from the discrete steady state"),
                [
                    (of.layer.rows, of.layer.peclet, float(of.H.min()), of.from_exact, of.from_discrete)
                    for of in settled
                ],
            ),
            convergence_table("layer-orders", {"corner layer": order}),
        ],
        pictures=[
            Picture("layer", draw(settled), "Computed layers on the discrete curve; above Pe = 2 they oscillate.")
        ],
    )


def draw(settled: Sequence[Settled]) -> Figure:
    """Draw the computed nodes on the exact curve, one panel a grid."""
    import matplotlib.pyplot as plt

    fine = BoundaryLayer(rows=801)
    with house_style():
        figure, axes = plt.subplots(2, 2, figsize=(7.6, 5.6), sharex=True, sharey=True)
        for ax, of in zip(axes.flat, settled, strict=True):
            x = of.layer.grid.x
            ax.plot(fine.grid.x, fine.exact(0.0)[:, 0], color="#777777", linewidth=1.2, label="exact")
            ax.plot(x, of.layer.discrete()[:, 0], color=PALETTE[0], linewidth=1.2, label="discrete steady state")
            ax.plot(x, of.H[:, 0], "o", color=PALETTE[1], label="computed")
            ax.set_title(f"Pe = {of.layer.peclet:g}, {of.layer.rows} nodes")
            ax.set(xlabel="x", ylabel="H", xlim=(0.5, 1.01))
            ax.label_outer()
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        figure.suptitle("Boundary layer at a wall that holds H = 1, D / u = 0.05", fontsize="medium")
    return figure


STUDY = Study("layer", "Boundary layer", QUESTION, run, weight=0.1)
