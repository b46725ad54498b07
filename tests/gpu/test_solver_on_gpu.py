"""The CUDA backend of the solver against the CPU's, on a GPU."""

import numpy as np
import pytest
from scheme_kinds import SIDES, name

import solver
from solver import backends
from solver.records import Levels, Mesh

SHAPES = [(1, 1), (40, 1, 7), (40, 7, 1), (33, 5, 6), (9, 28, 28), (5, 33, 65), (3, 64, 64), (2, 70, 130), (300, 301)]
FORMS = [("product", "laplacian"), ("skew", "flux"), ("flux", "laplacian")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("forms", FORMS, ids="-".join)
@pytest.mark.parametrize("kinds", SIDES, ids=name)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients_equal_the_cpu(shape, kinds, forms, dtype, make_inputs, split, assert_rounding_close):
    cuda, cpu = backends.get("cuda"), backends.get("cpu")
    inputs, cotangent = make_inputs(shape, dtype), Levels(*make_inputs(shape, dtype)[:2])
    mesh, call = Mesh(0.1, 0.9, 1.2, kinds, *forms), split(inputs)
    for steps in (0, 1, 2, 5, 20):
        for got, want in zip(cuda.forward(*call, mesh, steps), cpu.forward(*call, mesh, steps), strict=True):
            assert_rounding_close(got, want, steps)
        gradients = cuda.adjoint(cotangent, *call, mesh, steps), cpu.adjoint(cotangent, *call, mesh, steps)
        for got, want in zip(*gradients, strict=True):
            assert_rounding_close(got, want, steps, summed=steps + 1)


@pytest.mark.parametrize("shape", [(40, 8, 8), (6, 32, 32), (2, 70, 130)], ids=str)
@pytest.mark.parametrize("steps", [1, 5, 60])
def test_inputs_of_one_value_and_more_steps_than_a_launch_makes(
    shape, steps, make_inputs, split, assert_rounding_close
):
    """The sums of blocks, and launches that hand on what the earlier steps need."""
    inputs = make_inputs(shape, u=(), v=(shape[0], 1, 1), Dx=(1, 1, 1), Dy=shape[1:])
    cotangent = make_inputs(shape).now
    gradients = (backends.get(name).adjoint(cotangent, *split(inputs), Mesh(0.05), steps) for name in ("cuda", "cpu"))
    for got, want in zip(*gradients, strict=True):
        assert_rounding_close(got, want, steps, summed=inputs.now.size // want.size)


def test_a_run_repeats_bit_for_bit(make_inputs, split):
    cuda, inputs = backends.get("cuda"), make_inputs((64, 32, 32), np.float32)
    runs = [cuda.adjoint(inputs.old, *split(inputs), Mesh(0.2), 5) for _ in range(5)]
    assert all(a.tobytes() == b.tobytes() for run in runs[1:] for a, b in zip(run, runs[0], strict=True))


def test_a_solve_equals_the_cpu():
    x, y = np.meshgrid(np.linspace(0, 6, 96), np.linspace(0, 6, 128), indexing="ij")
    problem = solver.DiffusionAdvection(solver.Grid((96, 128)), (0.3, 0.2 * np.cos(x)), (0.1, 0.1))
    one, other = (solver.solve(problem, np.sin(x + y), 30.0, dt=0.1, backend=b) for b in ("cuda", "cpu"))
    np.testing.assert_allclose(one.fields[-1], other.fields[-1], rtol=0, atol=1e-12)
