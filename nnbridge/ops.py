"""The differentiable function: K steps of the scheme on tensors."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from nnbridge import (
    cuda_operator,  # noqa: F401, registers what runs on a GPU
    fields_operator,
    operator,
    reference,
)
from nnbridge.fields_operator import Stack
from nnbridge.walls import hold_walls
from solver import checks
from solver.filters import RAW, check_filter
from solver.records import ADVECTION, DIFFUSION, DIRICHLET, Filter, Mesh
from solver.sides import Dirichlet, Sides

BACKENDS = ("auto", "cpu", "cuda", "torch")
NAMES = ("h", "h_prev", "source", "u", "v", "Dx", "Dy")


def diffusion_advection(
    h: Tensor,
    h_prev: Tensor | float,
    source: Tensor | float,
    u: Tensor | float,
    v: Tensor | float,
    Dx: Tensor | float,
    Dy: Tensor | float,
    *,
    steps: int,
    dt: float,
    dx: float = 1.0,
    dy: float = 1.0,
    boundary: str | Dirichlet | Sides = "periodic",
    advection: str = "product",
    diffusion: str = "laplacian",
    filter: RAW | None = None,
    backend: str = "auto",
) -> Tensor:
    """Evolve H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f by `steps` leapfrog / DuFort-Frankel steps.

        L H[k+1] = M H[k-1] - 2 dt (u_x + v_y) H[k] + 2 dt f
                 + (2 B_x + A_x) H[k](i-1) + (2 B_x - A_x) H[k](i+1)
                 + (2 B_y + A_y) H[k](j-1) + (2 B_y - A_y) H[k](j+1)

    with A_x = u dt/dx, B_x = Dx dt/dx^2 (likewise y), L = 1 + 2 B_x + 2 B_y, M = 1 - 2 B_x - 2 B_y, in the published
    forms (the others: `solver.stencil`). Rows (dim -2) are x, columns (dim -1) are y; +u carries features toward larger
    row index.

    Parameters
    ----------
    h, h_prev : Tensor
        H[0] and H[-1], (N, C, H, W) or anything that broadcasts with the others to (..., rows, columns).
    source : Tensor or float
        f, constant over the steps.
    u, v, Dx, Dy : Tensor or float
        Velocities and diffusivities: scalars, (C, 1, 1) per channel, or per cell. A gradient has its input's shape.
    steps : int
        K >= 0; 0 returns a copy of `h`, with the values of Dirichlet walls on them.
    dt, dx, dy : float
        Time step and spacings, positive.
    boundary : {"periodic", "no-flux"}, solver.Dirichlet or solver.Sides
        As for `solver.Grid`: cells carry periodic and no-flux sides (the wall half a spacing beyond the edge cells),
        the edge nodes carry Dirichlet walls and hold their value, a number or a tensor that may have a gradient.
    advection : {"product", "skew", "flux"}
        How (u H)_x is differenced; as published, by the product rule.
    diffusion : {"laplacian", "flux"}
        D H_xx, as published, or the conservative (D H_x)_x.
    filter : solver.RAW, optional
        Damp the computational mode after every step but the first. Default: no filter.
    backend : {"auto", "cpu", "cuda", "torch"}
        ``"cpu"``: the fused kernel, float32 or float64; first derivatives, reverse mode. ``"cuda"``: the same for
        tensors on a GPU, without `filter`, with the extra `cuda`; **it has not run on a GPU yet**. ``"torch"``: the
        same in plain torch, any device, with double backward, forward mode, torch.func and export. ``"auto"``: the
        kernel for tensors on the CPU, except under forward mode and torch.func; else torch.

    Returns
    -------
    Tensor
        H[steps], contiguous, of the common shape.

    Raises
    ------
    TypeError
        If an input is not a floating tensor or number; for the kernel, if the dtypes differ or are not float32 or
        float64. Under autocast both backends compute in float32. Outside it plain torch promotes mixed dtypes.
    ValueError
        If shapes do not broadcast, a mesh parameter is out of range, devices differ, or a name is unknown.

    Notes
    -----
    Where `h_prev` or `source` is the same tensor as `h`, as in the layer, the kernel makes the sum of their gradients.

    The layer does not check stability, which training moves: see `solver.stability` and GlobalLayer.fields. Of a
    training step only the seven inputs are kept, for any `steps`.

    References
    ----------
    A. Kag and V. Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
    """
    inputs = _tensors((h, h_prev, source, u, v, Dx, Dy))
    steps, mesh, sides = _discretisation(steps, dt, dx, dy, boundary, advection, diffusion, filter)
    same = [n in ("h_prev", "source") and t is inputs[0] for n, t in zip(NAMES, inputs, strict=True)]
    inputs = hold_walls(inputs, sides)
    if _kernel_runs(backend, inputs[0]):
        return operator.evolve([None if s else t for s, t in zip(same, inputs, strict=True)], steps, mesh)
    return _evolve_in_torch(inputs, steps, mesh)


def evolve_fields(
    x: Tensor,
    fields: Tensor,
    *,
    velocity: bool = True,
    diffusivity: float | None = None,
    source: bool = True,
    steps: int,
    dt: float,
    dx: float = 1.0,
    dy: float = 1.0,
    boundary: str | Sides = "periodic",
    advection: str = "product",
    diffusion: str = "laplacian",
    backend: str = "auto",
) -> Tensor:
    """Evolve `x` by fields that lie in one tensor, as a grouped convolution makes them: the core of a layer.

    The same as `diffusion_advection` with H[0] = H[-1] = x and the source x or zero, but the kernel reads the fields
    where they lie and writes their gradient as one tensor.

    Parameters
    ----------
    x : Tensor
        (N, C, H, W).
    fields : Tensor
        (N, C * n, H, W), the n fields of a channel together, or (N, C, n, H, W): u, v, Dx, Dy, or those two of them
        that are not given otherwise.
    velocity : bool
        Whether u and v come first in `fields`. Default True; else there is no advection.
    diffusivity : float, optional
        Default: Dx and Dy come last in `fields`. Else the number that both are.
    source : bool
        Whether f = x, else zero. Default True.
    steps, dt, dx, dy, advection, diffusion, backend
        As for `diffusion_advection`.
    boundary : str or solver.Sides
        Of periodic and no-flux sides.

    Returns
    -------
    Tensor
        H[steps], contiguous, of the shape of `x`.

    Raises
    ------
    TypeError, ValueError
        As `diffusion_advection`; and if `fields` does not have the shape that the choices need, or a side is a
        Dirichlet wall.
    """
    x, fields = _tensor("x", x), _tensor("fields", fields, x)
    steps, mesh, sides = _discretisation(steps, dt, dx, dy, boundary, advection, diffusion, None)
    if DIRICHLET in sides.kinds:
        raise ValueError(
            "`boundary` has a Dirichlet wall: evolve_fields takes 'periodic' and 'no-flux' sides. "
            "Call diffusion_advection for walls with values."
        )
    if diffusivity is not None:
        diffusivity = checks.real("diffusivity", diffusivity, zero=True)
    stack = Stack(bool(velocity), diffusivity, bool(source))
    fields = _stacked(x, fields, stack)
    if _kernel_runs(backend, x):
        return fields_operator.evolve_fields(x, fields, stack, steps, mesh)
    return _evolve_in_torch(stack.inputs(x, fields), steps, mesh)


def _stacked(x: Tensor, fields: Tensor, stack: Stack) -> Tensor:
    """Return `fields` as (N, C, n, H, W), or raise an error that says which shape it takes."""
    count = len(stack.names)
    if not count:
        raise ValueError(
            "`velocity` is False and `diffusivity` a number, so that there are no fields: call diffusion_advection."
        )
    if x.ndim != 4:
        raise ValueError(f"`x` has shape {tuple(x.shape)}: it takes (N, C, H, W).")
    n, channels, *plane = x.shape
    if tuple(fields.shape) == (n, channels, count, *plane):
        return fields
    if tuple(fields.shape) == (n, channels * count, *plane):
        return fields.reshape(n, channels, count, *plane)
    raise ValueError(
        f"`fields` has shape {tuple(fields.shape)}: with {', '.join(stack.names)} for `x` of shape {tuple(x.shape)} it "
        f"takes {(n, channels * count, *plane)} or {(n, channels, count, *plane)}."
    )


def _discretisation(
    steps: int,
    dt: float,
    dx: float,
    dy: float,
    boundary: str | Dirichlet | Sides,
    advection: str,
    diffusion: str,
    filter: RAW | None,
) -> tuple[int, Mesh, Sides]:
    """Check the number of steps and the mesh."""
    steps = checks.whole("steps", steps, 0)
    dt, dx, dy = checks.real("dt", dt), checks.real("dx", dx), checks.real("dy", dy)
    checks.choice("advection", advection, tuple(ADVECTION))
    checks.choice("diffusion", diffusion, tuple(DIFFUSION))
    raw = check_filter(filter)
    sides = Sides.of(boundary)
    return steps, Mesh(dt, dx, dy, sides.kinds, advection, diffusion, raw.after(1) if raw else Filter()), sides


def _evolve_in_torch(inputs: tuple[Tensor, ...], steps: int, mesh: Mesh) -> Tensor:
    """Run plain torch, in float32 under autocast, as the kernel does."""
    if torch.is_autocast_enabled(inputs[0].device.type):
        inputs = tuple(t.float() if t.dtype != torch.float64 else t for t in inputs)
    with torch.autocast(inputs[0].device.type, enabled=False):
        return reference.evolve(*inputs, steps=steps, mesh=mesh).contiguous()


def _kernel_runs(backend: str, h: Tensor) -> bool:
    """Decide between the kernel and plain torch."""
    checks.choice("backend", backend, BACKENDS)
    on_cpu = h.device.type == "cpu"
    # The kernel would silently return a zero tangent, and the transforms of torch.func cannot look into it.
    transformed = forward_ad._current_level >= 0 or torch._C._are_functorch_transforms_active()
    if backend in ("cpu", "cuda"):
        if h.device.type != backend:
            where = "the CPU" if backend == "cpu" else "a CUDA device"
            raise ValueError(
                f"`backend` '{backend}' takes tensors on {where}, got {h.device}: move them, or use 'torch'."
            )
        if transformed:
            raise ValueError(
                f"`backend` '{backend}' has no forward-mode derivative and no torch.func transform: "
                "use 'torch' or 'auto'."
            )
        return True
    return backend == "auto" and on_cpu and not transformed


def _tensors(values: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Make numbers tensors like `h`, and check that all fit together."""
    h = _tensor("h", values[0])
    tensors = tuple(_tensor(name, value, h) for name, value in zip(NAMES, values, strict=True))
    shapes = [tuple(t.shape) for t in tensors]
    try:
        shape = operator.common_shape(tensors)
    except RuntimeError:
        named = ", ".join(f"{n} {s}" for n, s in zip(NAMES, shapes, strict=True))
        raise ValueError(f"the shapes do not broadcast together: {named}.") from None
    if len(shape) < 2:
        raise ValueError(f"`h` has shape {tuple(h.shape)}: it takes at least two dimensions, rows and columns last.")
    return tensors


def _tensor(name: str, value: Any, like: Tensor | None = None) -> Tensor:
    """Return `value` if it is a floating tensor, on the device of `like`; a number becomes one."""
    if isinstance(value, Tensor):
        tensor = value
    elif like is None:
        raise TypeError(f"`{name}` is a {type(value).__name__}: it takes a tensor (..., rows, columns).")
    elif isinstance(value, Real):
        # Half-precision `h` meets numbers under autocast, which computes in float32: they are not rounded first.
        wide = torch.float64 if like.dtype == torch.float64 else torch.float32
        tensor = torch.full((), float(value), dtype=wide, device=like.device)
    else:
        raise TypeError(f"`{name}` is a {type(value).__name__}: it takes a tensor or a number.")
    if not tensor.is_floating_point():
        raise TypeError(f"`{name}` has dtype {tensor.dtype}: it takes a floating dtype, such as that of `h`.")
    if like is not None and tensor.device != like.device:
        raise ValueError(f"`{name}` is on {tensor.device}, but `h` is on {like.device}: move it there.")
    return tensor
