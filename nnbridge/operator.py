"""The registered torch operator over the solver's CPU kernels.

`torch.ops.pdebridge.evolve` and its adjoint `torch.ops.pdebridge.evolve_adjoint`: shapes for tracing (fake), the
autograd rule, and autocast (both compute in float32). Between forward and backward only the inputs are kept, whatever
the number of steps. The kernel runs on torch's own threads. Registered with `torch.library.define` and `impl`,
which cost a third of `custom_op` a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nnbridge.openmp import torch_team
from solver import cpu
from solver.records import Fields, Filter, Inputs, Levels, Mesh

INPUTS = "Tensor h, Tensor h_prev, Tensor source, Tensor u, Tensor v, Tensor Dx, Tensor Dy"
MESH = "int steps, float dt, float dx, float dy, str[] boundary, str advection, str diffusion, float nu, float alpha"
DTYPES = (torch.float32, torch.float64)

_library = torch.library.Library("pdebridge", "DEF")
_library.define(f"evolve({INPUTS}, {MESH}) -> Tensor")
_library.define(f"evolve_adjoint(Tensor gradient, {INPUTS}, {MESH}, bool[] wanted) -> Tensor[]")


def evolve(inputs: Sequence[Tensor], steps: int, mesh: Mesh) -> Tensor:
    """Call the operator: H[steps] from the seven inputs, in the order of `solver.records.Inputs`."""
    plain = (steps, mesh.dt, mesh.dx, mesh.dy, mesh.boundary, mesh.advection, mesh.diffusion)
    result: Tensor = torch.ops.pdebridge.evolve(*inputs, *plain, mesh.raw.nu, mesh.raw.alpha)
    return result


def _mesh(
    dt: float,
    dx: float,
    dy: float,
    boundary: Sequence[str],
    advection: str,
    diffusion: str,
    nu: float,
    alpha: float,
) -> Mesh:
    """Return what `evolve` was called with, from the plain values that an operator takes."""
    north, south, west, east = boundary
    return Mesh(dt, dx, dy, (north, south, west, east), advection, diffusion, Filter(nu, alpha))


def _check_dtypes(inputs: Sequence[Tensor]) -> None:
    found = {t.dtype for t in inputs}
    if len(found) > 1 or not found <= set(DTYPES):
        named = ", ".join(
            f"{n} {t.dtype}" for n, t in zip(("h", "h_prev", "source", "u", "v", "Dx", "Dy"), inputs, strict=True)
        )
        raise TypeError(
            f"the inputs have the dtypes {named}: the kernel takes float32 or float64, the same for all seven. "
            "Convert them with .to(...), or run under torch.autocast, which computes in float32."
        )


def _arrays(inputs: Sequence[Tensor]) -> Inputs:
    """Return the tensors' memory as NumPy arrays; nothing is copied."""
    return Inputs(*(t.detach().numpy() for t in inputs))


def _shape(inputs: Sequence[Tensor]) -> torch.Size:
    shape: torch.Size = torch.broadcast_shapes(*(t.shape for t in inputs))
    return shape


@torch.library.impl(_library, "evolve", "CPU")
def _evolve_cpu(*arguments: Any) -> Tensor:
    inputs, (steps, *plain) = arguments[:7], arguments[7:]
    _check_dtypes(inputs)
    out = torch.empty(_shape(inputs), dtype=inputs[0].dtype)
    cpu.forward_into(out.numpy(), _arrays(inputs), _mesh(*plain), steps, torch_team())
    return out


@torch.library.impl(_library, "evolve_adjoint", "CPU")
def _evolve_adjoint_cpu(gradient: Tensor, *arguments: Any) -> list[Tensor]:
    inputs, (steps, *plain, wanted) = arguments[:7], arguments[7:]
    arrays = _arrays(inputs)
    gradients = cpu.adjoint(
        gradient.detach().to(inputs[0].dtype).numpy(),
        Levels(arrays.now, arrays.old),
        Fields(arrays.u, arrays.v, arrays.Dx, arrays.Dy, arrays.source),
        _mesh(*plain),
        steps,
        wanted,
        torch_team(),
    )
    return [torch.from_numpy(g) for g, w in zip(gradients, wanted, strict=True) if w]


@torch.library.register_fake("pdebridge::evolve", lib=_library)
def _evolve_fake(*arguments: Any) -> Tensor:
    inputs = arguments[:7]
    return torch.empty(_shape(inputs), dtype=inputs[0].dtype, device=inputs[0].device)


@torch.library.register_fake("pdebridge::evolve_adjoint", lib=_library)
def _evolve_adjoint_fake(gradient: Tensor, *arguments: Any) -> list[Tensor]:
    inputs, wanted = arguments[:7], arguments[-1]
    return [torch.empty(t.shape, dtype=t.dtype, device=t.device) for t, w in zip(inputs, wanted, strict=True) if w]


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:7])
    ctx.mesh = inputs[7:]


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    inputs = ctx.saved_tensors  # read once: unpacking hooks may run each time
    wanted = list(ctx.needs_input_grad[:7])
    found = iter(torch.ops.pdebridge.evolve_adjoint(gradient, *inputs, *ctx.mesh, wanted))
    return (*(next(found) if w else None for w in wanted), *(None,) * len(ctx.mesh))


def _no_second_derivative(ctx: Any, *gradients: Any) -> None:
    raise NotImplementedError(
        "the kernel has no second derivative: call diffusion_advection(..., backend='torch') for double backward."
    )


def _setup_nothing(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    """Nothing is kept for a derivative that does not exist."""


torch.library.register_autograd("pdebridge::evolve", _backward, setup_context=_setup_context, lib=_library)
torch.library.register_autograd(
    "pdebridge::evolve_adjoint", _no_second_derivative, setup_context=_setup_nothing, lib=_library
)
for _device in ("cpu", "cuda"):
    torch.library.register_autocast("pdebridge::evolve", _device, torch.float32, lib=_library)
