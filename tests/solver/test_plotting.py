"""Pictures and animations of a solution: what is drawn where, and what is refused."""

import warnings

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.animation import FFMpegWriter

from solver import DiffusionAdvection, Grid, plotting, solve
from solver.plotting import animate_solution, colour_scale, house_style, plot_solution, show_field

GRID = Grid((8, 6), spacing=(0.5, 0.25), origin=(1.0, 2.0))


def solution(batch=(), save_at=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0)):
    problem = DiffusionAdvection(GRID, velocity=(0.3, 0.0), diffusivity=(0.02, 0.02))
    initial = np.random.default_rng(0).uniform(1, 2, (*batch, *GRID.shape))
    return solve(problem, initial, 1.0, dt=0.1, save_at=save_at, backend="numpy")


def images(figure):
    return [ax.images[0] for ax in figure.axes if ax.images]


def test_x_the_row_axis_points_right_and_y_upwards():
    values = np.zeros(GRID.shape)
    values[7, 0] = 1.0  # largest x, smallest y
    axes = plt.figure().add_subplot()
    image = show_field(axes, GRID, values, colour_scale(values))
    assert image.origin == "lower"
    assert image.get_array()[0, 7] == 1.0
    assert image.get_extent() == pytest.approx((0.75, 4.75, 1.875, 3.375))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")


@pytest.mark.parametrize(
    ("values", "cmap", "limits"),
    [
        ([0.0, 3.0], "viridis", (0.0, 3.0)),
        ([-0.1, 3.0], "viridis", (-0.1, 3.0)),
        ([-1.0, 3.0], "RdBu_r", (-3.0, 3.0)),
        ([-4.0, 3.0], "RdBu_r", (-4.0, 4.0)),
        ([-2.0, -1.0], "RdBu_r", (-2.0, 2.0)),
        ([np.nan, 1.0, np.inf, 2.0], "viridis", (1.0, 2.0)),
        ([np.nan], "viridis", (0.0, 1.0)),
    ],
)
def test_signed_values_get_a_diverging_map_centred_at_zero(values, cmap, limits):
    scale = colour_scale(np.array(values))
    assert (scale["cmap"], (scale["vmin"], scale["vmax"])) == (cmap, limits)


@pytest.mark.parametrize(
    ("panels", "times"), [(1, [1.0]), (2, [0, 1]), (3, [0, 0.4, 1]), (9, [0, 0.2, 0.4, 0.6, 0.8, 1])]
)
def test_panels_are_spread_over_the_saved_times_and_share_one_scale(panels, times):
    solved = solution()
    drawn = images(plot_solution(solved, panels=panels))
    shown = [float(image.axes.get_title(loc="left").removeprefix("t = ")) for image in drawn]
    assert shown == pytest.approx(times)
    assert len({image.get_clim() for image in drawn}) == 1
    np.testing.assert_array_equal(drawn[-1].get_array(), solved.final.T)


def test_a_plane_of_a_batch_is_chosen_by_its_index():
    solved = solution(batch=(2, 3))
    drawn = images(plot_solution(solved, plane=(1, -1)))
    np.testing.assert_array_equal(drawn[-1].get_array(), solved.final[1, 2].T)


@pytest.mark.parametrize(
    ("batch", "plane", "remedy"),
    [
        ((), (0,), "leave it out"),
        ((2,), (), r"leading dimensions \(2,\)"),
        ((2,), (2,), r"leading dimensions \(2,\)"),
    ],
)
def test_a_plane_that_does_not_exist_is_refused(batch, plane, remedy):
    with pytest.raises(ValueError, match=rf"`plane` is .*: .*{remedy}"):
        plot_solution(solution(batch), plane=plane)


def test_no_panels_are_refused():
    with pytest.raises(ValueError, match="`panels` is 0, but a picture needs at least 1"):
        plot_solution(solution(), panels=0)


def test_the_gif_has_a_frame_for_each_saved_field(tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="Pillow reads the animation back")
    open_before = plt.get_fignums()
    path = animate_solution(solution(), tmp_path / "new" / "run.gif", fps=10)
    with Image.open(path) as animation:
        assert animation.n_frames == 6
        assert animation.info["duration"] == 100
    assert plt.get_fignums() == open_before


@pytest.mark.skipif(not FFMpegWriter.isAvailable(), reason="ffmpeg is not installed")
def test_an_mp4_is_written_where_ffmpeg_is(tmp_path):
    assert animate_solution(solution(), tmp_path / "run.mp4").read_bytes()[4:8] == b"ftyp"


def test_an_mp4_without_ffmpeg_is_refused_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(ValueError, match=r"`path` ends in '.mp4', which needs ffmpeg: install it, or write a '.gif'"):
        animate_solution(solution(), tmp_path / "run.mp4")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`path` ends in '.avi', but .* '.gif' or '.mp4'"):
        animate_solution(solution(), tmp_path / "run.avi")


def test_one_saved_field_is_no_animation(tmp_path):
    with pytest.raises(ValueError, match=r"`solution` has 1 saved field.* pass `save_at`"):
        animate_solution(solution(save_at=(1.0,)), tmp_path / "run.gif")


def test_the_house_style_ends_with_its_block_and_knows_every_setting():
    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with house_style():
            assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(plotting.PALETTE)
    assert dict(mpl.rcParams) == before
