"""Everything that a study leaves behind: tables, figures, and one page that holds both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nnbridge.data import Dataset, class_names
from nnbridge.reproduce import figures
from nnbridge.reproduce.mnist import CONFUSED, Summary, features, tables
from nnbridge.reproduce.study import Run
from solver.report import Page

_FIGURES = (
    (
        "confusion-matrices",
        "Confusion matrices",
        "Rows are true classes, columns predicted ones. Errors are coloured; the framed cells are {one} taken for "
        "{other} and {other} taken for {one}. Counts are means over the seeds.",
    ),
    (
        "learning-curves",
        "Learning curves",
        "Lines are means over the seeds; bands reach from the worst seed to the best.",
    ),
    (
        "feature-maps",
        "Feature maps",
        "Two test images of class {one} and two of class {other}. The convolution sees 3 x 3 neighbourhoods; the "
        "equation carries features along u = v, and spreads them, for five steps.",
    ),
)


def write(summaries: Sequence[Summary], runs: Sequence[Run], dataset: Dataset, out: Path) -> Path:
    """Write tables and figures below ``out`` and return the page ``out/report.html``."""
    tables.write(summaries, runs, out)
    config = runs[0].config
    page = Page(f"Three networks on {config.data}", "A convolution, a residual block and a PDE, with the same stem")
    page.section("Result")
    page.table(tables.columns(config.data), tables.rows(summaries, config.data), tables.note(runs))
    page.section(
        "Recipe",
        f"Stochastic gradient descent, learning rate {config.learning_rate:g}, Nesterov momentum {config.momentum:g}, "
        f"weight decay {config.weight_decay:g}, batches of {config.batch_size}, gradient norm clipped at "
        f"{config.clip_norm:g}, {config.epochs} epochs, {len(dataset.train):,} training and {len(dataset.test):,} test "
        f"images; pixels normalised by {dataset.normalised_by}.",
    )
    names = class_names(config.data)
    one, other = (names[label] for label in CONFUSED)
    drawings = (
        figures.confusion_matrices(runs, names, framed=(CONFUSED, CONFUSED[::-1])),
        figures.learning_curves(runs),
        features.feature_maps(runs, dataset),
    )
    for (name, heading, caption), figure in zip(_FIGURES, drawings, strict=True):
        page.section(heading)
        said = caption.format(one=one, other=other)
        page.figure(figure, f"{heading} of the three networks", said, out / f"{name}.png")
    return page.write(out / "report.html")
