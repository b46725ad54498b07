"""How a call becomes launches, without a GPU: cuts, plans, addresses, and what is asked of the driver."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from solver.records import Inputs, Mesh

pytest.importorskip("numba_cuda", reason="numba-cuda, the extra `cuda`, is absent")

from solver.cpu.layout import DIRICHLET, NO_FLUX, PERIODIC
from solver.cuda import plan, target
from solver.cuda.adjoint_cells import LENT
from solver.cuda.adjoint_kernels import RING
from solver.cuda.batch import DeviceBatch
from solver.cuda.forward_kernels import LEVELS
from solver.cuda.memory import address_of
from solver.cuda.regions import Block, axis_of, cut_planes

TURING, HOPPER = 65_536, 232_448  # bytes of shared memory that a block may have
PLANES = [(1, 1), (8, 8), (7, 3), (16, 16), (28, 28), (32, 32), (33, 31), (56, 56), (64, 64), (112, 112), (224, 224)]
PLANES += [(1, 5000), (5000, 1), (3, 200), (1000, 17), (4096, 4096)]
ONE_PERIODIC, PERIODIC_PAIR = (NO_FLUX, DIRICHLET), (PERIODIC, PERIODIC)


@pytest.mark.parametrize("sides", [ONE_PERIODIC, PERIODIC_PAIR])
@pytest.mark.parametrize("halo", [1, 6])
@pytest.mark.parametrize("plane", PLANES)
def test_cores_make_up_a_plane_and_regions_fit_a_block(plane, halo, sides):
    block = Block(32, 8, 4)
    cut = cut_planes(*plane, halo, block)
    axes = ((cut.strips, cut.height, cut.rows, block.rows), (cut.tiles, cut.width, cut.columns, block.width))
    for parts, core, size, most in axes:
        covered = np.zeros(size, int)
        for part in range(parts):
            axis = axis_of.py_func(part, parts, core, size, cut.halo, *sides)
            assert 0 < axis.length <= most
            assert 0 <= axis.begin < axis.end <= axis.length
            covered[axis.first + axis.begin : axis.first + axis.end] += 1
            assert axis.wraps == (parts == 1 and sides[0] == PERIODIC)
            if parts > 1:
                at_wall = sides[0] != PERIODIC
                assert axis.begin == cut.halo or (at_wall and axis.first == 0)
                assert axis.length - axis.end == cut.halo or (at_wall and axis.first + axis.length == size)
        assert (covered == 1).all()


def test_a_halo_that_leaves_no_core_is_no_cut():
    assert cut_planes(100, 8, 4, Block(8, 8, 1)) is None
    assert cut_planes(8, 8, 4, Block(8, 8, 1)).regions == 1


@pytest.mark.parametrize("shared", [TURING, HOPPER])
@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("steps", [0, 1, 5, 20, 1000])
@pytest.mark.parametrize("plane", PLANES)
def test_a_plan_fits_the_gpu(plane, steps, itemsize, shared):
    forward = plan.plan_forward(*plane, steps, itemsize, shared)
    adjoint = plan.plan_adjoint(*plane, steps, itemsize, shared)
    assert forward.shared(LEVELS, itemsize) <= shared
    assert adjoint.shared(LENT + adjoint.depth, itemsize) <= shared
    for made, ring in ((forward, 0), (adjoint, RING)):
        assert 1 <= made.depth <= max(1, steps)
        assert made.block.threads <= 1024
        assert made.cut.regions == 1 or made.cut.halo == made.depth + ring
    if forward.cut.regions == 1:
        assert forward.depth == max(1, steps)
    passages = forward.passages(steps)
    assert sum(passages) == steps
    assert max(passages) <= forward.depth


@pytest.mark.parametrize("plane", [p for p in PLANES if max(p) <= 224])
def test_five_steps_of_a_plane_of_the_layer_are_one_launch(plane):
    for made in (plan.plan_forward, plan.plan_adjoint):
        assert made(*plane, 5, 4, HOPPER).depth == 5


def test_a_small_plane_has_a_small_block():
    assert plan.plan_forward(8, 8, 5, 4, HOPPER).block.threads == 64
    assert plan.plan_adjoint(32, 32, 20, 4, HOPPER).depth == 20


@pytest.mark.parametrize(
    "block", [b for table in (plan.FORWARD, plan.ADJOINT) for some in table.values() for b in some]
)
def test_a_block_wastes_no_registers_on_warps_that_it_has_not(block):
    assert block.threads % target.FOUR_WARPS == 0 or block.threads < target.FOUR_WARPS


def test_too_little_shared_memory_is_an_error_with_a_remedy():
    with pytest.raises(RuntimeError, match=r"too little shared memory, 256 numbers: use backend='cpu'"):
        plan.plan_adjoint(8, 8, 1, 4, 1024)


def test_addresses():
    tensor = torch.zeros(8, dtype=torch.float64)
    assert address_of(tensor) == tensor.data_ptr()
    assert address_of(tensor, 3) == tensor[3:].data_ptr()
    array = SimpleNamespace(device_ctypes_pointer=SimpleNamespace(value=4096), dtype=np.dtype(np.float32))
    assert address_of(array, 5) == 4096 + 20
    assert address_of(None) == 0


def test_inputs_of_two_dtypes_are_refused(monkeypatch):
    monkeypatch.setattr("solver.cuda.batch.require", lambda: None)
    level, other = np.zeros((2, 3), np.float32), np.zeros(())
    with pytest.raises(TypeError, match=r"takes seven inputs of one dtype, float32 or float64, got .*u float64"):
        DeviceBatch.of(Inputs(level, level, level, other, level, level, level), Mesh(0.1))


def test_planes_that_32_bits_cannot_count_are_refused():
    scalar = np.zeros((), np.float32)
    with pytest.raises(ValueError, match=r"planes of 65536 x 32768 cells are too large for backend='cuda'"):
        DeviceBatch.on_device((scalar,) * 7, ((1, 1, 1, 1),) * 7, (65_536, 32_768), Mesh(0.1), np.dtype(np.float32))


class Recorded:
    """Stands in for Numba's dispatcher: what it was specialised for, and what was launched."""

    def __init__(self):
        self.specialised, self.launched = [], []
        self.overloads = {"signature": "definition"}

    def specialize(self, *arguments):
        self.specialised.append(arguments)
        return self

    def __getitem__(self, configuration):
        return lambda *arguments: self.launched.append((configuration, arguments))


@pytest.fixture
def kernel(monkeypatch):
    made = target.Kernel(lambda: None, 64)
    made._compiled, made.asked = Recorded(), []
    made.device = SimpleNamespace(id=0)
    monkeypatch.setattr(target.cuda, "get_current_device", lambda: made.device)
    monkeypatch.setattr(target, "_grant", lambda definition, device, shared: made.asked.append((device.id, shared)))
    return made


def test_a_kernel_is_typed_once_a_device_and_asks_for_shared_memory_once(kernel):
    for device, shared in ((0, 1000), (0, 50_000), (0, 49_500), (1, 60_000), (0, 70_000), (1, 60_000)):
        kernel.device = SimpleNamespace(id=device)
        kernel.launch(3, 64, 7, shared, ("an address", 1))
    assert kernel._compiled.specialised == [("an address", 1)] * 2
    assert kernel.asked == [(0, 50_000), (1, 60_000), (0, 70_000)]
    assert kernel._compiled.launched[1] == ((3, 64, 7, 50_000), ("an address", 1))


def test_a_refusal_of_shared_memory_names_it(monkeypatch):
    driver = pytest.importorskip("cuda.bindings.driver")
    refused = (driver.CUresult.CUDA_ERROR_INVALID_VALUE,)
    monkeypatch.setattr(driver, "cuFuncSetAttribute", lambda *_: refused)
    loaded = SimpleNamespace(get_cufunc=lambda: SimpleNamespace(handle=None))
    with pytest.raises(RuntimeError, match="gives a block no 90000 bytes of shared memory: CUDA_ERROR_INVALID_VALUE"):
        target._grant(SimpleNamespace(_codelibrary=loaded), SimpleNamespace(id=0), 90_000)


def test_a_batch_in_chunks_reads_the_same_inputs():
    inputs = Inputs(*(np.zeros((7, 2, 3), np.float32) for _ in range(7)))
    rows = ((6, 6, 1, 7),) * 7
    batch = DeviceBatch.on_device(tuple(inputs), rows, (7, 2, 3), Mesh(0.1), np.dtype(np.float32))
    last = batch.part(6, 3)
    assert (last.planes, last.first) == (1, 6)
    table = last.with_levels(None, None).table
    assert [(last.first + 0) // row[2] % row[3] for row in table[:3]] == [0, 0, 6]
