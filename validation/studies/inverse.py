"""Study: diffusivity and velocity are found again from noisy pictures, through the adjoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from solver.plotting import PALETTE, colour_scale, house_style, show_field
from validation.inverse import Misfit, velocity
from validation.plumes import Experiment, Recovery, lattice, recover
from validation.sensitivity import central_difference
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """In a closed box, D(x, y) and a velocity with the stream function ψ(x, y) are unknown. Plumes are let go,
one at a time, and a few pictures taken of each while it drifts and spreads, with noise in every cell of 1 % of its
first height. The pictures come from a grid twice as fine and a quarter of the time step, so that the fit cannot
repeat its own errors. Starting from the same D everywhere and no flow, scipy's L-BFGS minimises the misfit plus a
term that asks for smoothness (a Gaussian prior: log D varies by 0.7, and both fields over a length of 0.12). Each
gradient, with respect to D and ψ of every cell, costs one run and one adjoint run. <b>What pictures cannot tell:</b>
where no plume comes, the prior alone decides; the last figure shows it, with one plume. Nor do they tell structures
so fine that their trace is lost in the noise: there the prior smooths. And it is taken for granted that the flow is
free of divergence, that Dx = Dy, and that both are steady."""

GRADIENT_TOLERANCE = 1e-7
NOISE_LEVEL = 0.05

QUICK = Experiment(24, lattice(2), dt=0.02, steps=(10, 20, 30))
FULL = Experiment(64, lattice(3), dt=0.0025, steps=(40, 120, 240, 360))
ONE_PLACE = ((0.25, 0.7),)


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    experiment, iterations, bounds = (FULL, 150, (0.04, 0.06)) if work.full else (QUICK, 60, (0.1, 0.15))
    lonely = Experiment(experiment.rows, ONE_PLACE, experiment.dt, experiment.steps)
    every = recover(experiment, iterations, ticks(work, iterations, 0.85))
    one = recover(lonely, iterations, ticks(work, iterations, 1.0))
    gradients = gradient_differences(every.misfit)
    return StudyResult(
        claims=[*_claims(every, gradients, bounds), *_limits(one)],
        tables=[_table(every, one, gradients)],
        pictures=[
            Picture(
                "inverse",
                draw_fields(every),
                "Upper row: D as guessed, true, recovered, and the error; lower row: the same of the stream function.",
                f"{len(experiment.places)} plumes, {len(experiment.steps)} pictures of each. Lines: ψ, along which it "
                "flows.",
            ),
            Picture(
                "inverse-history",
                draw_history(every),
                "The misfit falls to the noise level; the errors of D and of the velocity fall with it.",
                "Once at the noise level, more iterations fit a little of the noise, and the errors rise again.",
            ),
            Picture(
                "inverse-one-plume",
                draw_reach(one),
                "Of one plume: where it came, D is recovered; elsewhere D stays at the guess.",
                "Dashed: where the plume exceeds twice the noise, at first or in a picture. Arrows: the true velocity.",
            ),
        ],
    )


def ticks(work: Work, iterations: int, share: float) -> Callable[[], object]:
    """Return a function that reports one more iteration of a fit that is part of the study."""
    steps = work.each(range(iterations + 2), share)  # of w = 0 too; the last is left for what follows
    return lambda: next(steps, None)


def gradient_differences(misfit: Misfit) -> dict[str, float]:
    """Return the relative difference of the derivative by adjoint and by differences, at the start and elsewhere."""
    draw = np.random.default_rng(3)
    size = 2 * misfit.prior.grid.shape[0] * misfit.prior.grid.shape[1]
    found = {}
    for place, w in (("at the start", np.zeros(size)), ("at a random place", 0.2 * draw.normal(size=size))):
        direction = draw.normal(size=size)
        by_adjoint = float(misfit(w)[1] @ direction)
        by_differences = central_difference(lambda e, w=w, d=direction: misfit(w + e * d)[0], 2e-4)  # type: ignore[misc]
        found[place] = abs(by_adjoint / by_differences - 1)
    return found


def _claims(every: Recovery, gradients: dict[str, float], bounds: tuple[float, float]) -> list[Claim]:
    first, last = every.history[0], every.history[-1]
    worst = max(gradients, key=gradients.__getitem__)
    return [
        Claim(
            f"the gradient of the misfit agrees with central differences to {GRADIENT_TOLERANCE:g}",
            gradients[worst] < GRADIENT_TOLERANCE,
            f"{gradients[worst]:.2g} ({worst})",
        ),
        Claim(
            "the mean square of the residuals begins above 10 times the noise's",
            first[0] > 10,
            f"{first[0]:.3g}",
        ),
        Claim(
            f"and ends at it, neither above (not fitted) nor below (noise fitted): 1 ± {NOISE_LEVEL}",
            abs(last[0] - 1) < NOISE_LEVEL,
            f"{last[0]:.4f} after {len(every.history) - 1} iterations",
        ),
        *(
            Claim(
                f"the relative error of {name} falls below {100 * bound:g} %",
                end < bound < begin,
                f"{100 * begin:.3g} % → {100 * end:.2g} %",
            )
            for name, begin, end, bound in zip(("D", "the velocity"), first[1:], last[1:], bounds, strict=True)
        ),
    ]


def _limits(one: Recovery) -> list[Claim]:
    (near, guess_near), (far, guess_far) = one.log_errors(one.reached), one.log_errors(~one.reached)
    return [
        Claim(
            "with one plume, the error of log D is less than half of the guess's where the plume came",
            near < guess_near / 2,
            f"{near:.3f} against {guess_near:.3f}",
        ),
        Claim(
            "and more than 80 % of it where it did not: there D is not identifiable",
            far > 0.8 * guess_far,
            f"{far:.3f} against {guess_far:.3f}",
        ),
    ]


def _table(every: Recovery, one: Recovery, gradients: dict[str, float]) -> Table:
    rows = [
        (
            f"{len(r.misfit.observations.initial)} plumes" if r is every else "1 plume",
            r.misfit.observations.H.size,
            len(r.history) - 1,
            *(float(value) for pair in zip(r.history[0], r.history[-1], strict=True) for value in pair),
        )
        for r in (every, one)
    ]
    columns = ("experiment", "observations", "iterations", "residual² / noise² at first", "at last",
               "error of D at first", "at last", "error of velocity at first", "at last")  # fmt: skip
    checks = ", ".join(f"{value:.2g} {place}" for place, value in gradients.items())
    return Table("inverse", columns, rows, f"Gradient by adjoint against central differences: {checks}.")


def draw_fields(every: Recovery) -> Figure:
    """Draw guess, truth, what was found, and the error, of D and of psi."""
    import matplotlib.pyplot as plt

    grid, guess, truth, found = every.misfit.prior.grid, every.guess, every.truth, every.found
    rows = (
        ("D", guess.D, truth.D, found.D),
        ("ψ", guess.psi, truth.psi, found.psi),
    )
    with house_style():
        figure, axes = plt.subplots(2, 4, figsize=(12.0, 5.4), sharex=True, sharey=True, layout="compressed")
        for line, (name, first, true, recovered) in zip(axes, rows, strict=True):
            scale, error = colour_scale(true), recovered - true
            panels = (
                (f"{name}, guess", first, scale),
                (f"{name}, true", true, scale),
                (f"{name}, recovered", recovered, scale),
                (f"{name}, recovered - true", error, colour_scale(error)),
            )
            for ax, (title, values, limits) in zip(line, panels, strict=True):
                image = show_field(ax, grid, values, limits)
                if name == "ψ" and values is not error and np.ptp(values) > 0:
                    levels = np.linspace(-0.9, 0.9, 10) * scale["vmax"]
                    ax.contour(grid.x, grid.y, values.T, levels=levels, colors="#000000", linewidths=0.6)
                ax.set_title(title)
                ax.label_outer()
                figure.colorbar(image, ax=ax, shrink=0.8).ax.ticklabel_format(scilimits=(-2, 2))
    return figure


def draw_history(every: Recovery) -> Figure:
    """Draw misfit and errors against the iteration."""
    import matplotlib.pyplot as plt

    misfit, of_D, of_velocity = every.history.T
    with house_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.6))
        left.semilogy(misfit)
        left.axhline(1, color="#777777", linestyle="--", linewidth=1.2)
        left.annotate("noise", (len(misfit) - 1, 1), xytext=(0, 5), textcoords="offset points", ha="right")
        left.set(title="mean square residual / noise²", xlabel="iteration", ylim=(0.7, None))
        right.semilogy(of_D, label="D")
        right.semilogy(of_velocity, label="velocity", linestyle="--")
        right.set(title="relative error (L2)", xlabel="iteration")
        right.legend()
    return figure


def draw_reach(one: Recovery) -> Figure:
    """Draw true and recovered D, and the error of log D, with the outline of where the plume came."""
    import matplotlib.pyplot as plt

    grid, truth, found = one.misfit.prior.grid, one.truth, one.found
    scale, error = colour_scale(truth.D), np.log(found.D / truth.D)
    panels = (
        ("D, true", truth.D, scale),
        ("D, recovered from one plume", found.D, scale),
        ("log D, recovered - true", error, colour_scale(error)),
    )
    with house_style():
        figure, axes = plt.subplots(1, 3, figsize=(10.0, 3.4), sharey=True, layout="compressed")
        for ax, (title, values, limits) in zip(axes, panels, strict=True):
            figure.colorbar(show_field(ax, grid, values, limits), ax=ax, shrink=0.85)
            _outline(ax, one, "#FFFFFF" if ax is not axes[2] else "#000000")
            ax.set_title(title)
            ax.label_outer()
        u, v = velocity(truth.psi, grid)
        every = max(1, grid.shape[0] // 12)
        axes[0].quiver(grid.x[::every], grid.y[::every], u[::every, ::every].T, v[::every, ::every].T,
                       color=PALETTE[4], width=0.004)  # fmt: skip
    return figure


def _outline(ax: Any, one: Recovery, colour: str) -> None:
    grid = one.misfit.prior.grid
    ax.contour(
        grid.x, grid.y, one.reached.T.astype(float), levels=[0.5], colors=colour, linestyles="--", linewidths=1.6
    )


STUDY = Study("inverse", "An inverse problem", QUESTION, run, weight=2.5)
