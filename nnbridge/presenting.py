"""What the commands print: tables of networks, of confusions and of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.table import Table

from nnbridge.models.cost import Cost

if TYPE_CHECKING:
    from nnbridge.training import Guess

MOST_COLUMNS: Final = 10  # of a table of confusions: more do not fit a terminal
MOST_ROWS: Final = 15


def cost_table(costs: Mapping[str, Cost]) -> Table:
    """Return a row for each network."""
    table = Table(title="one image in evaluation; MACs are multiply-adds", title_justify="left")
    table.add_column("network")
    for name in ("parameters", "MACs", "MACs of the PDE", "depth"):
        table.add_column(name, justify="right")
    for name, cost in costs.items():
        table.add_row(name, f"{cost.parameters:,}", f"{cost.macs:,}", f"{cost.pde_macs:,}", str(cost.depth))
    return table


def cost_line(name: str, cost: Cost) -> str:
    """Return what a network costs, in a line."""
    pde = f" and {cost.pde_macs:,} of the PDE" if cost.pde_macs else ""
    return f"{name}: {cost.parameters:,} parameters, {cost.macs:,} MACs{pde} an image, depth {cost.depth}"


def confusion_table(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Table:
    """Return all counts of true and predicted classes; of more than ten classes the errors made most often."""
    return _all_counts(matrix, names) if len(names) <= MOST_COLUMNS else _largest_errors(matrix, names)


def _all_counts(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Table:
    table = Table(title="test images: rows are true classes, columns predicted ones", title_justify="left")
    table.add_column("")
    for label in range(len(names)):
        table.add_column(str(label), justify="right")
    for label, (name, counts) in enumerate(zip(names, matrix, strict=True)):
        table.add_row(name if name == str(label) else f"{label} {name}", *map(str, counts))
    return table


def _largest_errors(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Table:
    from nnbridge.training.evaluation import largest_confusions

    table = Table("true class", "predicted", title="errors made most often", title_justify="left")
    table.add_column("test images", justify="right")
    for true, predicted, images in largest_confusions(matrix, MOST_ROWS):
        table.add_row(names[true], names[predicted], f"{images} of {sum(matrix[true])}")
    return table


def prediction_table(guesses: Mapping[str, Sequence[Guess]]) -> Table:
    """Return the likeliest classes of each picture."""
    table = Table("picture", "class", title="the confidence is not calibrated", title_justify="left")
    table.add_column("confidence", justify="right")
    for picture, classes in guesses.items():
        for place, guess in enumerate(classes):
            table.add_row("" if place else picture, guess.name, f"{100 * guess.confidence:.1f} %")
        table.add_section()
    return table
