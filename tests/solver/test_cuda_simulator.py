"""The GPU's kernels as Python threads on tiny grids, against the reference; what is said where there is no GPU."""

import pytest
from scheme_kinds import SIDES, name

from solver import backends
from solver.records import Mesh

pytest.importorskip("numba_cuda", reason="numba-cuda, the extra `cuda`, is absent")

SIMULATED = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}

COMPARED = """
import numpy as np
from solver import cuda, reference
from solver.cuda import launch
from solver.records import Fields, Levels, Mesh

launch.THREADS = launch.WARP = 4  # threads of Python: few of them, several cells each
rng = np.random.default_rng(0)
for shape, dtype, tolerance in (
    ((2, 3, 4), np.float64, 1e-13),
    ((1, 1, 5), np.float32, 1e-5),
    ((1, 5, 1), np.float64, 1e-13),
    ((1, 4, 5), np.float32, 1e-5),
):
    for steps, shared, forms in (
        (0, 2**15, ("product", "laplacian")),
        (1, 2**15, ("product", "laplacian")),
        (2, 0, ("product", "laplacian")),  # planes that shared memory cannot hold
        (4, 2**15, ("product", "laplacian")),
        (1, 0, ("flux", "laplacian")),
        (3, 2**15, ("skew", "flux")),
    ):
        launch.SHARED = shared
        now, old, source, u, v, g, h = rng.uniform(-1, 1, (7, *shape)).astype(dtype)
        Dx, Dy = rng.uniform(0, 1, (2, *shape)).astype(dtype)
        if steps == 2:  # one value, one a plane, one array for two inputs
            u, Dx, source = np.asarray(dtype(0.3)), rng.uniform(0, 1, (shape[0], 1, 1)).astype(dtype), now
        call = Levels(now, old), Fields(u, v, Dx, Dy, source), Mesh(0.1, 0.9, 1.2, KINDS, *forms), steps
        none = np.zeros_like(g)
        got = *cuda.forward(*call), *cuda.adjoint(Levels(g, h), *call), *cuda.adjoint(g, *call)
        wanted = (reference.adjoint(Levels(g, other), *call) for other in (h, none))
        want = *reference.forward(*call), *next(wanted), *next(wanted)
        for a, b in zip(got, want, strict=True):
            assert a.shape == b.shape and a.dtype == dtype, (a.shape, b.shape, a.dtype)
            worst = abs(a - b).max() / max(1, abs(b).max())
            assert worst < tolerance, (shape, forms, dtype, steps, shared, worst)
print("equal")
"""

SOLVED = """
import numpy as np
import solver
from solver.cuda import launch

launch.THREADS = launch.WARP = 4
x, y = np.meshgrid(np.arange(4.0), np.arange(5.0), indexing="ij")
problem = solver.DiffusionAdvection(solver.Grid((4, 5)), (0.3, 0.2 * np.cos(x)), (0.1, 0.1))
initial = np.sin(x + y)
one, other = (solver.solve(problem, initial, 7.0, dt=0.1, backend=name) for name in ("cuda", "cpu"))
print(one.backend, np.abs(one.fields[-1] - other.fields[-1]).max() < 1e-13)
try:
    solver.solve(problem, initial, 1.0, dt=0.1, backend="cuda", filter=solver.RAW(0.1, 0.53))
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("kinds", SIDES, ids=name)
def test_simulated_kernels_equal_the_reference(kinds, run_python):
    assert run_python(COMPARED.replace("KINDS", repr(kinds)), **SIMULATED) == "equal"


def test_a_solve_and_what_it_refuses(run_python):
    solved, refused = run_python(SOLVED, **SIMULATED).splitlines()
    assert solved == "cuda True"
    assert refused == "`filter` is not available on backend='cuda': leave it out, or use backend='cpu'"


def test_without_a_gpu_the_error_says_what_to_install(make_inputs, split, monkeypatch):
    cuda = backends.get("cuda")
    monkeypatch.setattr("solver.cuda.target.cuda.is_available", lambda: False)
    with pytest.raises(RuntimeError, match=r"backend='cuda' cannot run here: .*NVIDIA driver.*backend='cpu'"):
        cuda.forward(*split(make_inputs((3, 4))), Mesh(0.1), 1)


def test_without_the_package_the_error_says_what_to_install(run_python):
    absent = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "numba_cuda" else find(name, package)
from solver import backends, environment
try:
    backends.get("cuda")
except ImportError as error:
    print(error)
print(environment.describe()["backend cuda"])
"""
    error, shown = run_python(absent).splitlines()
    assert error == (
        "backend='cuda' needs the package numba-cuda, which is absent: "
        "install it with: pip install 'pdebridge[cuda]', or use backend='cpu'"
    )
    assert shown == error
