"""The fingerprint of a problem's arrays: equal for equal bytes, different for every small change."""

import numpy as np
import pytest

from solver.cpu.fingerprint import CHUNK, LANES, fingerprint


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 3, LANES, LANES + 1, 7 * LANES + 5])
def test_equal_bytes_and_only_those_are_equal(size, dtype, rng):
    values = rng.standard_normal(size).astype(dtype)
    assert fingerprint(values) == fingerprint(values.copy())
    for changed in range(size):
        other = values.copy()
        other[changed] = np.nextafter(other[changed], dtype(9))
        assert fingerprint(other) != fingerprint(values)


def test_signs_turned_around_and_planes_exchanged_are_seen(rng):
    """Both leave sums and parities as they are."""
    values = rng.standard_normal((4, 8, 8))
    seen = {fingerprint(a) for a in (values, -values, values[::-1], values.transpose(0, 2, 1), np.roll(values, LANES))}
    assert len(seen) == 5


def test_memory_need_not_be_contiguous(rng):
    values = rng.standard_normal((6, 10))
    assert fingerprint(values[:, ::2]) == fingerprint(values[:, ::2].copy())


@pytest.mark.parametrize("size", [CHUNK, CHUNK + 1, 8 * CHUNK + 3])
def test_chunks_and_threads_change_nothing(size, rng, set_threads):
    """Large enough at last for two threads; words exchanged between chunks are seen."""
    values = rng.standard_normal(size)
    found = []
    for threads in (1, 2):
        set_threads(threads)
        found.append(fingerprint(values, values[:5]))
    assert found[0] == found[1] == fingerprint(values) + fingerprint(values[:5])
    for changed in (0, CHUNK - 1, size - 1):
        other = values.copy()
        other[changed] = -other[changed]
        assert fingerprint(other) != fingerprint(values)
    exchanged = np.concatenate([values[CHUNK:], values[:CHUNK]])
    assert size == CHUNK or fingerprint(exchanged) != fingerprint(values)
