"""The Numba kernels against the plain reference: shapes, steps, dtypes, broadcasting, memory layouts."""

import numpy as np
import pytest

from solver import backends, cpu, reference
from solver.records import Fields, Inputs, Levels, Mesh

MESH = Mesh(dt=0.2, dx=0.9, dy=1.2)
PLANES = [(1, 1), (1, 5), (5, 1), (2, 2), (1, 2), (2, 1), (3, 4), (7, 5), (16, 16), (9, 33)]
# One plane, so large that its rows are shared out in bands even for K = 0: square, prime, one row, one column.
LARGE = [(320, 330), (331, 317), (1, 110_000), (110_000, 1), (3, 40_001)]
STEPS = [0, 1, 2, 5, 17, 20, 40]
DTYPES = [np.float32, np.float64]

SHAPES = {
    "scalar": (),
    "one value": (1, 1, 1, 1),
    "per channel": (3, 1, 1),
    "per member": (2, 1, 1, 1),
    "per plane": (2, 3, 1, 1),
    "shared plane": (5, 4),
    "plane per channel": (3, 5, 4),
    "plane per member": (2, 1, 5, 4),
    "row vector": (1, 4),
    "column vector": (5, 1),
    "row per channel": (3, 1, 4),
}


def in_double(inputs):
    return Inputs(*(a.astype(np.float64) for a in inputs))


def compare_forward(inputs, steps, split, close):
    got = cpu.forward(*split(inputs), MESH, steps)
    want = reference.forward(*split(in_double(inputs)), MESH, steps)
    assert got.now.dtype == got.old.dtype == inputs.now.dtype
    close(got.now, want.now, steps)
    close(got.old, want.old, steps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("plane", PLANES)
def test_forward_equals_the_reference(plane, steps, dtype, make_inputs, split, assert_rounding_close):
    compare_forward(make_inputs((2, 3, *plane), dtype), steps, split, assert_rounding_close)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("plane", LARGE)
def test_a_plane_in_bands_equals_the_reference(
    plane, steps, dtype, make_inputs, split, assert_rounding_close, set_threads
):
    set_threads(2)
    compare_forward(make_inputs(plane, dtype), steps, split, assert_rounding_close)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("planes", [2, 3, 17, 64])
def test_planes_shared_out_among_threads_equal_the_reference(
    planes, dtype, make_inputs, split, assert_rounding_close, set_threads
):
    set_threads(2)
    compare_forward(make_inputs((planes, 64, 65), dtype), 13, split, assert_rounding_close)


@pytest.mark.parametrize("name", Inputs._fields)
@pytest.mark.parametrize("pattern", SHAPES)
def test_one_input_broadcast_from_any_shape(name, pattern, make_inputs, split, assert_rounding_close):
    inputs = make_inputs((2, 3, 5, 4), **{name: SHAPES[pattern]})
    compare_forward(inputs, 3, split, assert_rounding_close)


@pytest.mark.parametrize("pattern", SHAPES)
def test_all_fields_broadcast_at_once(pattern, make_inputs, split, assert_rounding_close):
    fields = dict.fromkeys(Fields._fields, SHAPES[pattern])
    compare_forward(make_inputs((2, 3, 5, 4), **fields), 3, split, assert_rounding_close)


def test_the_common_shape_may_come_from_the_fields_alone(make_inputs, split, assert_rounding_close):
    inputs = make_inputs((), u=(2, 1, 1, 4), Dx=(3, 5, 1))
    compare_forward(inputs, 3, split, assert_rounding_close)


def test_batch_dimensions_broadcast_in_the_middle(make_inputs, split, assert_rounding_close):
    inputs = make_inputs((2, 3, 2, 4, 5), u=(2, 1, 2, 4, 5), v=(1, 3, 1, 1, 1), Dx=(3, 1, 4, 5), Dy=(2, 3, 1, 1, 1))
    compare_forward(inputs, 2, split, assert_rounding_close)


def test_without_batch_dimensions(make_inputs, split, assert_rounding_close):
    compare_forward(make_inputs((6, 7)), 3, split, assert_rounding_close)


LAYOUTS = {
    "transposed": lambda a: np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2),
    "channels last": lambda a: np.ascontiguousarray(np.moveaxis(a, -3, -1)).transpose(0, 3, 1, 2),
    "batch swapped": lambda a: np.ascontiguousarray(a.swapaxes(0, 1)).swapaxes(0, 1),
    "every other row": lambda a: np.repeat(a, 2, axis=-2)[..., ::2, :],
    "every other column": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "every other channel": lambda a: np.repeat(a, 2, axis=-3)[:, ::2],
    "every other member": lambda a: np.repeat(a, 2, axis=0)[::2],
    "inner columns": lambda a: np.pad(a, [(0, 0)] * 3 + [(1, 2)])[..., 1:-2],
    "inner rows": lambda a: np.pad(a, [(0, 0)] * 2 + [(1, 2), (0, 0)])[..., 1:-2, :],
    "rows reversed": lambda a: np.ascontiguousarray(a[..., ::-1, :])[..., ::-1, :],
    "members reversed": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "planes reversed": lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
    "Fortran": np.asfortranarray,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_gives_the_same_bits(layout, make_inputs, split):
    inputs = make_inputs((2, 3, 5, 4))
    cotangent = Levels(*make_inputs((2, 3, 5, 4))[:2])
    strided = Inputs(*(LAYOUTS[layout](a) for a in inputs))
    assert all(np.array_equal(a, b) for a, b in zip(strided, inputs, strict=True))
    for got, want in zip(cpu.forward(*split(strided), MESH, 3), cpu.forward(*split(inputs), MESH, 3), strict=True):
        np.testing.assert_array_equal(got, want)
    strided_cotangent = Levels(*(LAYOUTS[layout](a) for a in cotangent))
    for got, want in zip(
        cpu.adjoint(strided_cotangent, *split(strided), MESH, 3),
        cpu.adjoint(cotangent, *split(inputs), MESH, 3),
        strict=True,
    ):
        np.testing.assert_array_equal(got, want)


def test_expanded_inputs_equal_their_copies(make_inputs, split):
    inputs = make_inputs((4,), now=(5, 4), u=(3, 1, 1))
    shape = (2, 3, 5, 4)
    views = Inputs(*(np.broadcast_to(a, shape) for a in inputs))
    copies = Inputs(*(a.copy() for a in views))
    np.testing.assert_array_equal(cpu.forward(*split(views), MESH, 3).now, cpu.forward(*split(copies), MESH, 3).now)


def test_read_only_arrays_need_no_second_kernel(make_inputs, split, count_kernels):
    inputs = make_inputs((3, 5, 4))
    want = cpu.forward(*split(inputs), MESH, 2).now
    kernels = count_kernels()
    for a in inputs:
        a.flags.writeable = False
    np.testing.assert_array_equal(cpu.forward(*split(inputs), MESH, 2).now, want)
    assert count_kernels() == kernels


@pytest.mark.parametrize("name", ["numpy", "cpu"])
@pytest.mark.parametrize("shape", [(0, 5, 4), (2, 0, 5, 4)])
def test_a_batch_of_no_planes_is_no_work(name, shape, make_inputs, split):
    backend, inputs = backends.get(name), make_inputs(shape, u=(), Dx=(5, 4))
    levels, fields = split(inputs)
    out = backend.forward(levels, fields, MESH, 3)
    assert out.now.shape == out.old.shape == shape
    gradients = backend.adjoint(levels, levels, fields, MESH, 3)
    for g, a in zip(gradients, inputs, strict=True):
        np.testing.assert_array_equal(g, np.zeros(a.shape))


def test_backends_by_name():
    assert backends.names() == ("auto", "numpy", "cpu", "cuda")
    assert backends.get("numpy").NAME == "numpy"
    assert backends.get("cpu").NAME == backends.get("auto").NAME == "cpu"
    with pytest.raises(ValueError, match=r"`backend` is 'gpu': it takes 'auto', 'numpy', 'cpu', 'cuda'\."):
        backends.get("gpu")
