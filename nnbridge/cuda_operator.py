"""The operators for tensors on a GPU: `evolve`, `evolve_fields` and their adjoints by the solver's CUDA kernels.

Kernels are launched on torch's current stream, asked for at every launch, and their scratch is torch's memory: nothing
waits, and a call can be captured in a graph. A tensor is read in place if it is contiguous; an input that broadcasts is
not expanded. None of this has run on a GPU yet, so `backend="auto"` does not choose it: see `docs/design_decisions.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnbridge.fields_operator import Stack
from nnbridge.operator import LIBRARY, check_dtypes, common_shape, filled, mesh_of
from solver.records import Mesh

NOW, OLD, SOURCE = 0, 1, 2
Row = tuple[int, int, int, int]


def lay_out(tensor: Tensor, shape: Sequence[int]) -> tuple[Tensor, Row]:
    """Return an input, contiguous, and where its planes lie in its memory: see `solver.cpu.layout.Layout`.

    It is copied only if it is not contiguous, or broadcasts along a plane or in the middle of the batch.
    """
    shape = tuple(shape)
    row = row_of(tuple(tensor.shape), shape)
    if row is None:
        cells = shape[-2] * shape[-1]
        tensor, row = tensor.expand(shape), (cells, cells, 1, prod(shape[:-2]))
    return tensor if tensor.is_contiguous() else tensor.contiguous(), row


@lru_cache(maxsize=1024)
def row_of(own: tuple[int, ...], shape: tuple[int, ...]) -> Row | None:
    """Return where the planes of an input lie that broadcasts from its `own` shape; None: it must be expanded."""
    cells, planes = shape[-2] * shape[-1], prod(shape[:-2])
    if prod(own) == 1:
        return 1, 1, 1, 1
    padded = (1,) * (len(shape) - len(own)) + own
    spread = [axis for axis in range(len(shape) - 2) if shape[axis] > 1]
    kept = [axis for axis in spread if padded[axis] > 1]
    gaps = kept and kept != [axis for axis in spread if kept[0] <= axis <= kept[-1]]
    if gaps or padded[-2:] not in ((1, 1), shape[-2:]):
        return None
    values = 1 if padded[-2:] == (1, 1) else cells
    repeat = prod(shape[kept[-1] + 1 : -2]) if kept else 1
    return values, values, repeat, min(planes, prod(padded[axis] for axis in kept))


def evolve(inputs: Sequence[Tensor], steps: int, mesh: Mesh) -> Tensor:
    """Return H[steps] of seven inputs, of one dtype."""
    shape = common_shape(inputs)
    return _evolve([lay_out(t.detach(), shape) for t in inputs], shape, steps, mesh)


def evolve_adjoint(
    gradient: Tensor, inputs: Sequence[Tensor], joined: Sequence[bool], steps: int, mesh: Mesh, wanted: Sequence[bool]
) -> list[Tensor]:
    """Return the gradients that are wanted, each of its input's shape; those of `joined` inputs go to that of H[0]."""
    shape = common_shape(inputs)
    laid = [lay_out(t.detach(), shape) for t in inputs]
    full = _adjoint(gradient, laid, shape, joined, steps, mesh, wanted)
    return [g.sum_to_size(t.shape) for g, t, w in zip(full, inputs, wanted, strict=True) if w and g is not None]


def stacked_layouts(x: Tensor, fields: Tensor, stack: Stack) -> list[tuple[Tensor, Row]]:
    """Return the seven inputs of a layer: its fields are read where they lie, in one tensor."""
    cells, count = x.shape[-2] * x.shape[-1], len(stack.names)
    wanted = (*x.shape[:-2], count, *x.shape[-2:])
    if tuple(fields.shape) != wanted:
        raise ValueError(f"`fields` has shape {tuple(fields.shape)}: for `x` of {tuple(x.shape)} it takes {wanted}")
    zero = x.new_zeros(1), (1, 1, 1, 1)
    D = zero if stack.diffusivity is None else (x.new_full((1,), stack.diffusivity), (1, 1, 1, 1))
    h = lay_out(x.detach(), x.shape)
    flat, parts = fields.detach().contiguous().reshape(-1), {"u": zero, "v": zero, "Dx": D, "Dy": D}
    for slot, name in enumerate(stack.names):
        parts[name] = flat[slot * cells :], (cells, count * cells, 1, prod(x.shape[:-2]))
    return [h, h, h if stack.source else zero, *parts.values()]


def _evolve(laid: Sequence[tuple[Tensor, Row]], shape: Sequence[int], steps: int, mesh: Mesh) -> Tensor:
    from solver.cuda import launch

    out = laid[NOW][0].new_empty(tuple(shape))
    if out.numel():
        with _batch(laid, shape, mesh) as batch:
            launch.advance(batch, steps, out.view(-1))
    return out


def _adjoint(
    gradient: Tensor,
    laid: Sequence[tuple[Tensor, Row]],
    shape: Sequence[int],
    joined: Sequence[bool],
    steps: int,
    mesh: Mesh,
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """Return gradients that sum to the shapes of their inputs; None for what is not wanted, or part of that of H[0]."""
    from solver.cuda import launch

    like, shape = laid[NOW][0], tuple(shape)
    needed = tuple(w or (j and wanted[NOW]) for w, j in zip(wanted, joined, strict=True))
    gradient = gradient.detach().to(like.dtype).expand(shape).contiguous()
    if steps == 0 or not gradient.numel():
        found: list[Tensor | None] = [like.new_zeros(shape) if n else None for n in needed]
        if needed[NOW]:
            found[NOW] = gradient.clone()
    else:
        with _batch(laid, shape, mesh) as batch:
            made = launch.pull_back(batch, steps, gradient.view(-1), None, needed)
        found = [None if g is None else g.memory.view(g.shape) for g in made]
    for which in (OLD, SOURCE):
        first, other = found[NOW], found[which]
        if joined[which] and first is not None and other is not None:
            found[NOW] = first + other
    return [g if w and not j else None for g, w, j in zip(found, wanted, joined, strict=True)]


@contextmanager
def _batch(laid: Sequence[tuple[Tensor, Row]], shape: Sequence[int], mesh: Mesh) -> Iterator[Any]:
    """Describe the inputs to the kernels, on the tensors' device and torch's current stream there."""
    from solver.cuda.batch import DeviceBatch
    from solver.cuda.target import on_device, require

    require()
    like = laid[NOW][0]
    if any(flat.device != like.device or flat.dtype != like.dtype for flat, _ in laid):
        found = ", ".join(f"{flat.dtype} on {flat.device}" for flat, _ in laid)
        raise ValueError(f"the kernel takes tensors of one dtype on one device, got {found}: move or convert them")
    dtype = np.dtype(np.float32 if like.dtype == torch.float32 else np.float64)
    arrays, table = tuple(flat for flat, _ in laid), tuple(row for _, row in laid)
    with on_device(like) as stream:
        batch = DeviceBatch.on_device(arrays, table, tuple(shape), mesh, dtype, stream)
        yield batch._replace(allocate=like.new_empty)


@torch.library.impl(LIBRARY, "evolve", "CUDA")
def _evolve_cuda(*arguments: Any) -> Tensor:
    inputs, (steps, *plain) = filled(arguments[:7]), arguments[7:]
    check_dtypes(inputs)
    return evolve(inputs, steps, mesh_of(*plain))


@torch.library.impl(LIBRARY, "evolve_adjoint", "CUDA")
def _evolve_adjoint_cuda(gradient: Tensor, *arguments: Any) -> list[Tensor]:
    inputs, (steps, *plain, wanted) = filled(arguments[:7]), arguments[7:]
    return evolve_adjoint(gradient, inputs, [t is None for t in arguments[:7]], steps, mesh_of(*plain), wanted)


@torch.library.impl(LIBRARY, "evolve_fields", "CUDA")
def _evolve_fields_cuda(x: Tensor, fields: Tensor, *arguments: Any) -> Tensor:
    stack, (steps, *plain) = Stack(*arguments[:3]), arguments[3:]
    check_dtypes((x, fields), ("x", "fields"))
    return _evolve(stacked_layouts(x, fields, stack), x.shape, steps, mesh_of(*plain))


@torch.library.impl(LIBRARY, "evolve_fields_adjoint", "CUDA")
def _evolve_fields_adjoint_cuda(gradient: Tensor, x: Tensor, fields: Tensor, *arguments: Any) -> list[Tensor]:
    stack, (steps, *plain, wanted) = Stack(*arguments[:3]), arguments[3:]
    return fields_adjoint(gradient, x, fields, stack, steps, mesh_of(*plain), wanted)


def fields_adjoint(
    gradient: Tensor, x: Tensor, fields: Tensor, stack: Stack, steps: int, mesh: Mesh, wanted: Sequence[bool]
) -> list[Tensor]:
    """Return those gradients of x and of the tensor of fields that are wanted."""
    of_x, of_fields = wanted
    asked = [of_x, False, False, *(of_fields and name in stack.names for name in ("u", "v", "Dx", "Dy"))]
    full = _adjoint(gradient, stacked_layouts(x, fields, stack), x.shape, stack.joined, steps, mesh, asked)
    found = [full[NOW]] if of_x else []
    if of_fields:
        found.append(torch.stack([g for g in full[3:] if g is not None], dim=-3))
    return [g for g in found if g is not None]
