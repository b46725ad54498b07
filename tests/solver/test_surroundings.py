"""What a norm of convolutions needs to know of an image, and what it gives back: against sums written out."""

import numpy as np
import pytest

from solver.cpu.by_cell import Order
from solver.cpu.composite import add_composite, composite
from solver.cpu.learned_fields import moments
from solver.cpu.sharing import Span
from solver.cpu.surroundings import surroundings
from solver.cpu.threads import Team, team_of

# In one worker: each would compile the same kernels.
pytestmark = pytest.mark.xdist_group("learned layer")

SHAPES = [
    (3, 2, 6, 5),
    (2, 3, 1, 7),
    (2, 3, 7, 1),
    (4, 2, 1, 1),
    (2, 2, 2, 2),
    (1, 2, 3, 2),
    (2, 2, 2, 9),
    (2, 2, 33, 31),
]
ALONE = Team(1)


def around(image, border):
    """The nine images that a filter's taps see, (N, C, 9, rows, columns), with a number around each channel."""
    rows, columns = image.shape[2:]
    padded = np.pad(image - border[:, None, None], ((0, 0), (0, 0), (1, 1), (1, 1))) + border[:, None, None]
    return np.stack([padded[..., i : i + rows, j : j + columns] for i in range(3) for j in range(3)], 2)


def adjoint(sums, filters):
    """The adjoint of the convolutions, for (N, C, n, rows, columns)."""
    rows, columns = sums.shape[3:]
    result = np.zeros((*sums.shape[:2], rows + 2, columns + 2))
    for tap in range(9):
        i, j = divmod(tap, 3)
        result[..., i : i + rows, j : j + columns] += np.einsum("ncfij,cf->ncij", sums, filters[..., tap])
    return result[..., 1:-1, 1:-1]


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_and_products_are_those_of_the_nine_images(shape, dtype, far):
    rng = np.random.default_rng(0)
    image = (rng.standard_normal(shape) + 1).astype(dtype)
    centres = np.linspace(0.5, 2, shape[1]).astype(dtype) if far else np.empty(0, dtype)
    less = centres.astype(float) if far else np.zeros(shape[1])
    seen = around(image.astype(float) - less[:, None, None], -less)
    found = surroundings(image, centres, ALONE)
    np.testing.assert_allclose(found.sums, seen.sum((0, 3, 4)), atol=1e-11)
    np.testing.assert_allclose(found.products, np.einsum("ncsij,nctij->cst", seen, seen), atol=1e-11)

    filters = rng.standard_normal((shape[1], 4, 9))
    made = np.einsum("ncsij,cfs->ncfij", seen, filters)
    np.testing.assert_allclose(found.sum_of(filters), made.sum((0, 3, 4)), atol=1e-10)
    np.testing.assert_allclose(found.products_with(filters), np.einsum("ncfij,ncsij->cfs", made, seen), atol=1e-10)


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 2e-6)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_filter_is_convolutions_and_their_adjoint(shape, dtype, tolerance, far):
    rng = np.random.default_rng(1)
    image, before, C = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape).astype(dtype), shape[1]
    filters, factors, levels = (rng.standard_normal((C, 4, *more)) for more in ((9,), (), ()))
    centres = rng.standard_normal(C).astype(dtype) if far else np.empty(0, dtype)
    value = -centres.astype(float) if far else np.zeros(C)

    seen = around(image.astype(float) + value[:, None, None], value)
    sums = np.einsum("ncsij,cfs->ncfij", seen, filters * factors[..., None]) + levels[:, :, None, None]
    want = before + adjoint(sums, filters)

    numbers, got = composite(filters, factors, levels, centres).astype(dtype), before.copy()
    flat, order = got.reshape(-1), Order.of(image, ALONE)
    span = Span(0, order.parts(shape[0] * C))
    add_composite(flat, flat, numbers.reshape(-1), centres, image.reshape(-1), shape[1:], order, span)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max())


@pytest.mark.parametrize("mean", [1e3, 1e8])
def test_a_far_mean_costs_double_precision_no_digit_of_a_variance(mean):
    """Of a filter that sees no edge; where zeros begin, what another makes varies as much as the mean is large."""
    rng = np.random.default_rng(2)
    image, filters = rng.standard_normal((4, 2, 16, 16)) + mean, np.zeros((2, 2, 9))
    filters[..., 4] = rng.standard_normal((2, 2))
    exact = image.astype(np.longdouble).var((0, 2, 3))[:, None] * filters[..., 4].astype(np.longdouble) ** 2
    np.testing.assert_allclose(moments(image, filters).variance, exact.astype(float), rtol=1e-13)


def test_differences_of_a_smooth_image_cost_double_precision_as_many_digits_as_stated():
    i = np.linspace(-6, 6, 64)
    bump = np.exp(-(i[:, None] ** 2) - i**2)
    laplacian = np.array([0, 1, 0, 1, -4, 1, 0, 1, 0.0])
    y = np.einsum("sij,s->ij", around(bump[None, None].astype(np.longdouble), np.zeros(1))[0, 0], laplacian)
    found = moments(bump[None, None], np.stack([laplacian, 2 * laplacian])[None]).variance[0]
    np.testing.assert_allclose(found, np.array([1, 4]) * float(y.var()), rtol=1e-11)


@pytest.mark.parametrize("far", [False, True])
def test_threads_change_no_bit(far):
    image = np.random.default_rng(3).standard_normal((40, 3, 32, 32)).astype(np.float32)
    centres = np.full(3, 0.25, np.float32) if far else np.empty(0, np.float32)
    found = [surroundings(image, centres, team_of(threads).for_work(image.size)) for threads in (1, 2, 3)]
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))
