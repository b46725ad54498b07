"""The adjoints: the reference against finite differences, the kernels against the reference, the dot test."""

import numpy as np
import pytest

from solver import backends, cpu, reference
from solver.records import Fields, Inputs, Levels, Mesh

MESH = Mesh(dt=0.2, dx=0.9, dy=1.2)
PLANES = [(1, 1), (1, 5), (5, 1), (2, 2), (3, 4), (7, 5), (9, 16)]
STEPS = [0, 1, 2, 5, 16, 17, 20, 40]  # more than 16 steps are taken in segments
SHAPES = {
    "scalar": (),
    "per channel": (3, 1, 1),
    "per member": (2, 1, 1, 1),
    "per plane": (2, 3, 1, 1),
    "shared plane": (5, 4),
    "plane per channel": (3, 5, 4),
    "row vector": (1, 4),
    "column vector": (5, 1),
}


def in_double(inputs):
    return Inputs(*(a.astype(np.float64) for a in inputs))


def pairing(a, b):
    return float(np.sum(a * b, dtype=np.float64))


def compare(inputs, cotangent, steps, split, close):
    got = cpu.adjoint(cotangent, *split(inputs), MESH, steps)
    want = reference.adjoint(Levels(*(c.astype(np.float64) for c in cotangent)), *split(in_double(inputs)), MESH, steps)
    cells = np.broadcast_shapes(*(a.shape for a in inputs))
    for name, g, w, a in zip(Inputs._fields, got, want, inputs, strict=True):
        assert g.dtype == a.dtype, name
        # A field's gradient sums over the steps, a broadcast input's over the cells that share it as well.
        terms = (steps + 1) if name not in ("now", "old") else 1
        close(g, w, steps, summed=terms * np.prod(cells, dtype=int) // a.size)


@pytest.mark.parametrize("steps", [0, 1, 2, 5])
@pytest.mark.parametrize("name", Inputs._fields)
@pytest.mark.parametrize("level", ["now", "old"])
def test_the_reference_adjoint_is_the_derivative(level, name, steps, make_inputs, split):
    inputs, direction = make_inputs((2, 3, 4)), make_inputs((2, 3, 4))
    weight = np.zeros((2, 3, 4)), direction.source
    cotangent = Levels(*(weight if level == "old" else weight[::-1]))

    def value(t):
        moved = inputs._replace(**{name: getattr(inputs, name) + t * getattr(direction, name)})
        out = reference.forward(*split(moved), MESH, steps)
        return pairing(out.now, cotangent.now) + pairing(out.old, cotangent.old)

    # Fourth-order differences: truncation and cancellation are both near 1e-11 at this step.
    t = 2e-3
    slope = (8 * (value(t) - value(-t)) - (value(2 * t) - value(-2 * t))) / (12 * t)
    gradient = getattr(reference.adjoint(cotangent, *split(inputs), MESH, steps), name)
    assert pairing(gradient, getattr(direction, name)) == pytest.approx(slope, abs=2e-10, rel=2e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("plane", PLANES)
def test_all_seven_gradients_equal_the_reference(plane, steps, dtype, make_inputs, split, assert_rounding_close):
    inputs = make_inputs((2, 3, *plane), dtype)
    cotangent = Levels(*make_inputs((2, 3, *plane), dtype)[:2])
    compare(inputs, cotangent, steps, split, assert_rounding_close)


@pytest.mark.parametrize("steps", [1, 17])
@pytest.mark.parametrize("planes", [1, 3])
def test_gradients_of_large_planes_equal_the_reference(planes, steps, make_inputs, split, assert_rounding_close):
    inputs = make_inputs((planes, 130, 131))
    cotangent = Levels(*make_inputs((planes, 130, 131))[:2])
    compare(inputs, cotangent, steps, split, assert_rounding_close)


@pytest.mark.parametrize("name", Inputs._fields)
@pytest.mark.parametrize("pattern", SHAPES)
def test_a_broadcast_input_gets_the_sum(name, pattern, make_inputs, split, assert_rounding_close):
    inputs = make_inputs((2, 3, 5, 4), **{name: SHAPES[pattern]})
    cotangent = Levels(*make_inputs((2, 3, 5, 4))[:2])
    compare(inputs, cotangent, 3, split, assert_rounding_close)


@pytest.mark.parametrize("pattern", SHAPES)
def test_all_fields_broadcast_get_their_sums(pattern, make_inputs, split, assert_rounding_close):
    inputs = make_inputs((2, 3, 5, 4), **dict.fromkeys(Fields._fields, SHAPES[pattern]))
    cotangent = Levels(*make_inputs((2, 3, 5, 4))[:2])
    compare(inputs, cotangent, 3, split, assert_rounding_close)


@pytest.mark.parametrize("name", ["numpy", "cpu"])
@pytest.mark.parametrize("steps", [0, 1, 5, 20, 40])
def test_dot_test(name, steps, make_inputs, split):
    """<F x, y> = <x, F' y> for the linear map F from (H[0], H[-1], f) to (H[K], H[K-1])."""
    backend, inputs = backends.get(name), make_inputs((2, 7, 5))
    y = Levels(*make_inputs((2, 7, 5))[:2])
    levels, fields = split(inputs)
    out = backend.forward(levels, fields, MESH, steps)
    g = backend.adjoint(y, levels, fields, MESH, steps)
    left = pairing(out.now, y.now) + pairing(out.old, y.old)
    right = pairing(inputs.now, g.now) + pairing(inputs.old, g.old) + pairing(inputs.source, g.source)
    assert left == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("steps", [0, 3, 20])
def test_a_cotangent_of_the_last_level_alone(steps, make_inputs, split):
    inputs = make_inputs((2, 5, 4))
    y = make_inputs((2, 5, 4)).now
    alone = cpu.adjoint(y, *split(inputs), MESH, steps)
    padded = cpu.adjoint(Levels(y, np.zeros_like(y)), *split(inputs), MESH, steps)
    for a, b in zip(alone, padded, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_expanded_cotangent_equals_its_copy(make_inputs, split):
    inputs = make_inputs((2, 3, 5, 4))
    expanded = np.broadcast_to(np.array(0.7), (2, 3, 5, 4))
    got = cpu.adjoint(expanded, *split(inputs), MESH, 3)
    want = cpu.adjoint(expanded.copy(), *split(inputs), MESH, 3)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


KINDS = """
import sys
import numpy as np
from numba.core.registry import CPUDispatcher
from solver import cpu
from solver.records import Fields, Levels, Mesh

def kernels():
    modules = [m for name, m in sys.modules.items() if name.startswith("solver.cpu")]
    found = {id(d): d for m in modules for d in vars(m).values() if isinstance(d, CPUDispatcher)}
    return sum(len(d.signatures) for d in found.values())

shape = (2, 3, 5, 4)
a = np.ones(shape)
frozen = np.ones(shape)
frozen.flags.writeable = False
for y in (np.ones(shape), frozen, np.broadcast_to(1.0, shape), np.ones((2, 3, 4, 5)).swapaxes(2, 3)):
    cpu.adjoint(y, Levels(a, a), Fields(a, a, a, a, a), Mesh(0.2), 3)
    print(kernels())
"""


def test_no_kind_of_cotangent_needs_a_second_kernel(run_python):
    """A second version of the kernel would cost the user seconds at the first `.sum().backward()`."""
    assert len(set(run_python(KINDS).split())) == 1


@pytest.mark.parametrize("name", Inputs._fields)
@pytest.mark.parametrize("others", [False, True], ids=["alone", "all but it"])
def test_only_what_is_wanted_is_computed(name, others, make_inputs, split):
    inputs = make_inputs((2, 3, 5, 4), u=(3, 1, 1), Dx=())
    y = make_inputs((2, 3, 5, 4)).now
    wanted = [(n == name) != others for n in Inputs._fields]
    full = cpu.adjoint(y, *split(inputs), MESH, 3)
    some = cpu.adjoint(y, *split(inputs), MESH, 3, wanted)
    for s, f, w in zip(some, full, wanted, strict=True):
        if w:
            np.testing.assert_array_equal(s, f)
        else:
            assert s.size == 0


def test_no_steps_pass_the_cotangents_through(make_inputs, split):
    inputs = make_inputs((2, 5, 4))
    y = Levels(*make_inputs((2, 5, 4))[:2])
    for name in ("numpy", "cpu"):
        g = backends.get(name).adjoint(y, *split(inputs), MESH, 0)
        np.testing.assert_array_equal(g.now, y.now)
        np.testing.assert_array_equal(g.old, y.old)
        assert not any(np.any(a) for a in g[2:])
