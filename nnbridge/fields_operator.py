"""The operator of a layer whose fields lie together: H[0] = H[-1] = x, the source x or none, and one tensor of fields.

`torch.ops.pdebridge.evolve_fields(x, fields, ...)` is `evolve` for `fields` of shape (..., n, rows, columns): u, v, Dx,
Dy of each plane one after the other, as a grouped convolution makes them. The kernel reads them where they lie and
writes their gradient as one tensor; taken apart and stacked again by autograd, they would be copied once more.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nnbridge.autograd import register_pullback, register_refusal
from nnbridge.operator import LIBRARY, MESH, NO_SECOND_DERIVATIVE, check_dtypes, incoming, mesh_of, plain_values
from solver import cpu
from solver.cpu.layer import Parts
from solver.cpu.threads import team_of
from solver.records import Inputs, Mesh

STACKED = "Tensor x, Tensor fields, bool velocity, float? diffusivity, bool source"

LIBRARY.define(f"evolve_fields({STACKED}, {MESH}) -> Tensor")
LIBRARY.define(f"evolve_fields_adjoint(Tensor gradient, {STACKED}, {MESH}, bool[] wanted) -> Tensor[]")


class Stack(Parts):
    """What a tensor of fields holds, and what takes the place of the rest."""

    def inputs(self, x: Tensor, fields: Tensor) -> tuple[Tensor, ...]:
        """Return the seven inputs of `evolve`: views of `fields`, and numbers."""
        zero = x.new_zeros(())
        D = zero if self.diffusivity is None else x.new_full((), self.diffusivity)
        parts = {"u": zero, "v": zero, "Dx": D, "Dy": D} | dict(zip(self.names, fields.unbind(-3), strict=True))
        return (x, x, x if self.source else zero, *parts.values())


def evolve_fields(x: Tensor, fields: Tensor, stack: Stack, steps: int, mesh: Mesh) -> Tensor:
    """Call the operator: H[steps]."""
    result: Tensor = torch.ops.pdebridge.evolve_fields(x, fields, *stack, steps, *plain_values(mesh))
    return result


def _arrays(x: Tensor, fields: Tensor, stack: Stack) -> Inputs:
    """Return the seven inputs as arrays, as `Stack.inputs` does as tensors; nothing is copied."""
    return stack.arrays(x.detach().numpy(), fields.detach().numpy())


@torch.library.impl(LIBRARY, "evolve_fields", "CPU")
def _evolve_fields_cpu(x: Tensor, fields: Tensor, *arguments: Any) -> Tensor:
    stack, (steps, *plain) = Stack(*arguments[:3]), arguments[3:]
    check_dtypes((x, fields), ("x", "fields"))
    out = x.new_empty(x.shape)
    inputs = _arrays(x, fields, stack)
    cpu.forward_into(out.numpy(), inputs, mesh_of(*plain), steps, team_of(torch.get_num_threads()))
    return out


@torch.library.impl(LIBRARY, "evolve_fields_adjoint", "CPU")
def _evolve_fields_adjoint_cpu(gradient: Tensor, x: Tensor, fields: Tensor, *arguments: Any) -> list[Tensor]:
    stack, (steps, *plain, wanted) = Stack(*arguments[:3]), arguments[3:]
    inputs = _arrays(x, fields, stack)
    gradients = cpu.adjoint_stacked(
        incoming(gradient, x),
        inputs,
        stack.names,
        mesh_of(*plain),
        steps,
        wanted,
        stack.joined,
        team_of(torch.get_num_threads()),
    )
    return [torch.from_numpy(g) for g, w in zip(gradients, wanted, strict=True) if w]


@torch.library.register_fake("pdebridge::evolve_fields", lib=LIBRARY)
def _evolve_fields_fake(x: Tensor, *arguments: Any) -> Tensor:
    return torch.empty(x.shape, dtype=x.dtype, device=x.device)


@torch.library.register_fake("pdebridge::evolve_fields_adjoint", lib=LIBRARY)
def _evolve_fields_adjoint_fake(gradient: Tensor, x: Tensor, fields: Tensor, *arguments: Any) -> list[Tensor]:
    both = zip((x, fields), arguments[-1], strict=True)
    return [torch.empty(t.shape, dtype=t.dtype, device=t.device) for t, w in both if w]


register_pullback(LIBRARY, "evolve_fields", 2)
register_refusal(LIBRARY, "evolve_fields_adjoint", NO_SECOND_DERIVATIVE)
for _device in ("cpu", "cuda"):
    torch.library.register_autocast("pdebridge::evolve_fields", _device, torch.float32, lib=LIBRARY)
