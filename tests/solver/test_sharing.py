"""A call is made piece by piece: every part once, whatever the threads and the pieces, and a failure is not lost."""

import numba
import numpy as np
import pytest

from solver.compiling import kernel
from solver.cpu.openmp import NOBODY, runtime
from solver.cpu.sharing import share_out
from solver.cpu.threads import ENOUGH, PIECES, Team, share, team_of
from solver.cpu.vectors import take_widest


@kernel()
def count_parts(counts, pieces, span):
    share_out(count_some, (counts, pieces), span)


@kernel(part=True)
def count_some(counts, pieces, first, last):
    for part in range(first, last):
        counts[part] += 1
    pieces[first] = last - first


@kernel()
def fail_in_one(counts, span):
    share_out(fail_some, (counts,), span)


@kernel(part=True)
def fail_some(counts, first, last):
    if last == counts.size:
        raise MemoryError("none left")
    counts[first:last] = 1


@pytest.mark.parametrize("count", [1, 2, 7, 100])
@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("pieces", [0, 1, 4, 64, 1000])
def test_every_part_is_made_once(count, threads, pieces):
    for team in (team_of(threads)._replace(pieces=pieces), Team(threads, NOBODY, pieces)):
        counts, sizes = np.zeros(count, np.int64), np.zeros(count, np.int64)
        share(count_parts, (counts, sizes), count, team)
        assert (counts == 1).all()
        assert sizes.sum() == count


def test_pieces_are_as_many_as_asked_for():
    if runtime() == NOBODY:
        pytest.skip("no OpenMP runtime: Python threads have one part each")
    counts, sizes = np.zeros(100, np.int64), np.zeros(100, np.int64)
    share(count_parts, (counts, sizes), 100, team_of(2)._replace(pieces=20))
    assert sizes[sizes > 0].tolist() == [5] * 20


def test_a_call_is_cut_by_its_work():
    team = team_of(4)
    assert team.for_work(ENOUGH - 1).size == 1
    assert team.for_work(ENOUGH).pieces == 4
    assert team.for_work(10 * ENOUGH).pieces == 10
    assert team.for_work(10_000 * ENOUGH).pieces == 4 * PIECES


def test_a_thread_that_fails_is_told():
    if runtime() == NOBODY:
        pytest.skip("no OpenMP runtime")
    with pytest.raises(MemoryError, match="a thread could not allocate its scratch"):
        share(fail_in_one, (np.zeros(100),), 100, team_of(2)._replace(pieces=10))


@numba.njit
def doubled(a, b):
    take_widest()
    for i in range(a.size):
        b[i] = a[i] + a[i]


def test_a_kernel_may_ask_for_the_widest_vectors():
    a, b = np.arange(100, dtype=np.float32), np.empty(100, np.float32)
    doubled(a, b)
    assert b.tolist() == (2 * a).tolist()
    if hasattr(doubled, "inspect_llvm"):  # not with NUMBA_DISABLE_JIT
        assert all('"prefer-vector-width"="512"' in text for text in doubled.inspect_llvm().values())
