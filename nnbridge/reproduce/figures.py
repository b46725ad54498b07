"""Figures of a study, a curve or a panel for each row of its table: confusion matrices and learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from nnbridge.reproduce.study import Run, by_row
from solver.plotting import PALETTE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS: Final = "os^Dv<>P"
_ACROSS: Final = 3  # panels in a row
_READABLE: Final = 20  # classes whose counts can be read as numbers


def confusion_matrices(runs: Sequence[Run], classes: Sequence[str], framed: Sequence[tuple[int, int]] = ()) -> Figure:
    """Draw the mean over seeds of the confusion matrix of each row: errors coloured, those of ``framed`` framed.

    ``classes`` are names; of more than 20 the counts are not written into the cells.
    """
    means = {row: np.mean([run.metrics.confusion for run in own], axis=0) for row, own in by_row(runs).items()}
    errors = {row: np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix) for row, matrix in means.items()}
    top = max(float(np.nanmax(matrix)) for matrix in errors.values())
    down, across = -(-len(means) // _ACROSS), min(len(means), _ACROSS)
    with house_style():
        figure, axes = plt.subplots(
            down, across, figsize=(4.7 * across, 4.7 * down + 0.3), sharex=True, sharey=True, squeeze=False
        )
        for ax in axes.flat[len(means) :]:
            ax.set_visible(False)
        for ax, (row, matrix) in zip(axes.flat, means.items(), strict=False):
            image = ax.imshow(errors[row], cmap="cividis", vmin=0, vmax=max(top, 1.0))
            accuracy = 100 * np.trace(matrix) / matrix.sum()
            ax.set(title=f"{row}: {accuracy:.2f} % right")
            ax.grid(False)
            if len(classes) <= _READABLE:
                _write_counts(ax, matrix, top)
                ax.set_xticks(range(len(classes)), classes)
                if max(map(len, classes)) > 2:  # each word ends below its column
                    plt.setp(ax.get_xticklabels(), rotation=60, ha="right", rotation_mode="anchor")
                ax.set_yticks(range(len(classes)), classes)
            for true, predicted in framed:
                ax.add_patch(Rectangle((predicted - 0.5, true - 0.5), 1, 1, fill=False, ec=PALETTE[1], lw=2.2))
        for ax in axes[:, 0]:
            ax.set_ylabel("true class")
        for column in range(across):
            lowest = axes[(len(means) - 1 - column) // across, column]
            lowest.set_xlabel("predicted class")
            lowest.tick_params(labelbottom=True)
        figure.colorbar(image, ax=axes, label="test images in error, mean over seeds", fraction=0.025, pad=0.01)
    return figure


def _write_counts(ax: Axes, matrix: np.ndarray, top: float) -> None:
    for (true, predicted), count in np.ndenumerate(matrix):
        ink = "black" if true == predicted or count > 0.55 * top else "white"
        text = f"{count:.0f}" if count >= 100 else f"{count:.3g}"
        ax.text(predicted, true, text, ha="center", va="center", fontsize=7.5, color=ink)


def learning_curves(runs: Sequence[Run]) -> Figure:
    """Draw training loss and test accuracy by epoch: mean over seeds, with the range as a band."""
    with house_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(11.0, 4.2))
        for number, (row, own) in enumerate(by_row(runs).items()):
            _curve(left, row, number, [[epoch.train_loss for epoch in run.history] for run in own])
            _curve(right, row, number, [[epoch.test_accuracy for epoch in run.history] for run in own])
        left.set(xlabel="epoch", ylabel="training loss (cross entropy)", title="Training loss", yscale="log")
        for ax in (left, right):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        _label_losses(left)
        right.set(xlabel="epoch", ylabel="test accuracy, %", title="Test accuracy")
        _show_the_ends(right, runs)
        right.legend(loc="best")
    return figure


def _curve(ax: Axes, row: str, number: int, curves: Sequence[Sequence[float]]) -> None:
    colour, marker = PALETTE[number % len(PALETTE)], _MARKERS[number % len(_MARKERS)]
    values = np.array(curves)
    epochs = np.arange(1, values.shape[1] + 1)
    every = max(1, len(epochs) // 10)
    ax.plot(epochs, values.mean(axis=0), color=colour, marker=marker, markevery=every, label=row)
    ax.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, lw=0)


def _label_losses(ax: Axes) -> None:
    """Label 1, 2 and 5 of each decade, or, where hardly any of these is in sight, round numbers."""
    (low, high), decades = ax.get_ylim(), LogLocator(subs=(1, 2, 5))
    in_sight = [tick for tick in decades.tick_values(low, high) if low <= tick <= high]
    ax.yaxis.set_major_locator(decades if len(in_sight) > 2 else MaxNLocator(5))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())


def _show_the_ends(ax: Axes, runs: Sequence[Run]) -> None:
    """Leave the steep first tenth out of sight, so that the ends of the curves can be told apart, but no later fall."""
    shown = [record.test_accuracy for run in runs for record in run.history[len(run.history) // 10 :]]
    ax.set_ylim(min(shown) - 2.0, max(shown) + 1.0)
