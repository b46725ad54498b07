"""Whatever must be refused is refused, by an error that names the argument, wherever the fault hides."""

import math
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scheme_kinds import AXES

import solver
from solver import RAW, DiffusionAdvection, Dirichlet, Grid, Sides

SHAPE = (4, 5)
GRID = Grid(SHAPE)
cells = st.tuples(st.integers(0, 3), st.integers(0, 4))
not_finite = st.sampled_from([math.nan, math.inf, -math.inf])
not_positive = st.one_of(st.floats(max_value=0.0), st.just(math.nan), st.just(math.inf))
words = st.text(st.characters(categories=["L", "N"]), max_size=12)
KINDS = ("periodic", "no-flux", "dirichlet")


def with_one(value, cell, base=0.1):
    field = np.full(SHAPE, base)
    field[cell] = value
    return field


COEFFICIENTS = {
    "`velocity` u": lambda c: {"velocity": (c, 0.0)},
    "`velocity` v": lambda c: {"velocity": (0.0, c)},
    "`diffusivity` Dx": lambda c: {"diffusivity": (c, 0.1)},
    "`diffusivity` Dy": lambda c: {"diffusivity": (0.1, c)},
    "`source` f": lambda c: {"source": c},
}
names = st.sampled_from(sorted(COEFFICIENTS))


def build(**changes):
    return DiffusionAdvection(**({"grid": GRID, "velocity": (0.0, 0.0), "diffusivity": (0.1, 0.1)} | changes))


def refused(error, pattern, function, *arguments, **choices):
    with pytest.raises(error, match=pattern):
        function(*arguments, **choices)


@given(name=names, cell=cells, value=not_finite)
def test_a_coefficient_that_is_not_finite_anywhere(name, cell, value):
    place = re.escape(f"{name} is not finite at ({cell[0]}, {cell[1]})")
    refused(ValueError, place, build, **COEFFICIENTS[name](with_one(value, cell)))


@given(name=st.sampled_from(["`diffusivity` Dx", "`diffusivity` Dy"]), cell=cells, value=st.floats(-1e6, -1e-12))
def test_a_diffusivity_that_is_negative_anywhere(name, cell, value):
    refused(ValueError, f"{name} has the negative value", build, **COEFFICIENTS[name](with_one(value, cell)))


@given(name=names, shape=st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple))
def test_a_coefficient_of_a_shape_that_does_not_fit(name, shape):
    tail = (1, *shape)[-2:]
    assume(not all(size in (1, whole) for size, whole in zip(tail, SHAPE, strict=True)))
    refused(ValueError, re.escape(f"{name} has shape {shape}"), build, **COEFFICIENTS[name](np.ones(shape)))


@given(name=names, value=st.one_of(words, st.just(1j), st.none(), st.just([[1.0], [1.0, 2.0]])))
def test_a_coefficient_that_is_no_number(name, value):
    refused(TypeError, name, build, **COEFFICIENTS[name](value))


@given(form=st.sampled_from(["advection", "diffusion"]), word=words)
def test_an_unknown_form(form, word):
    assume(word not in ("product", "skew", "flux", "laplacian"))
    refused(ValueError, f"`{form}` is '{word}': it takes", build, **{form: word})


@given(kinds=st.tuples(*[st.sampled_from(KINDS)] * 4), shape=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_sides_are_taken_or_refused_by_two_rules(kinds, shape):
    """A period has two ends; a row and a column are left between Dirichlet walls."""

    def make():
        return Grid(shape, boundary=Sides(*(Dirichlet(1.0) if kind == "dirichlet" else kind for kind in kinds)))

    paired = all((a == "periodic") == (b == "periodic") for a, b in (kinds[:2], kinds[2:]))
    walls = [sum(kind == "dirichlet" for kind in ends) for ends in (kinds[:2], kinds[2:])]
    if not paired:
        refused(ValueError, "a period has two ends", make)
    elif any(size <= n for size, n in zip(shape, walls, strict=True)):
        refused(ValueError, "would lie on Dirichlet walls", make)
    else:
        assert make().sides.kinds == kinds


@given(side=st.sampled_from(["north", "south", "west", "east"]), size=st.integers(2, 9), last=st.integers(0, 3))
def test_walls_whose_values_do_not_fit_or_are_not_finite(side, size, last):
    opposite = {"north": "south", "south": "north", "west": "east", "east": "west"}[side]
    length = 5 if side in ("north", "south") else 4

    def make(values):
        return Grid(SHAPE, boundary=Sides(**{side: Dirichlet(values), opposite: "no-flux"}))

    if size != length:
        refused(ValueError, rf"`boundary` {side} has values of shape \(3, {size}\)", make, np.ones((3, size)))
    values = np.ones((3, length))
    assert make(values).sides.kinds.count("dirichlet") == 1
    values[1, last] = math.nan
    refused(ValueError, f"`boundary` {side} has values that are not finite", make, values)


@given(word=words)
def test_an_unknown_boundary(word):
    assume(word not in ("periodic",))
    refused(ValueError, f"`boundary` is '{word}'", Grid, SHAPE, boundary=word)
    refused(ValueError, f"`boundary` west is '{word}'", Sides, west=word, east="no-flux")


pairs = st.tuples(st.floats(), st.floats())


@given(shape=st.tuples(st.integers(-5, 5), st.integers(-5, 5)), spacing=pairs, origin=pairs)
def test_a_grid_of_any_numbers_is_taken_or_refused(shape, spacing, origin):
    def make():
        return Grid(shape, spacing, origin=origin)

    if min(shape) < 1:
        refused(ValueError, "`shape` is .*at least one row and one column", make)
    elif not all(0 < length < math.inf for length in spacing):
        refused(ValueError, "`spacing` is .*two positive finite lengths", make)
    elif not all(math.isfinite(coordinate) for coordinate in origin):
        refused(ValueError, "`origin` is .*two finite coordinates", make)
    else:
        assert make().shape == shape


@given(nu=st.floats(), alpha=st.floats())
def test_a_filter_of_any_numbers_is_taken_or_refused(nu, alpha):
    if not 0 < nu <= 1:
        refused(ValueError, "`nu` is", RAW, nu, alpha if 0.5 <= alpha <= 1 else 0.5)
    elif not 0.5 <= alpha <= 1:
        refused(ValueError, "`alpha` is", RAW, nu, alpha)
    else:
        assert RAW(nu, alpha).after(1)[:2] == (nu, alpha)


@given(cell=cells, value=not_finite)
def test_an_initial_state_that_is_not_finite_anywhere(cell, value):
    place = re.escape(f"`initial` is not finite at ({cell[0]}, {cell[1]})")
    refused(ValueError, place, solver.solve, build(), with_one(value, cell), 1.0)


@given(shape=st.lists(st.integers(1, 6), max_size=4).map(tuple))
def test_an_initial_state_of_a_shape_that_does_not_fit(shape):
    assume(shape[-2:] != SHAPE)
    refused(ValueError, re.escape(f"`initial` has shape {shape}"), solver.solve, build(), np.ones(shape), 1.0)


@given(t_end=not_positive, dt=not_positive)
def test_times_that_are_not_positive(t_end, dt):
    H = np.ones(SHAPE)
    refused(ValueError, "`t_end` is .*positive finite number", solver.solve, build(), H, t_end)
    refused(ValueError, "`dt` is .*positive finite number", solver.solve, build(), H, 1.0, dt=dt)


@given(steps=st.integers(1, 200), off=st.floats(0.01, 0.99))
def test_a_dt_that_does_not_divide_names_two_that_do(steps, off):
    t_end = 3.0
    with pytest.raises(ValueError, match="does not divide `t_end`") as refusal:
        solver.solve(build(diffusivity=(0.0, 0.0)), np.ones(SHAPE), t_end, dt=t_end / (steps + off))
    named = [float(dt) for dt in re.findall(r"dt = (\S+) \(", str(refusal.value))]
    assert named == pytest.approx([t_end / steps, t_end / (steps + 1)], rel=1e-11)
    for dt in named:
        assert solver.solve(build(diffusivity=(0.0, 0.0)), np.ones(SHAPE), t_end, dt=dt).time == pytest.approx(t_end)


@given(times=st.lists(st.floats(-2.0, 4.0), min_size=1, max_size=4))
def test_times_to_save_lie_within_the_run(times):
    def run():
        return solver.solve(build(), np.ones(SHAPE), 2.0, dt=0.25, save_at=times)

    if all(0 <= round(t / 0.25) <= 8 for t in times):
        assert len(run().times) == len({round(t / 0.25) for t in times})
    else:
        refused(ValueError, "`save_at` is .*it takes times from 0 to 2", run)


@given(name=st.sampled_from(["start", "backend"]), word=words)
def test_an_unknown_start_or_backend(name, word):
    assume(word not in ("heun", "euler", "copy", "auto", "numpy", "cpu"))
    refused(ValueError, f"`{name}` is '{word}': it takes", solver.solve, build(), np.ones(SHAPE), 1.0, **{name: word})


@given(batches=st.tuples(st.integers(2, 5), st.integers(2, 5)), ends=st.sampled_from(AXES[2:]))
def test_batches_that_do_not_broadcast_together(batches, ends):
    """Of coefficients, of a wall, of the initial state."""
    n, m = batches
    assume(n != m)
    u, v, H = np.zeros((n, 1, 1)), np.zeros((m, 1, 1)), np.ones((m, *SHAPE))
    refused(ValueError, "batch dimensions of the coefficients do not broadcast", build, velocity=(u, v))
    refused(ValueError, r"`initial` has the batch dimensions", solver.solve, build(velocity=(u, 0.0)), H, 1.0)
    held = Dirichlet(np.zeros((m, 1)))
    walled = Grid(SHAPE, boundary=Sides(*(held if kind == "dirichlet" else kind for kind in ends)))
    refused(ValueError, "broadcast", build, grid=walled, velocity=(u, 0.0))
