"""Planes are read in place: never beyond the memory of an input, and never written beyond a thread's own planes."""

import numpy as np
import pytest

from solver import cpu
from solver.cpu.openmp import NOBODY
from solver.cpu.threads import ENOUGH, Team, team_of
from solver.records import Fields, Levels, Mesh

GUARD = """
import ctypes, mmap
import numpy as np
from solver import cpu
from solver.records import Fields, Levels, Mesh

PAGE, libc, kept = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True), []

def guarded(shape, dtype, at_end):
    # An array whose memory ends, or begins, beside a page that must not be touched.
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = -(-size // PAGE) * PAGE
    memory = mmap.mmap(-1, room + 2 * PAGE)
    kept.append(memory)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for page in (address, address + PAGE + room):
        assert libc.mprotect(ctypes.c_void_p(page), PAGE, 0) == 0
    start = PAGE + (room - size if at_end else 0)
    array = np.frombuffer(memory, dtype, int(np.prod(shape)), start).reshape(shape)
    array[...] = np.random.default_rng(len(kept)).uniform(0.1, 0.3, shape)
    return array
"""

EQUATION = """
for kinds in (("periodic",) * 4, ("no-flux",) * 4, ("dirichlet", "no-flux", "periodic", "periodic")):
    for shape in ((2, 1, 1), (3, 2, 3), (2, 5, 16), (2, 7, 28), (1, 33, 17)):
        for at_end in (False, True):
            now, old, u, v, Dx, Dy, f, g = (guarded(shape, np.float32, at_end) for _ in range(8))
            for steps in (1, 3):
                levels, fields, mesh = Levels(now, old), Fields(u, v, Dx, Dy, f), Mesh(0.2, boundary=kinds)
                forward = cpu.forward(levels, fields, mesh, steps)
                assert np.isfinite(forward.now).all()
                assert all(np.isfinite(a).all() for a in cpu.adjoint(g, levels, fields, mesh, steps))
print("done")
"""


LAYER = """
from solver.cpu.layer import Layer, Parts, evaluate, evaluate_by_cell

for channels in (1, 3, 16, 24, 32):
    for rows, columns in ((1, 1), (1, 5), (3, 1), (4, 6), (13, 3)):
        for at_end in (False, True):
            for steps in (0, 1, 3):
                layer = Layer(*(guarded((channels, *s), np.float32, at_end) for s in ((4, 9), (4,), (), ())))
                image, out = (guarded((9, channels, rows, columns), np.float32, at_end) for _ in range(2))
                evaluate(out, image, layer, Parts(), Mesh(0.2), steps)
                assert (out > 0).all()
                if channels % 16 == 0:
                    image, out = (guarded((9, rows, columns, channels), np.float32, at_end) for _ in range(2))
                    evaluate_by_cell(out, image, layer, Parts(), Mesh(0.2), steps)
                    assert (out > 0).all()
                kept.clear()
print("done")
"""


@pytest.mark.parametrize("script", [EQUATION, LAYER], ids=["equation", "layer"])
def test_nothing_beyond_an_input_is_read(run_python, script):
    assert run_python(GUARD + script) == "done"


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 9), (9, 2), (7, 15)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_narrow_planes_do_not_reach_those_of_another_thread(shape, dtype, rng):
    planes = 2 * ENOUGH // (shape[0] * shape[1]) + 1
    now, old, u, v, f = rng.uniform(-1, 1, (5, planes, *shape)).astype(dtype)
    Dx, Dy = rng.uniform(0, 1, (2, planes, *shape)).astype(dtype)
    levels, fields, mesh = Levels(now, old), Fields(u, v, Dx, Dy, f), Mesh(0.2)
    for steps in (1, 2):
        alone = cpu.forward(levels, fields, mesh, steps, Team(1))
        for team in (team_of(2), Team(3, NOBODY), team_of(5)):
            shared = cpu.forward(levels, fields, mesh, steps, team)
            assert shared.now.tobytes() == alone.now.tobytes()
            assert shared.old.tobytes() == alone.old.tobytes()
