"""What a BatchNorm and the ReLU behind it make of one number; see `solver.cpu.rectified_norm`."""

from __future__ import annotations

from solver.arithmetic import multiply_add
from solver.compiling import point_function
from solver.cpu.convolution import rectified


@point_function
def value(x, s, scale, shift, zero):
    """Return ReLU(scale x + shift + s); s may be None."""
    z = multiply_add(scale, x, shift)
    return rectified(z if s is None else z + s, zero)


@point_function
def of_z(g, x, y, scale, shift, zero):
    """Return the gradient of z for that of ReLU(z), which is y; None: z is made again from x."""
    z = multiply_add(scale, x, shift) if y is None else y
    return zero if z <= zero else g


@point_function
def of_x(g, x, numbers):
    """Return the gradient of x for that of z; `numbers` are scale, mean, level and slope of the channel."""
    scale, mean, level, slope = numbers
    return multiply_add(scale, g, -multiply_add(slope, x - mean, level))
