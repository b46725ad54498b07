"""Every backend computes the SCHEME: against a literal loop over cells, and the axes and signs one by one."""

import numpy as np
import pytest

from solver import backends
from solver.records import Fields, Inputs, Levels, Mesh

MESH = Mesh(dt=0.13, dx=0.7, dy=1.9)

pytestmark = pytest.mark.parametrize("backend", ["numpy", "cpu"])


def literal_step(inputs, mesh):
    """The formula, cell by cell, in Python numbers; shares no code with the project."""
    H, old, f, u, v, Dx, Dy = (np.asarray(a).tolist() for a in inputs)
    dt, dx, dy = mesh.dt, mesh.dx, mesh.dy
    rows, columns = len(H), len(H[0])
    new = [[0.0] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            below, above = (i + 1) % rows, (i - 1) % rows
            right, left = (j + 1) % columns, (j - 1) % columns
            A_x, A_y = u[i][j] * dt / dx, v[i][j] * dt / dy
            B_x, B_y = Dx[i][j] * dt / dx**2, Dy[i][j] * dt / dy**2
            u_x = (u[below][j] - u[above][j]) / (2 * dx)
            v_y = (v[i][right] - v[i][left]) / (2 * dy)
            total = (1 - 2 * B_x - 2 * B_y) * old[i][j]
            total -= 2 * dt * (u_x + v_y) * H[i][j]
            total += 2 * dt * f[i][j]
            total += (-A_x + 2 * B_x) * H[below][j] + (A_x + 2 * B_x) * H[above][j]
            total += (-A_y + 2 * B_y) * H[i][right] + (A_y + 2 * B_y) * H[i][left]
            new[i][j] = total / (1 + 2 * B_x + 2 * B_y)
    return np.array(new)


@pytest.mark.parametrize("shape", [(3, 4), (5, 3), (2, 7), (1, 4), (4, 1), (1, 1), (2, 2)])
def test_one_step_is_the_formula_cell_by_cell(backend, shape, make_inputs, split):
    inputs = make_inputs(shape)
    now, old = backends.get(backend).forward(*split(inputs), MESH, 1)
    np.testing.assert_allclose(now, literal_step(inputs, MESH), rtol=0, atol=1e-14)
    np.testing.assert_array_equal(old, inputs.now)


def test_three_steps_are_three_times_the_formula(backend, make_inputs, split):
    inputs = make_inputs((3, 4))
    now, old = backends.get(backend).forward(*split(inputs), MESH, 3)
    stepped = inputs
    for _ in range(3):
        stepped = stepped._replace(now=literal_step(stepped, MESH), old=stepped.now)
    np.testing.assert_allclose(now, stepped.now, rtol=0, atol=1e-14)
    np.testing.assert_allclose(old, stepped.old, rtol=0, atol=1e-14)


def authors_step(inputs, mesh):
    """The scheme with the published code's orientation: `roll(h, +1)`, h[i-1], takes -A_x + 2 B_x."""
    H, old, f, u, v, Dx, Dy = inputs
    A = (u * mesh.dt / mesh.dx, v * mesh.dt / mesh.dy)
    B = (Dx * mesh.dt / mesh.dx**2, Dy * mesh.dt / mesh.dy**2)
    total = (1 - 2 * B[0] - 2 * B[1]) * old + 2 * mesh.dt * f
    for axis in (0, 1):
        total = total - (np.roll(A[axis], 1, axis) - np.roll(A[axis], -1, axis)) * H
        total = total + (-A[axis] + 2 * B[axis]) * np.roll(H, 1, axis)
        total = total + (A[axis] + 2 * B[axis]) * np.roll(H, -1, axis)
    return total / (1 + 2 * B[0] + 2 * B[1])


def test_the_published_code_has_the_opposite_sign_of_the_velocity(backend, make_inputs, split):
    inputs = make_inputs((5, 4))
    now = backends.get(backend).forward(*split(inputs), MESH, 1).now
    mirrored = inputs._replace(u=-inputs.u, v=-inputs.v)
    np.testing.assert_allclose(now, authors_step(mirrored, MESH), rtol=0, atol=1e-14)
    assert np.abs(now - authors_step(inputs, MESH)).max() > 1e-2


@pytest.mark.parametrize(
    ("velocity", "axis"), [((1.0, 0.0), -2), ((0.0, 1.0), -1)], ids=["u moves rows", "v moves columns"]
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_positive_velocity_carries_toward_the_larger_index(backend, velocity, axis, sign):
    n, cells = 48, 10
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")

    def hill(shift):
        distance = (i if axis == -2 else j) - 24.0 - shift
        return np.exp(-((distance / 5.0) ** 2))

    zero = np.zeros(())
    u, v = (np.array(sign * w) for w in velocity)
    levels = Levels(hill(0.0), hill(-sign * 0.25))
    moved = backends.get(backend).forward(levels, Fields(u, v, zero, zero, zero), Mesh(0.25), 4 * cells).now
    assert np.abs(moved - hill(sign * cells)).max() < 0.06
    assert np.abs(moved - hill(-sign * cells)).max() > 0.5


def test_spacing_belongs_to_its_own_axis(backend, make_inputs, split):
    inputs = make_inputs((6, 5))
    a = backends.get(backend).forward(*split(inputs), Mesh(0.1, 2.0, 0.5), 2).now
    # The same numbers A and B on the unit mesh: u / dx, v / dy, Dx / dx^2, Dy / dy^2.
    scaled = inputs._replace(u=inputs.u / 2, v=inputs.v * 2, Dx=inputs.Dx / 4, Dy=inputs.Dy * 4)
    b = backends.get(backend).forward(*split(scaled), Mesh(0.1), 2).now
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_inf_spread_and_are_not_optimised_away(backend, dtype, make_inputs, split):
    for bad in (np.nan, np.inf):
        inputs = make_inputs((7, 9), dtype)
        inputs.now[3, 4] = bad
        with np.errstate(invalid="ignore"):
            now = backends.get(backend).forward(*split(inputs), MESH, 1).now
        wrong = {(int(i), int(j)) for i, j in np.argwhere(~np.isfinite(now))}
        assert wrong == {(3, 4), (2, 4), (4, 4), (3, 3), (3, 5)}


def test_inputs_are_left_alone(backend, make_inputs, split):
    inputs = make_inputs((2, 5, 4))
    before = Inputs(*(a.copy() for a in inputs))
    levels, fields = split(inputs)
    out = backends.get(backend).forward(levels, fields, MESH, 0)
    backends.get(backend).forward(levels, fields, MESH, 3)
    backends.get(backend).adjoint(levels, levels, fields, MESH, 3)
    for a, b in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not any(np.shares_memory(o, i) for o in out for i in inputs)
