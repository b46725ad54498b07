"""The GPU's kernels compiled without one: what their code must not hold, and its registers.

Of each kind, form and dtype the kernel of the largest block; those of all smaller ones are marked as slow.
"""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from numba import from_dtype, typeof, types

from solver.records import Mesh, Ratios

pytest.importorskip("numba_cuda", reason="numba-cuda, the extra `cuda`, is absent")

from solver.cuda import plan, scan
from solver.cuda.adjoint_kernels import adjoint_regions
from solver.cuda.forward_kernels import forward_regions
from solver.cuda.regions import Cut
from solver.cuda.scan import finite_scan
from solver.cuda.target import FOUR_WARPS, REGISTERS

FORMS = {"published": Mesh(0.1), "other": Mesh(0.1, advection="skew", diffusion="flux")}
ARCHITECTURES = [(7, 5), (8, 0), (9, 0), (12, 0)]
ASSEMBLED = [(7, 5), (9, 0)]  # by ptxas as well: it takes as long as all the rest
GRANULE = 8  # registers are given to a thread by so many

count = types.int64
SEVEN = types.UniTuple(count, 7)


def specialisations():
    for dtype, blocks in ((np.float32, 4), (np.float64, 8)):
        for form in FORMS:
            # An adjoint in several launches goes forward with its own blocks.
            forward = dict.fromkeys(plan.FORWARD[blocks] + plan.ADJOINT[blocks])
            for kind, which in (("forward", forward), ("adjoint", plan.ADJOINT[blocks])):
                largest = max(which, key=lambda block: block.threads * block.each)
                for block in which:
                    name = f"{kind}-{block.width}x{block.apart}x{block.each}-{form}-{np.dtype(dtype).name}"
                    marks = [] if block == largest else [pytest.mark.slow]  # it comes nearest to the limits
                    yield pytest.param(kind, block, form, np.dtype(dtype), id=name, marks=marks)


def compiled(kind, block, form, dtype):
    """Return a kernel, and Numba's compilation of it for its one signature."""
    ratios = Ratios.of(FORMS[form], dtype)
    cut = typeof(Cut(*[1] * len(Cut._fields)))
    number, with_shares = from_dtype(dtype), ratios.pruned().velocity_share is not None
    inputs = SEVEN, types.UniTuple(count, 14), types.UniTuple(number, 7), cut, count, count, count
    if kind == "forward":
        kernel, signature = forward_regions(block, number, with_shares), (count, count, *inputs)
    else:
        kernel, signature = adjoint_regions(block, number, with_shares), (SEVEN, *[count] * 4, *inputs)
    return kernel, kernel._compiled.compile(signature)


def assembled(ptx, architecture, registers):
    """Return how many registers ptxas gives a thread, and how many bytes it spills."""
    from cuda.bindings import nvjitlink

    options = [f"-arch=sm_{architecture[0]}{architecture[1]}", "-verbose", f"-maxrregcount={registers}"]
    linker = nvjitlink.create(len(options), options)
    nvjitlink.add_data(linker, nvjitlink.InputType.PTX, ptx.encode(), len(ptx.encode()), "kernel")
    nvjitlink.complete(linker)
    log = bytearray(nvjitlink.get_info_log_size(linker))
    nvjitlink.get_info_log(linker, log)
    nvjitlink.destroy(linker)
    (used,), (spilled,) = (
        re.findall(pattern, log.decode()) for pattern in (r"Used (\d+) registers", r"(\d+) bytes spill stores")
    )
    return int(used), int(spilled)


@pytest.fixture
def no_gpu(monkeypatch):
    """Numba asks the GPU at hand for its compute capability, and loads there what it has compiled."""
    device = SimpleNamespace(compute_capability=ARCHITECTURES[0])
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)
    monkeypatch.setattr("numba.cuda.cudadrv.devices.get_context", lambda: SimpleNamespace(device=device))
    monkeypatch.setattr("numba.cuda.dispatcher._Kernel.bind", lambda kernel: None)


@pytest.mark.parametrize(("kind", "block", "form", "dtype"), list(specialisations()))
def test_every_kernel_for_every_architecture(kind, block, form, dtype, no_gpu):
    check(*compiled(kind, block, form, dtype), dtype, block.threads)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_scan(dtype, no_gpu):
    kernel = finite_scan(from_dtype(np.dtype(dtype)))
    check(kernel, kernel._compiled.compile((count, count, count)), np.dtype(dtype), scan.THREADS)


def check(kernel, definition, dtype, threads):
    assert not definition._codelibrary._lto, "what runs would not be what is looked at here"
    for architecture in ARCHITECTURES:
        ptx = definition.inspect_asm(architecture)
        assert f".target sm_{architecture[0]}{architecture[1]}" in ptx
        code = re.sub(r"//.*|\b_Z\w+", "", ptx)  # comments and names, which hold dtypes as well
        assert ".local" not in code, "local memory"
        if dtype == np.float32:
            assert ".f64" not in code, "double precision"
        assert not re.search(r"\.approx|\.ftz", code), "an approximate operation"
        assert not re.search(r"\batom\.|\bred\.", code), "an atomic operation"
        assert re.search(r"\bld\.global\.", code)
        assert not re.search(r"\b(ld|st)\.(v\d\.)?[bfu]\d", code), "a generic address: slower than one known as global"
        if architecture in ASSEMBLED:
            used, spilled = assembled(ptx, architecture, kernel.registers)
            assert spilled == 0
            # A multiprocessor has four parts, and counts a block's warps by fours (cuda_occupancy.h).
            counted = -(-threads // FOUR_WARPS) * FOUR_WARPS
            assert counted * -(-used // GRANULE) * GRANULE <= REGISTERS, "no block could be launched"
