"""Figures of a study: confusion matrices and learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from nnbridge.reproduce.study import CONFUSED, Run
from nnbridge.training import BACKBONES
from solver.plotting import PALETTE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE: Final = {
    "convolution": (PALETTE[0], "o"),
    "residual": (PALETTE[1], "s"),
    "pde": (PALETTE[2], "^"),
}


def confusion_matrices(runs: Sequence[Run]) -> Figure:
    """Draw the mean over seeds of each network's confusion matrix, errors coloured, 3↔5 framed."""
    means = {
        backbone: np.mean([run.metrics.confusion for run in runs if run.config.backbone == backbone], axis=0)
        for backbone in BACKBONES
    }
    errors = {backbone: np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix) for backbone, matrix in means.items()}
    top = max(float(np.nanmax(matrix)) for matrix in errors.values())
    with house_style():
        figure, axes = plt.subplots(1, 3, figsize=(14.0, 5.0), sharey=True)
        for ax, backbone in zip(axes, BACKBONES, strict=True):
            image = ax.imshow(errors[backbone], cmap="cividis", vmin=0, vmax=max(top, 1.0))
            for (true, predicted), count in np.ndenumerate(means[backbone]):
                ink = "black" if true == predicted or count > 0.55 * top else "white"
                ax.text(
                    predicted,
                    true,
                    f"{count:.0f}" if count >= 100 else f"{count:.3g}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color=ink,
                )
            for true, predicted in (CONFUSED, CONFUSED[::-1]):
                ax.add_patch(Rectangle((predicted - 0.5, true - 0.5), 1, 1, fill=False, ec=PALETTE[1], lw=2.2))
            accuracy = 100 * np.trace(means[backbone]) / means[backbone].sum()
            ax.set(title=f"{backbone}: {accuracy:.2f} % right", xlabel="predicted class")
            ax.set(xticks=range(10), yticks=range(10))
            ax.grid(False)
        axes[0].set_ylabel("true class")
        figure.colorbar(image, ax=axes, label="test images in error, mean over seeds", fraction=0.025, pad=0.01)
    return figure


def learning_curves(runs: Sequence[Run]) -> Figure:
    """Draw training loss and test accuracy by epoch: mean over seeds, with the range as a band."""
    with house_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(11.0, 4.2))
        for backbone in BACKBONES:
            own = [run for run in runs if run.config.backbone == backbone]
            _curve(left, backbone, [[epoch.train_loss for epoch in run.history] for run in own])
            _curve(right, backbone, [[epoch.test_accuracy for epoch in run.history] for run in own])
        left.set(xlabel="epoch", ylabel="training loss (cross entropy)", title="Training loss", yscale="log")
        for ax in (left, right):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        left.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        left.yaxis.set_major_formatter("{x:g}")
        left.yaxis.set_minor_locator(NullLocator())
        right.set(xlabel="epoch", ylabel="test accuracy, %", title="Test accuracy")
        _show_the_ends(right, runs)
        right.legend(loc="lower right")
    return figure


def _curve(ax: Axes, backbone: str, curves: Sequence[Sequence[float]]) -> None:
    colour, marker = _STYLE[backbone]
    values = np.array(curves)
    epochs = np.arange(1, values.shape[1] + 1)
    every = max(1, len(epochs) // 10)
    ax.plot(epochs, values.mean(axis=0), color=colour, marker=marker, markevery=every, label=backbone)
    ax.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, lw=0)


def _show_the_ends(ax: Axes, runs: Sequence[Run]) -> None:
    """Leave the steep first epochs out of sight, so that the ends of the curves can be told apart."""
    ends = [record.test_accuracy for run in runs for record in run.history[len(run.history) // 2 :]]
    ax.set_ylim(min(ends) - 2.0, max(ends) + 1.0)
