"""Pictures and animations of a solution, and the style that every figure of the project shares.

matplotlib is imported inside the functions, so that ``import solver`` stays light.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from solver.grid import Grid
    from solver.solution import Solution

#: Okabe & Ito's colours, which stay apart under every common colour blindness; the light ones come last.
PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")


@contextmanager
def house_style() -> Iterator[None]:
    """Draw every figure that is made inside the ``with`` block in the project's style."""
    import matplotlib as mpl
    from cycler import cycler

    style: dict[Any, Any] = {
        "axes.prop_cycle": cycler(color=PALETTE),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.titlesize": "medium",
        "axes.titlelocation": "left",
        "grid.color": "#DDDDDD",
        "grid.linewidth": 0.6,
        "font.size": 11.0,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "lines.markersize": 5.0,
        "image.cmap": "viridis",
        "image.interpolation": "nearest",
        "figure.constrained_layout.use": True,
        "savefig.dpi": 150,
    }
    with mpl.rc_context(style):
        yield


def colour_scale(values: Any) -> dict[str, Any]:
    """Choose colour map and limits: diverging and centred at 0 where ``values`` are signed, else viridis.

    Values that dip below zero by less than 5 % of their maximum do not count as signed: the undershoot of a
    dispersive scheme should not turn the picture of a concentration into that of a wave. Returns the keyword
    arguments ``cmap``, ``vmin`` and ``vmax`` of matplotlib's ``imshow``; non-finite values are left out.
    """
    finite = np.asarray(values)[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low < 0.0 and -low > 0.05 * high:
        reach = max(-low, high)
        return {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    return {"cmap": "viridis", "vmin": low, "vmax": high}


def show_field(axes: Any, grid: Grid, values: Any, scale: dict[str, Any]) -> AxesImage:
    """Draw one field, (rows, columns), with x (the row axis) to the right and y (the column axis) upwards.

    ``scale`` is what `colour_scale` returns; each grid point is the centre of its pixel.
    """
    (x, y), (dx, dy) = (grid.x, grid.y), grid.spacing
    extent = (x[0] - dx / 2, x[-1] + dx / 2, y[0] - dy / 2, y[-1] + dy / 2)
    image: AxesImage = axes.imshow(np.asarray(values).T, origin="lower", extent=extent, **scale)
    axes.grid(False)
    axes.set(xlabel="x", ylabel="y")
    return image


def plot_solution(solution: Solution, *, plane: tuple[int, ...] = (), panels: int = 4) -> Figure:
    """Draw the saved fields side by side, on one colour scale.

    Parameters
    ----------
    solution
        What `solver.solve` returned.
    plane
        Which plane of a batch: one index for each leading dimension. Default ``()``: there is none.
    panels
        The largest number of fields drawn, at least 1; evenly chosen from the saved ones, first and last
        included (the last alone for 1).

    Raises
    ------
    ValueError
        If ``plane`` does not select one plane, or ``panels`` is less than 1.
    """
    import matplotlib.pyplot as plt

    if panels < 1:
        raise ValueError(f"`panels` is {panels}, but a picture needs at least 1")
    fields, times = _plane_of(solution, plane), solution.times
    if not len(fields):  # stopped before the first save: the last good state is there to be seen
        fields, times = solution.final[plane or (0,) * (solution.final.ndim - 2)][None], np.array([solution.time])
    last = len(fields) - 1
    chosen = np.unique(np.linspace(last, 0, min(panels, last + 1)).round().astype(int))
    scale = colour_scale(fields[chosen])
    with house_style():
        figure, axes = plt.subplots(
            1,
            len(chosen),
            figsize=(1.2 + 2.6 * len(chosen), 0.9 + _height(solution.grid, 2.6)),
            sharey=True,
            squeeze=False,
            layout="compressed",
        )
        for ax, index in zip(axes[0], chosen, strict=True):
            image = show_field(ax, solution.grid, fields[index], scale)
            ax.set_title(f"t = {times[index]:.4g}")
            ax.label_outer()
        figure.colorbar(image, ax=axes[0].tolist(), label="H")
    return figure


def animate_solution(solution: Solution, path: str | Path, *, plane: tuple[int, ...] = (), fps: int = 20) -> Path:
    """Write the saved fields as an animation, one frame each, on one colour scale.

    Parameters
    ----------
    solution
        What `solver.solve` returned, with two saved times or more (``save_at``).
    path
        Ends in ``.gif`` (written by Pillow) or ``.mp4`` (needs the program ffmpeg).
    plane
        Which plane of a batch: one index for each leading dimension. Default ``()``: there is none.
    fps
        Frames per second, default 20.

    Returns
    -------
    Path
        The file written; its folder is made if it is missing.

    Raises
    ------
    ValueError
        If ``path`` ends otherwise, ffmpeg is missing, fewer than two fields are saved, or ``plane`` does not
        select one plane.
    """
    import matplotlib.pyplot as plt

    path = Path(path)
    writer = _writer(path, fps)
    fields = _plane_of(solution, plane)
    if len(fields) < 2:
        raise ValueError(f"`solution` has {len(fields)} saved field(s), an animation needs 2: pass `save_at` to solve")
    with house_style():
        figure, ax = plt.subplots(figsize=(5.4, 0.9 + _height(solution.grid, 4.2)), layout="compressed")
        image = show_field(ax, solution.grid, fields[0], colour_scale(fields))
        figure.colorbar(image, ax=ax, label="H")
        title = ax.set_title("t = 0")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once: a new layout for each frame takes most of the time

        path.parent.mkdir(parents=True, exist_ok=True)
        with writer.saving(figure, path, dpi=100):
            for field, time in zip(fields, solution.times, strict=True):
                image.set_data(field.T)
                title.set_text(f"t = {time:.4g}")
                writer.grab_frame()
        plt.close(figure)
    return path


def _height(grid: Grid, width: float) -> float:
    """Return the height of a panel of ``width`` that shows the grid to scale, within reason."""
    Lx, Ly = grid.lengths
    return width * min(max(Ly / Lx, 0.3), 2.0)


def _plane_of(solution: Solution, plane: tuple[int, ...]) -> Any:
    """Return the saved fields of one plane of the batch, (times, rows, columns)."""
    batch = solution.fields.shape[1:-2]
    if len(plane) != len(batch) or not all(-n <= i < n for i, n in zip(plane, batch, strict=True)):
        remedy = "leave it out" if not batch else f"give one index for each of the leading dimensions {batch}"
        raise ValueError(f"`plane` is {plane}, which does not select one plane: {remedy}")
    index: tuple[Any, ...] = (slice(None), *plane)
    return solution.fields[index]


def _writer(path: Path, fps: int) -> Any:
    """Choose the writer of matplotlib by the ending of ``path``."""
    from matplotlib.animation import FFMpegWriter, PillowWriter

    if path.suffix == ".gif":
        return PillowWriter(fps=fps)
    if path.suffix != ".mp4":
        raise ValueError(f"`path` ends in {path.suffix!r}, but an animation is written to '.gif' or '.mp4'")
    if not FFMpegWriter.isAvailable():
        raise ValueError("`path` ends in '.mp4', which needs ffmpeg: install it, or write a '.gif'")
    return FFMpegWriter(fps=fps)
