"""Threads change nothing but the time: bitwise equal results, concurrent calls, forked children."""

import threading

import numpy as np
import pytest

from solver import cpu
from solver.records import Mesh

MESH = Mesh(dt=0.2, dx=0.9, dy=1.2)
# Enough updates for threads: planes shared out (an even and an odd number), and one plane in bands.
BATCHES = [(8, 40, 41), (7, 40, 41), (131, 137), (1, 40_001), (40_001, 1)]


def assert_bitwise(got, want):
    for g, w in zip(got, want, strict=True):
        assert g.tobytes() == w.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", BATCHES)
def test_one_and_two_threads_give_the_same_bits(shape, dtype, make_inputs, split, set_threads):
    levels, fields = split(make_inputs(shape, dtype))
    runs = []
    for threads in (1, 2):
        set_threads(threads)
        runs.append(
            (
                cpu.forward(levels, fields, MESH, 18),
                cpu.adjoint(levels, levels, fields, MESH, 18),
            )
        )
    assert_bitwise(runs[0][0], runs[1][0])
    assert_bitwise(runs[0][1], runs[1][1])


@pytest.mark.parametrize("steps", [17, 40])
def test_sums_over_shared_inputs_do_not_depend_on_the_threads(steps, make_inputs, split, set_threads):
    levels, fields = split(make_inputs((5, 3, 40, 41), u=(3, 1, 1), v=(), Dx=(40, 41), Dy=(5, 1, 1, 1)))
    runs = []
    for threads in (1, 2):
        set_threads(threads)
        runs.append(cpu.adjoint(levels.now, levels, fields, MESH, steps))
    assert_bitwise(*runs)


def test_the_same_plane_gives_the_same_bits_alone_and_in_a_batch(make_inputs, split):
    inputs = make_inputs((6, 40, 41))
    together = cpu.forward(*split(inputs), MESH, 18)
    for p in range(6):
        alone = cpu.forward(*split(type(inputs)(*(a[p] for a in inputs))), MESH, 18)
        assert_bitwise(alone, [level[p] for level in together])


def test_concurrent_calls_equal_serial_ones(make_inputs, split):
    jobs = [split(make_inputs(shape)) for shape in ((8, 40, 41), (131, 137), (9, 33, 64), (4, 64, 64))]

    def work(job):
        levels, fields = job
        return (
            *cpu.forward(levels, fields, MESH, 18),
            *cpu.adjoint(levels, levels, fields, MESH, 18),
        )

    serial = [work(job) for job in jobs]
    found = [[] for _ in jobs]
    gate = threading.Barrier(len(jobs))

    def repeat(i):
        gate.wait()
        for _ in range(5):
            found[i].append(work(jobs[i]))

    threads = [threading.Thread(target=repeat, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for want, results in zip(serial, found, strict=True):
        assert len(results) == 5
        for got in results:
            assert_bitwise(got, want)


FORKED = """
import multiprocessing
import numpy as np
from solver import cpu
from solver.records import Fields, Levels, Mesh

rng = np.random.default_rng(0)
a = rng.uniform(0, 1, (8, 64, 64))
levels, fields = Levels(a, a), Fields(*(rng.uniform(0, 1, a.shape) for _ in range(5)))

def work():
    now = cpu.forward(levels, fields, Mesh(0.2), 18)
    return now, cpu.adjoint(levels, levels, fields, Mesh(0.2), 18)

def child(queue):
    out, gradients = work()
    queue.put([x.tobytes() for x in (*out, *gradients)])

out, gradients = work()  # starts the threads that the child will not have
want = [x.tobytes() for x in (*out, *gradients)]
context = multiprocessing.get_context("fork")
for _ in range(2):
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,), daemon=True)  # ends with us, even if it hangs
    process.start()
    got = queue.get(timeout=60)
    process.join(60)
    print(process.exitcode, got == want)
print((work()[0].now.tobytes() == want[0]))  # and the parent goes on
"""


def test_a_forked_child_computes_the_same(run_python):
    assert run_python(FORKED).split() == ["0", "True", "0", "True", "True"]
