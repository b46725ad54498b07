"""Kernels on the threads of torch's OpenMP runtime: every part once, failures come back, the same bits as on one."""

import numpy as np
import pytest
import torch

from nnbridge import diffusion_advection
from solver import cpu
from solver.compiling import kernel
from solver.cpu import openmp
from solver.cpu.sharing import share_out
from solver.cpu.threads import Team, own_team, share, team_of
from solver.records import Fields, Levels, Mesh

SHAPES = [(8, 40, 41), (7, 40, 41), (131, 137)]


@kernel(part=True)
def count_some(seen, failing, first, last):
    if first <= failing < last:
        raise ValueError("this part fails")
    for part in range(first, last):
        seen[part] += 1


@kernel()
def count(seen, failing, span):
    share_out(count_some, (seen, failing), span)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_torch_s_runtime_is_found():
    assert openmp.runtime() != openmp.NOBODY
    assert own_team().runtime == team_of(3).runtime == openmp.runtime()


@pytest.mark.parametrize("runtime", [openmp.NOBODY, openmp.runtime()])
@pytest.mark.parametrize(("size", "parts"), [(1, 5), (2, 5), (5, 5), (5, 3), (2, 1)])
def test_every_part_runs_once(runtime, size, parts):
    seen = np.zeros(parts, np.int64)
    share(count, (seen, -1), parts, Team(size, runtime))
    assert seen.tolist() == [1] * parts


@pytest.mark.parametrize("failing", [0, 3])
def test_a_failure_on_any_thread_is_raised_here(failing):
    with pytest.raises(MemoryError, match="use fewer threads, or smaller planes"):
        share(count, (np.zeros(4, np.int64), failing), 4, team_of(2))
    with pytest.raises(ValueError, match="this part fails"):
        share(count, (np.zeros(4, np.int64), failing), 4, Team(2))


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
