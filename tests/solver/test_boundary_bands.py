"""One large plane in bands, with walls, forms and filter: the bits of one thread, the numbers of the reference."""

import numpy as np
import pytest
from scheme_kinds import BOUNDARIES, FORMS, name

from solver import cpu, reference
from solver.cpu.bands import BAND
from solver.cpu.strips import DEPTH, WIDTH
from solver.cpu.threads import ENOUGH
from solver.records import Filter, Mesh

STEPS = 6
# Two bands; three; one row a band; one band of rows of two; a wall that is a band of its own.
LARGE = [(131, 137), (1000, 40), (2, 20_001), (20_001, 2), (235, 137)]


@pytest.mark.parametrize("kinds", BOUNDARIES, ids=name)
def test_bands_give_the_bits_of_one_thread_and_the_numbers_of_the_reference(
    kinds, make_inputs, split, assert_rounding_close, set_threads
):
    number = BOUNDARIES.index(kinds)
    forms, shape = FORMS[number % len(FORMS)], LARGE[number % 3]
    assert shape[0] * shape[1] > BAND
    assert shape[0] * shape[1] * (STEPS + 1) >= ENOUGH
    levels, fields = split(make_inputs(shape))
    for raw in (Filter(), Filter(0.2, 0.53, 0), Filter(0.2, 0.53, 2)):
        mesh = Mesh(0.2, 0.9, 1.2, kinds, *forms, raw)
        runs = []
        for threads in (1, 2, 3):
            set_threads(threads)
            runs.append(cpu.forward(levels, fields, mesh, STEPS))
        want = reference.forward(levels, fields, mesh, STEPS)
        for one, two, three, right in zip(*runs, want, strict=True):
            assert one.tobytes() == two.tobytes() == three.tobytes()
            assert_rounding_close(one, right, STEPS)


@pytest.mark.parametrize("steps", [DEPTH, DEPTH + 1, 2 * DEPTH + 1])
@pytest.mark.parametrize("kinds", BOUNDARIES[::3], ids=name)
def test_strips_and_tiles_of_full_depth_equal_the_reference(
    kinds, steps, make_inputs, split, assert_rounding_close, set_threads
):
    """Passages as deep as they get: rows come round in the ring, blocks of rows are cut by its end and by walls."""
    forms, shape = FORMS[BOUNDARIES.index(kinds) % len(FORMS)], (5 * DEPTH + 1, 2 * WIDTH + 3)
    levels, fields = split(make_inputs(shape))
    mesh = Mesh(0.2, 0.9, 1.2, kinds, *forms)
    want = reference.forward(levels, fields, mesh, steps)
    for threads in (1, 2):
        set_threads(threads)
        for got, right in zip(cpu.forward(levels, fields, mesh, steps), want, strict=True):
            assert_rounding_close(got, right, steps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_bands_of_any_shape(shape, dtype, make_inputs, split, set_threads):
    levels, fields = split(make_inputs(shape, dtype, u=(), Dx=(shape[0], 1), source=()))
    for kinds in (("dirichlet", "no-flux", "no-flux", "dirichlet"), ("no-flux",) * 4):
        mesh = Mesh(0.2, 0.9, 1.2, kinds, "skew", "flux", Filter(0.2, 0.53, 0))
        runs = []
        for threads in (1, 2, 3):
            set_threads(threads)
            runs.append(cpu.forward(levels, fields, mesh, STEPS))
        for one, two, three in zip(*runs, strict=True):
            assert one.tobytes() == two.tobytes() == three.tobytes()


@pytest.mark.parametrize("kinds", BOUNDARIES[1::4], ids=name)
@pytest.mark.parametrize("raw", [Filter(), Filter(0.2)], ids=["no filter", "filter"])
def test_planes_shared_out_give_the_bits_of_one_thread(kinds, raw, make_inputs, split, set_threads):
    levels, fields = split(make_inputs((7, 40, 41), v=(7, 1, 1), Dy=()))
    mesh = Mesh(0.2, 0.9, 1.2, kinds, "skew", "flux", raw)
    runs = []
    for threads in (1, 2, 3):
        set_threads(threads)
        runs.append(
            [*cpu.forward(levels, fields, mesh, 18), *cpu.adjoint(levels, levels, fields, mesh, 18)],
        )
    for one, two, three in zip(*runs, strict=True):
        assert one.tobytes() == two.tobytes() == three.tobytes()
