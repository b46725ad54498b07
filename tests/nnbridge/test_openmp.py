"""The kernel on torch's own threads: every part once, errors come back, the same bits as the solver's own threads."""

import pytest
import torch

from nnbridge import diffusion_advection
from nnbridge.openmp import torch_team
from solver import cpu
from solver.records import Fields, Levels, Mesh

SHAPES = [(8, 40, 41), (7, 40, 41), (131, 137)]


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield torch_team()
    torch.set_num_threads(before)


def test_the_team_is_as_large_as_torch_s(two_threads):
    assert two_threads.size == 2


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_every_part_runs_once(two_threads, parts):
    seen = []
    two_threads.run(seen.append, parts)
    assert sorted(seen) == list(range(parts))


def test_an_error_in_a_part_is_raised_here(two_threads):
    def fail(part):
        if part == 1:
            raise ZeroDivisionError("part 1")

    with pytest.raises(ZeroDivisionError, match="part 1"):
        two_threads.run(fail, 2)


@pytest.mark.parametrize("shape", SHAPES)
def test_torch_s_threads_give_the_bits_of_the_solver_s(two_threads, shape):
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.rand(shape, generator=generator, requires_grad=True) for _ in range(7)]
    out = diffusion_advection(*inputs, steps=18, dt=0.2)
    gradients = torch.autograd.grad(out.sum(), inputs)

    h, h_prev, source, u, v, Dx, Dy = (t.detach().numpy() for t in inputs)
    levels, fields = Levels(h, h_prev), Fields(u, v, Dx, Dy, source)
    own = cpu.forward(levels, fields, Mesh(0.2), 18)
    assert out.detach().numpy().tobytes() == own.now.tobytes()
    ones = torch.ones(shape).numpy()
    for ours, theirs in zip(gradients, cpu.adjoint(ones, levels, fields, Mesh(0.2), 18), strict=True):
        assert ours.numpy().tobytes() == theirs.tobytes()


FORKED = """
import multiprocessing, torch
from nnbridge import diffusion_advection
torch.set_num_threads(2)
h = torch.rand(8, 64, 64)
def work():
    return diffusion_advection(h, h, 0.0, 0.1, 0.1, 0.1, 0.1, steps=18, dt=0.2).numpy().tobytes()
want = work()
def child(queue):
    queue.put(work())
context = multiprocessing.get_context("fork")
queue = context.Queue()
process = context.Process(target=child, args=(queue,), daemon=True)  # ends with us, even if it hangs
process.start()
print(queue.get(timeout=60) == want)
"""


def test_a_forked_child_stays_out_of_openmp(run_python):
    assert run_python(FORKED).split() == ["True"]
