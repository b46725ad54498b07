"""amplification: both roots of the quadratic, against NumPy's companion matrices and the scheme itself."""

import math

import numpy as np
import pytest

from solver import Amplification, amplification, reference
from solver.amplification import roots
from solver.records import Fields, Levels, Mesh

NUMBERS = [
    (0.3, -0.2, 0.1, 0.4),
    (0.8, 0.0, 0.01, 0.01),
    (0.3, 0.6, 0.0, 0.0),
    (0.0, 0.0, 5.0, 2.0),
    (0.3, 0.6, 0.2, 0),
]


@pytest.mark.parametrize("mesh_numbers", NUMBERS, ids=str)
def test_the_roots_are_those_of_the_polynomial(mesh_numbers):
    A_x, A_y, B_x, B_y = mesh_numbers
    found = amplification(*mesh_numbers, angles=12)
    B = B_x + B_y
    for i, j in np.ndindex(12, 12):
        a, b = found.a[i, 0], found.b[0, j]
        z = 2 * B_x * np.cos(a) + 2 * B_y * np.cos(b) - 1j * (A_x * np.sin(a) + A_y * np.sin(b))
        want = np.roots([1 + 2 * B, -2 * z, -(1 - 2 * B)])
        got = found.roots[:, i, j]
        distance = min(np.abs(got - want).max(), np.abs(got - want[::-1]).max())
        assert distance < 1e-7  # a double root is known to the square root of the rounding


@pytest.mark.parametrize("mesh_numbers", NUMBERS, ids=str)
def test_a_mode_grows_by_its_root(mesh_numbers):
    """Start the scheme on one root: a step multiplies the whole plane by it."""
    A_x, A_y, B_x, B_y = (np.asarray(number) for number in mesh_numbers)
    found = amplification(*mesh_numbers, angles=8)
    p, q = np.ogrid[:8, :8]
    for root in found.roots:
        for i, j in ((4, 4), (5, 4), (6, 3), (0, 0), (1, 7)):
            mode = np.exp(1j * (found.a[i, 0] * p + found.b[0, j] * q))
            levels = Levels(root[i, j] * mode, mode)
            fields = Fields(A_x + 0j, A_y + 0j, B_x + 0j, B_y + 0j, np.zeros((), complex))
            new, now = reference.forward(levels, fields, Mesh(1.0), 1)
            np.testing.assert_allclose(new, root[i, j] * now, rtol=0, atol=1e-7)


def test_angles_go_from_checkerboard_to_checkerboard():
    found = amplification(0.3, 0.2, 0.1, 0.1, angles=6)
    assert (found.a.shape, found.b.shape, found.roots.shape) == ((6, 1), (1, 6), (2, 6, 6))
    np.testing.assert_allclose(found.a[:, 0], np.pi * np.array([-1, -2 / 3, -1 / 3, 0, 1 / 3, 2 / 3]))
    np.testing.assert_array_equal(found.a[:, 0], found.b[0])
    assert amplification(0.3, 0.2, 0.1, 0.1).roots.shape == (2, 64, 64)


def test_the_first_root_is_the_physical_one():
    """It tends to exp(dt r), r of the semi-discrete equation, at order 3 a step; the other to -1."""
    u, v, Dx, Dy = 0.5, 0.3, 0.7, 0.2
    a, b = 2 * np.pi / 16, 2 * np.pi / 10
    r = 2 * Dx * (np.cos(a) - 1) + 2 * Dy * (np.cos(b) - 1) - 1j * (u * np.sin(a) + v * np.sin(b))
    errors = []
    for dt in (0.08, 0.04, 0.02, 0.01):
        physical, computational = roots(u * dt, v * dt, Dx * dt, Dy * dt, a, b)
        errors.append((abs(physical - np.exp(dt * r)), abs(computational + 1)))
    slopes = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    np.testing.assert_allclose(slopes[-1], [3, 1], atol=0.1)


@pytest.mark.parametrize(
    ("mesh_numbers", "largest"),
    [((0.3, 0.4, 0.2, 0.3), 1.0), ((0.0, 0.0, 50.0, 0.0), 1.0), ((0.0, 0.0, 0.0, 0.0), 1.0), ((0.5, 0.5, 0, 0), 1.0)],
)
def test_a_stable_scheme_has_no_root_beyond_the_circle(mesh_numbers, largest):
    assert amplification(*mesh_numbers).largest == pytest.approx(largest, abs=1e-7)


@pytest.mark.parametrize(
    ("mesh_numbers", "least"), [((0.3, 0.6, 0.2, 0.0), 1.10), ((0.6, 0.6, 0.0, 0.0), 1.2), ((1.2, 0, 0, 0), 1.2)]
)
def test_an_unstable_scheme_has_one(mesh_numbers, least):
    found = amplification(*mesh_numbers)
    assert isinstance(found, Amplification)
    assert found.largest > least
    assert found.largest == np.abs(found.roots).max()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.1, 0.1, -0.1, 0.1), ValueError, r"`B_x` is -0\.1: it takes a finite number >= 0"),
        ((0.1, 0.1, 0.1, math.inf), ValueError, r"`B_y` is inf"),
        ((math.nan, 0.1, 0.1, 0.1), ValueError, r"`A_x` is nan: it takes a finite number"),
        ((0.1, "fast", 0.1, 0.1), TypeError, r"`A_y` is 'fast': it takes a finite number"),
        ((0.1, 0.1, None, 0.1), TypeError, r"`B_x` is None"),
        ((0.1, 0.1, 0.1, 0.1, 0), ValueError, r"`angles` is 0: it takes a whole number >= 1"),
        ((0.1, 0.1, 0.1, 0.1, 2.5), TypeError, r"`angles` is 2\.5"),
        (([0.1], 0.1, 0.1, 0.1), TypeError, r"`A_x` is \[0\.1\]"),
    ],
)
def test_errors_name_the_number(arguments, error, message):
    with pytest.raises(error, match=message):
        amplification(*arguments)
