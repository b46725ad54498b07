"""Kernels read cells beside a plane that they do not use: never such that belong to no input."""

import sys

import pytest

GUARDED = """
import ctypes
import mmap

import numpy as np

from solver import cpu
from solver.records import Fields, Levels, Mesh

PAGE = mmap.PAGESIZE
protect = ctypes.CDLL(None, use_errno=True).mprotect
protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
held = []


def guarded(array, at_end):
    '''Copy an array between two pages that nobody may read, up to one of them.'''
    size = -(-array.nbytes // PAGE) * PAGE
    memory = mmap.mmap(-1, size + 2 * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    offset = PAGE + (size - array.nbytes if at_end else 0)
    copy = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    copy[...] = array
    for page in (start, start + PAGE + size):
        assert protect(page, PAGE, 0) == 0, ctypes.get_errno()
    held.append(memory)
    return copy


def same(some, others):
    return all(a.tobytes() == b.tobytes() for a, b in zip(some, others, strict=True))


rng = np.random.default_rng(0)
for shape in [(1, 1, 1), (3, 8, 8), (1, 12, 1), (2, 1, 40), (4, 9, 3), (2, 5, 17), (9, 7, 7), (2, 3, 20, 21)]:
    for dtype in (np.float32, np.float64):
        for pattern in {shape, shape[-3:], shape[-2:], (*shape[-3:-2], 1, 1)}:
            shapes = [shape] * 3 + [pattern] * 4 + [shape] * 2
            *inputs, of_now, of_old = (rng.uniform(0, 1, s).astype(dtype) for s in shapes)
            for steps in (1, 3):
                for forms in ({}, {"advection": "skew", "diffusion": "flux"}):
                    for sides in ("periodic", "dirichlet"):
                        mesh = Mesh(0.1, boundary=(sides,) * 4, **forms)
                        runs = []
                        for at_end in (None, False, True):
                            all_of_them = [*inputs, of_now, of_old]
                            if at_end is not None:
                                all_of_them = [guarded(a, at_end) for a in all_of_them]
                            levels, fields = Levels(*all_of_them[:2]), Fields(*all_of_them[3:7], all_of_them[2])
                            made = cpu.forward(levels, fields, mesh, steps)
                            runs.append([*made, *cpu.adjoint(Levels(*all_of_them[7:]), levels, fields, mesh, steps)])
                        assert same(runs[0], runs[1]) and same(runs[0], runs[2]), (shape, dtype, pattern, mesh)
                        held.clear()
print("read nothing else")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="pages are guarded by a call of Linux")
def test_nothing_but_the_inputs_is_read(run_python):
    assert run_python(GUARDED, timeout=300) == "read nothing else"
