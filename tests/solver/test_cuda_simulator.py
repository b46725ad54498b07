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
from solver.cuda import launch, plan, target
from solver.cuda.regions import Block
from solver.records import Fields, Levels, Mesh

PUBLISHED, OTHER, THIRD = ("product", "laplacian"), ("skew", "flux"), ("flux", "laplacian")
WHOLE, CUT = Block(5, 2, 2), Block(6, 2, 4)  # threads of Python: few of them, several cells each
rng = np.random.default_rng(0)


def compare(shape, dtype, steps, forms, broadcast=False):
    now, old, source, u, v, g, h = rng.uniform(-1, 1, (7, *shape)).astype(dtype)
    Dx, Dy = rng.uniform(0, 1, (2, *shape)).astype(dtype)
    if broadcast:  # one value, one a plane, one array for two inputs
        u, Dx, source = np.asarray(dtype(0.3)), rng.uniform(0, 1, (shape[0], 1, 1)).astype(dtype), now
    call = Levels(now, old), Fields(u, v, Dx, Dy, source), Mesh(0.1, 0.9, 1.2, KINDS, *forms), steps
    got = *cuda.forward(*call), *cuda.adjoint(Levels(g, h), *call)
    want = *reference.forward(*call), *reference.adjoint(Levels(g, h), *call)
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape and a.dtype == dtype, (a.shape, b.shape, a.dtype)
        worst = abs(a - b).max() / max(1, abs(b).max())
        assert worst < (1e-13 if dtype == np.float64 else 1e-5), (shape, forms, dtype, steps, worst)


def limit(block, depth, shared, room):
    plan.FORWARD = plan.ADJOINT = {4: (block,), 8: (block,)}
    plan.DEPTH, launch.ROOM, target.SIMULATED_SHARED = depth, room, shared
    plan.plan_forward.cache_clear()
    plan.plan_adjoint.cache_clear()


limit(WHOLE, 5, 2**17, 2**28)
compare((2, 3, 4), np.float64, 0, PUBLISHED)
compare((2, 3, 4), np.float64, 4, PUBLISHED)
compare((2, 4, 5), np.float32, 1, THIRD)
compare((2, 1, 5), np.float64, 3, OTHER, broadcast=True)
compare((1, 4, 1), np.float32, 2, PUBLISHED)
# Shared memory for two levels beside what is lent, and global memory for one plane at a time: three launches for each.
limit(WHOLE, 5, 8 * WHOLE.plane * 8, 1)
compare((2, 3, 4), np.float64, 5, PUBLISHED, broadcast=True)
# Planes in parts, of rows and of columns.
limit(CUT, 1, 2**17, 2**28)
compare((1, 9, 6), np.float64, 2, PUBLISHED)
compare((2, 3, 11), np.float32, 1, OTHER, broadcast=True)
print("equal")
"""

SOLVED = """
import warnings
import numpy as np
import solver
from solver.cuda import plan
from solver.cuda.regions import Block

plan.FORWARD = {4: (Block(5, 1, 4),), 8: (Block(5, 1, 4),)}
x, y = np.meshgrid(np.arange(4.0), np.arange(5.0), indexing="ij")
problem = solver.DiffusionAdvection(solver.Grid((4, 5)), (0.3, 0.2 * np.cos(x)), (0.1, 0.1))
initial = np.sin(x + y)
seen = []


def look(step, time, field):
    seen.append(step)
    return False


for choices in ({"save_at": [0.5, 1.0]}, {"callback": look}, {"start": "copy"}):
    one, other = (solver.solve(problem, initial, 1.0, dt=0.1, backend=name, **choices) for name in ("cuda", "cpu"))
    assert np.abs(one.fields - other.fields).max() < 1e-13
    assert all(isinstance(level, np.ndarray) for level in one.levels)
resumed = solver.solve(problem, None, 1.5, resume=one, backend="cuda")
straight = solver.solve(problem, initial, 1.5, dt=0.1, start="copy", backend="cuda")
assert np.array_equal(resumed.final, straight.final)
print(one.backend, seen == [0, 10] * 2)

growing = solver.DiffusionAdvection(solver.Grid((4, 5)), (1e4, 0.0), (0.0, 0.0))
warnings.simplefilter("ignore")
one, other = (
    solver.solve(growing, initial.astype(np.float32), 3.0, dt=0.1, start="copy", backend=name)
    for name in ("cuda", "cpu")
)
print(one.status is other.status is solver.Status.NON_FINITE, one.failure == other.failure, one.steps == other.steps)
try:
    solver.solve(problem, initial, 1.0, dt=0.1, backend="cuda", filter=solver.RAW(0.1, 0.53))
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("kinds", SIDES, ids=name)
def test_simulated_kernels_equal_the_reference(kinds, run_python):
    assert run_python(COMPARED.replace("KINDS", repr(kinds)), **SIMULATED) == "equal"


def test_a_solve_and_what_it_refuses(run_python):
    solved, failed, refused = run_python(SOLVED, **SIMULATED).splitlines()
    assert solved == "cuda True"
    assert failed == "True True True"
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
