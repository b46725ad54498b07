"""The registered torch operator over the solver's CPU kernels.

`torch.ops.pdebridge.evolve` and its adjoint `torch.ops.pdebridge.evolve_adjoint`: shapes for tracing (fake), the
autograd rule, and autocast (both compute in float32). Between forward and backward only the inputs are kept, whatever
the number of steps. H[-1] and the source may be None: the same tensor as H[0], as in the layer; its gradient then comes
back as one sum, made by the kernel. The kernel runs on torch's own threads. Registered with
`torch.library.define` and `impl`, which cost a third of `custom_op` a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nnbridge.autograd import register_pullback, register_refusal
from solver import cpu
from solver.cpu.threads import team_of
from solver.records import Array, Fields, Filter, Inputs, Levels, Mesh

INPUTS = "Tensor h, Tensor? h_prev, Tensor? source, Tensor u, Tensor v, Tensor Dx, Tensor Dy"
MESH = "int steps, float dt, float dx, float dy, str[] boundary, str advection, str diffusion, float nu, float alpha"
NAMES = ("h", "h_prev", "source", "u", "v", "Dx", "Dy")
DTYPES = (torch.float32, torch.float64)
NO_SECOND_DERIVATIVE = (
    "the kernel has no second derivative: call diffusion_advection(..., backend='torch') for double backward."
)

LIBRARY = torch.library.Library("pdebridge", "DEF")
LIBRARY.define(f"evolve({INPUTS}, {MESH}) -> Tensor")
LIBRARY.define(f"evolve_adjoint(Tensor gradient, {INPUTS}, {MESH}, bool[] wanted) -> Tensor[]")


def evolve(inputs: Sequence[Tensor | None], steps: int, mesh: Mesh) -> Tensor:
    """Call the operator: H[steps] from the seven inputs, in the order of `solver.records.Inputs`."""
    result: Tensor = torch.ops.pdebridge.evolve(*inputs, steps, *plain_values(mesh))
    return result


def plain_values(mesh: Mesh) -> tuple[Any, ...]:
    """Return the mesh as the plain values that an operator takes."""
    plain = (mesh.dt, mesh.dx, mesh.dy, mesh.boundary, mesh.advection, mesh.diffusion)
    return (*plain, mesh.raw.nu, mesh.raw.alpha)


def mesh_of(
    dt: float,
    dx: float,
    dy: float,
    boundary: Sequence[str],
    advection: str,
    diffusion: str,
    nu: float,
    alpha: float,
) -> Mesh:
    """Return the mesh of an operator's plain values."""
    north, south, west, east = boundary
    return Mesh(dt, dx, dy, (north, south, west, east), advection, diffusion, Filter(nu, alpha))


def check_dtypes(inputs: Sequence[Tensor], names: Sequence[str] = NAMES) -> None:
    """Raise a TypeError unless all are float32 or all float64."""
    dtype = inputs[0].dtype
    if dtype not in DTYPES or any(t.dtype != dtype for t in inputs):
        named = ", ".join(f"{n} {t.dtype}" for n, t in zip(names, inputs, strict=True))
        count = {2: "both", 7: "all seven"}[len(names)]
        raise TypeError(
            f"the inputs have the dtypes {named}: the kernel takes float32 or float64, the same for {count}. "
            "Convert them with .to(...), or run under torch.autocast, which computes in float32."
        )


def filled(inputs: Sequence[Tensor | None]) -> list[Tensor]:
    """Return the inputs with H[0] in place of each None."""
    h = inputs[0]
    assert h is not None
    return [h if t is None else t for t in inputs]


def _arrays(inputs: Sequence[Tensor]) -> Inputs:
    """Return the tensors' memory as NumPy arrays; nothing is copied. A tensor that comes again is the same array."""
    arrays: list[Array] = []
    before = None
    for tensor in inputs:
        arrays.append(arrays[-1] if tensor is before else tensor.detach().numpy())
        before = tensor
    return Inputs(*arrays)


def incoming(gradient: Tensor, like: Tensor) -> Array:
    """Return the gradient of a result as an array of the dtype of the input `like`."""
    gradient = gradient.detach()
    array: Array = (gradient if gradient.dtype == like.dtype else gradient.to(like.dtype)).numpy()
    return array


def common_shape(tensors: Sequence[Tensor]) -> torch.Size:
    """Return the shape that all broadcast to; `torch.broadcast_shapes` costs a third of a small call."""
    first = tensors[0].shape
    if all(t.shape == first or not t.ndim for t in tensors):
        return first
    shape: torch.Size = torch.broadcast_shapes(*[t.shape for t in tensors])
    return shape


@torch.library.impl(LIBRARY, "evolve", "CPU")
def _evolve_cpu(*arguments: Any) -> Tensor:
    inputs, (steps, *plain) = filled(arguments[:7]), arguments[7:]
    check_dtypes(inputs)
    out = inputs[0].new_empty(common_shape(inputs))
    cpu.forward_into(out.numpy(), _arrays(inputs), mesh_of(*plain), steps, team_of(torch.get_num_threads()))
    return out


@torch.library.impl(LIBRARY, "evolve_adjoint", "CPU")
def _evolve_adjoint_cpu(gradient: Tensor, *arguments: Any) -> list[Tensor]:
    inputs, (steps, *plain, wanted) = filled(arguments[:7]), arguments[7:]
    arrays = _arrays(inputs)
    gradients = cpu.adjoint(
        incoming(gradient, inputs[0]),
        Levels(arrays.now, arrays.old),
        Fields(arrays.u, arrays.v, arrays.Dx, arrays.Dy, arrays.source),
        mesh_of(*plain),
        steps,
        wanted,
        team_of(torch.get_num_threads()),
        [t is None for t in arguments[:7]],
    )
    return [torch.from_numpy(g) for g, w in zip(gradients, wanted, strict=True) if w]


@torch.library.register_fake("pdebridge::evolve", lib=LIBRARY)
def _evolve_fake(*arguments: Any) -> Tensor:
    inputs = filled(arguments[:7])
    return torch.empty(common_shape(inputs), dtype=inputs[0].dtype, device=inputs[0].device)


@torch.library.register_fake("pdebridge::evolve_adjoint", lib=LIBRARY)
def _evolve_adjoint_fake(gradient: Tensor, *arguments: Any) -> list[Tensor]:
    inputs, wanted = arguments[:7], arguments[-1]
    return [torch.empty(t.shape, dtype=t.dtype, device=t.device) for t, w in zip(inputs, wanted, strict=True) if w]


register_pullback(LIBRARY, "evolve", len(NAMES))
register_refusal(LIBRARY, "evolve_adjoint", NO_SECOND_DERIVATIVE)
for _device in ("cpu", "cuda"):
    torch.library.register_autocast("pdebridge::evolve", _device, torch.float32, lib=LIBRARY)
