"""The GPU's kernels compiled to PTX, without a GPU: every specialisation, and what its code must not hold."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from numba import from_dtype, typeof, types

from solver.records import Mesh, Ratios

pytest.importorskip("numba_cuda", reason="numba-cuda, the extra `cuda`, is absent")

from solver.cuda import adjoint_kernels, forward_kernels, launch
from solver.cuda.target import cuda

FORMS = {"published": Mesh(0.1), "other": Mesh(0.1, advection="skew", diffusion="flux")}
ARCHITECTURES = [(7, 5), (8, 0), (9, 0), (12, 0)]


def kernels(number, ratios):
    """Return every kernel and specialisation for a dtype and the ratios of some forms, with its signature."""
    flat, count = number[::1], types.int64
    table = types.UniTuple(types.UniTuple(count, 4), 7)
    seven, sides = types.UniTuple(flat, 7), types.UniTuple(count, 4)
    inputs = seven, table, ratios, count, count, sides
    found = {
        f"whole planes, {each} cells a thread": (
            forward_kernels.whole_planes(each, number),
            types.void(flat, flat, *inputs, count, count),
        )
        for each in launch.CELLS_A_THREAD
    }
    for place, shared in (("shared", True), ("global", False)):
        signature = types.void(seven, types.UniTuple(flat, 2), flat, *inputs, count, count)
        found[f"adjoint, scratch in {place} memory"] = adjoint_kernels.whole_planes(shared, number), signature
    found["begin"] = forward_kernels.begin, types.void(flat, flat, seven, table, count, count)
    found["sweep"] = forward_kernels.sweep, types.void(flat, flat, *inputs, count)
    return found


@pytest.fixture(params=ARCHITECTURES, ids=lambda cc: f"sm_{cc[0]}{cc[1]}")
def architecture(request, monkeypatch):
    """A compute capability; numba-cuda asks the GPU for it when it compiles what a kernel calls."""
    device = SimpleNamespace(compute_capability=request.param)
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)
    return request.param


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
def test_every_kernel_compiles_without_spills_and_in_its_own_dtype(form, dtype, architecture):
    number = from_dtype(np.dtype(dtype))
    ratios = typeof(Ratios.of(FORMS[form], np.dtype(dtype)).pruned())
    for name, (kernel, signature) in kernels(number, ratios).items():
        ptx, _ = cuda.compile(kernel.py_func, signature, cc=architecture, device=False, abi="numba", output="ptx")
        assert f".target sm_{architecture[0]}{architecture[1]}" in ptx
        code = re.sub(r"//.*|\b_Z\w+", "", ptx)  # comments and names, which hold dtypes as well
        assert ".local" not in code, f"{name}: local memory"
        if dtype == np.float32:
            assert ".f64" not in code, f"{name}: double precision"
        assert not re.search(r"\.approx|\.ftz", code), f"{name}: an approximate operation"
        assert not re.search(r"\batom\.|\bred\.", code), f"{name}: an atomic operation"
