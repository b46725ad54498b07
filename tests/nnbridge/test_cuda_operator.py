"""The operators for a GPU: their layouts, and, in the simulator, values and gradients against plain torch."""

import pytest
import torch

pytest.importorskip("numba_cuda", reason="numba-cuda, the extra `cuda`, is absent")

from nnbridge import diffusion_advection
from nnbridge.cuda_operator import lay_out

SIMULATED = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}
SHAPE = (3, 4, 5, 6)


@pytest.mark.parametrize(
    ("shape", "row"),
    [
        ((3, 4, 5, 6), (30, 30, 1, 12)),
        ((), (1, 1, 1, 1)),
        ((1, 1, 1), (1, 1, 1, 1)),
        ((4, 1, 1), (1, 1, 1, 4)),
        ((3, 1, 1, 1), (1, 1, 4, 3)),
        ((5, 6), (30, 30, 1, 1)),
        ((3, 1, 5, 6), (30, 30, 4, 3)),
        ((1, 4, 5, 6), (30, 30, 1, 4)),
        ((1, 6), (30, 30, 1, 12)),
    ],
)
def test_planes_are_found_where_they_lie(shape, row):
    tensor = torch.arange(float(torch.Size(shape).numel())).reshape(shape)
    laid, found = lay_out(tensor, SHAPE)
    assert found == row
    flat = laid.reshape(-1)
    values, stride, repeat, planes = row
    for p, plane in enumerate(tensor.expand(SHAPE).reshape(-1, 30)):
        start = p // repeat % planes * stride
        torch.testing.assert_close(flat[start : start + values].expand(30), plane)


def test_gaps_in_the_batch_and_strided_tensors_are_copied():
    shape = (2, 3, 4, 5, 6)
    gap = torch.rand(2, 1, 4, 5, 6)
    laid, row = lay_out(gap, shape)
    assert row == (30, 30, 1, 24)
    assert laid.is_contiguous()
    torch.testing.assert_close(laid, gap.expand(shape))
    turned = torch.rand(3, 4, 6, 5).mT
    laid, _ = lay_out(turned, SHAPE)
    assert laid.is_contiguous()
    torch.testing.assert_close(laid, turned)


EVOLVED = """
import torch
from nnbridge import cuda_operator, diffusion_advection
from nnbridge.ops import evolve_fields
from nnbridge.fields_operator import Stack
from solver import Sides
from solver.cuda import plan
from solver.cuda.regions import Block
from solver.records import Mesh

plan.FORWARD = plan.ADJOINT = {4: (Block(4, 1, 3),), 8: (Block(4, 1, 3),)}  # threads of Python: few of them
torch.manual_seed(0)
KINDS = ("periodic", "periodic", "no-flux", "no-flux")
SIDES = Sides("periodic", "periodic", "no-flux", "no-flux")

def close(some, others):
    for a, b in zip(some, others, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)

for steps in (0, 1, 3):
    mesh = Mesh(0.1, 0.9, 1.2, KINDS)
    given = dict(steps=steps, dt=0.1, dx=0.9, dy=1.2, boundary=SIDES, backend="torch")
    for shapes in (
        [(2, 2, 3, 4)] * 7,
        [(2, 2, 3, 4), (), (2, 1, 1), (2, 2, 3, 4), (3, 4), (2, 1, 1, 1), ()],
    ):
        inputs = [torch.rand(s, dtype=torch.float64).requires_grad_() for s in shapes]
        gradient = torch.rand(2, 2, 3, 4, dtype=torch.float64)
        want = diffusion_advection(*inputs, **given)
        close([cuda_operator.evolve(inputs, steps, mesh)], [want])
        every = torch.autograd.grad(want, inputs, gradient, materialize_grads=True)
        apart = [False] * 7
        close(cuda_operator.evolve_adjoint(gradient, inputs, apart, steps, mesh, [True] * 7), every)
        some = [k % 2 == 1 for k in range(7)]
        close(cuda_operator.evolve_adjoint(gradient, inputs, apart, steps, mesh, some), every[1::2])
    x, *fields = inputs[:1] * 3 + [torch.rand(2, 2, 3, 4, dtype=torch.float64).requires_grad_() for _ in range(4)]
    same = [x, x, x, *fields[2:]]
    want = torch.autograd.grad(diffusion_advection(*same, **given), [x, *fields[2:]], gradient, materialize_grads=True)
    joined = [False, True, True, False, False, False, False]
    close(cuda_operator.evolve_adjoint(gradient, same, joined, steps, mesh, [True, False, False, *[True] * 4]), want)
    for stack in (Stack(True, None, True), Stack(False, None, False), Stack(True, 0.2, True)):
        lying = torch.rand(2, 2, len(stack.names), 3, 4, dtype=torch.float64).requires_grad_()
        want = evolve_fields(x, lying, **stack._asdict(), **given)
        laid = cuda_operator.stacked_layouts(x, lying, stack)
        close([cuda_operator._evolve(laid, x.shape, steps, mesh)], [want])
        both = torch.autograd.grad(want, [x, lying], gradient, materialize_grads=True)
        close(cuda_operator.fields_adjoint(gradient, x, lying, stack, steps, mesh, (True, True)), both)
        close(cuda_operator.fields_adjoint(gradient, x, lying, stack, steps, mesh, (False, True)), both[1:])
print("equal")
"""


def test_values_and_gradients_in_the_simulator(run_python):
    assert run_python(EVOLVED, **SIMULATED) == "equal"


@pytest.mark.parametrize("name", ["evolve", "evolve_adjoint", "evolve_fields", "evolve_fields_adjoint"])
def test_the_operators_know_tensors_on_a_gpu(name):
    assert torch._C._dispatch_has_kernel_for_dispatch_key(f"pdebridge::{name}", "CUDA")


def test_tensors_elsewhere_are_refused():
    h = torch.rand(3, 4)
    with pytest.raises(ValueError, match=r"`backend` 'cuda' takes tensors on a CUDA device, got cpu: move them"):
        diffusion_advection(h, h, 0.0, 0.1, 0.1, 0.1, 0.1, steps=1, dt=0.1, backend="cuda")
