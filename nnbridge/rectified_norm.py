"""ReLU(BatchNorm(x)) and ReLU(BatchNorm(x) + shortcut) by one operation on a CPU, forward and backward.

With torch's two or three operations a fifth of a training step of ResNet-Global went into norms and ReLUs, which go
over memory several times for a few products. The modules stay what they are, with their weights, statistics and names;
they run themselves wherever one operation would give another result: see `applies`.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import batch_norm

from nnbridge.memory_format import in_planes
from nnbridge.operator import DTYPES, incoming
from nnbridge.parts import nobody_looks, runs_alone
from nnbridge.running import move_statistics
from solver.cpu import rectified_norm as kernel
from solver.cpu.threads import team_of


def rectified_norm(norm: nn.Module, rectify: nn.Module | None, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
    """Return ReLU(norm(x) + shortcut), by one operation where that gives the same.

    Parameters
    ----------
    norm
        Any module; one operation knows `nn.BatchNorm2d`.
    rectify
        The ReLU behind it, a module; None: there is none in the network, and torch's function is meant.
    x
        (N, C, H, W).
    shortcut
        Of the same shape, added before the ReLU.
    """
    if applies(norm, rectify, x, shortcut):
        return _by_one(cast(nn.BatchNorm2d, norm), x, shortcut)
    z: Tensor = norm(x) if shortcut is None else norm(x) + shortcut
    return cast(Tensor, torch.relu(z) if rectify is None else rectify(z))


Network = TypeVar("Network", bound=nn.Module)


class NormSequence(nn.Sequential):
    """`nn.Sequential`, in which a BatchNorm and the ReLU behind it are one operation where that gives the same.

    ``plain`` (default False) lets every part run by itself.
    """

    plain = False

    def forward(self, input: Tensor) -> Tensor:
        """Pass ``input`` through all parts."""
        return self._through(list(self), input)

    def before_last(self, input: Tensor) -> Tensor:
        """Pass it through all parts but the last."""
        return self._through(list(self)[:-1], input)

    def _through(self, parts: list[nn.Module], x: Tensor) -> Tensor:
        following = 0
        while following < len(parts):
            part, behind = parts[following], parts[following + 1 : following + 2]
            if behind and not self.plain and type(behind[0]) is nn.ReLU and type(part) is nn.BatchNorm2d:
                x = rectified_norm(part, behind[0], x)
                following += 2
            else:
                x = part(x)
                following += 1
        return x


def in_plain_torch(network: Network) -> Network:
    """Let every part of ``network`` run by itself, as torch's own modules; return it."""
    for part in network.modules():
        if isinstance(part, NormSequence):
            part.plain = True
    return network


def applies(norm: nn.Module, rectify: nn.Module | None, x: Tensor, shortcut: Tensor | None) -> bool:
    """Whether one operation gives what the modules would give for `x`."""
    return (
        nobody_looks()
        and type(norm) is nn.BatchNorm2d
        and norm.affine
        and runs_alone(norm)
        and (rectify is None or (type(rectify) is nn.ReLU and runs_alone(rectify)))
        and _knows_statistics(norm, x)
        and _are_plain(x, shortcut, norm)
    )


def _knows_statistics(norm: nn.BatchNorm2d, x: Tensor) -> bool:
    """Whether the operation has those that the norm takes: a batch's, or in evaluation, without gradients, its own."""
    if norm.training:
        return norm.momentum is not None
    return norm.running_mean is not None and not torch.is_grad_enabled()


def _are_plain(x: Tensor, shortcut: Tensor | None, norm: nn.BatchNorm2d) -> bool:
    """Whether all tensors lie in the memory of the CPU as NumPy can see them, of one dtype, images in planes."""
    images = [x] if shortcut is None else [x, shortcut]
    numbers = [t for t in (norm.weight, norm.bias, norm.running_mean, norm.running_var) if t is not None]
    return (
        all(type(t) in (Tensor, nn.Parameter) and t.is_cpu and t.dtype == x.dtype for t in (*images, *numbers))
        and all(t.shape == x.shape and t.is_contiguous() and not t.is_neg() for t in images)
        and x.dtype in DTYPES
        and x.ndim == 4
        and x.shape[1] == norm.num_features
        and x.numel() > norm.num_features  # torch refuses a norm of one number, and says why
    )


def _by_one(norm: Any, x: Tensor, shortcut: Tensor | None) -> Tensor:
    if not norm.training:
        return _rectified(x, shortcut, _numbers_of(norm.running_mean, norm.running_var, norm))
    y, mean, variance = _RectifiedNorm.apply(x, norm.weight, norm.bias, shortcut, norm.eps)
    move_statistics(norm, mean, variance, x.numel() // x.shape[1])
    return cast(Tensor, y)


def _numbers_of(mean: Any, variance: Any, norm: nn.BatchNorm2d) -> kernel.Norm:
    """Return a norm's numbers in double precision."""
    return kernel.Norm.of(_double(mean), _double(variance), _double(norm.weight), _double(norm.bias), norm.eps)


def _double(tensor: Tensor) -> Any:
    return tensor.detach().numpy().astype(np.float64)


def _rectified(x: Tensor, shortcut: Tensor | None, found: kernel.Norm) -> Tensor:
    y = torch.empty(x.shape, dtype=x.dtype)
    added = None if shortcut is None else shortcut.detach().numpy()
    kernel.rectify(y.numpy(), x.detach().numpy(), added, found, team_of(torch.get_num_threads()))
    return y


class _RectifiedNorm(Function):
    """(x, gamma, beta, shortcut, eps) -> (y, mean, variance); the statistics have no gradient of their own.

    If a graph of the backward pass is asked for, that is made of torch's operations, which have further derivatives.
    """

    @staticmethod
    def forward(ctx: Any, *given: Any) -> tuple[Tensor, Tensor, Tensor]:
        x, gamma, beta, shortcut, eps = given
        mean, variance = kernel.moments(x.detach().numpy(), team_of(torch.get_num_threads()))
        ctx.found = kernel.Norm.of(mean, variance, _double(gamma), _double(beta), eps)
        y = _rectified(x, shortcut, ctx.found)
        ctx.save_for_backward(x, gamma, beta, None if shortcut is None else y)
        ctx.eps = eps
        of_mean, of_variance = (torch.from_numpy(s).to(x.dtype) for s in (mean, variance))
        ctx.mark_non_differentiable(of_mean, of_variance)
        return y, of_mean, of_variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, gamma, beta, y = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _differentiable(gradients[0], (x, gamma, beta), y, ctx.eps, ctx.needs_input_grad)
        given = incoming(in_planes(gradients[0].resolve_neg()), x)
        result = None if y is None else y.detach().numpy()
        team, wanted = team_of(torch.get_num_threads()), ctx.needs_input_grad[0]
        found = kernel.pull_back(given, x.detach().numpy(), result, ctx.found, wanted, team)
        return *(None if g is None else torch.from_numpy(g) for g in found), None


def _differentiable(
    gradient: Tensor, inputs: tuple[Tensor, ...], y: Tensor | None, eps: float, wanted: tuple[bool, ...]
) -> Any:
    """Return the gradients as functions of the inputs and of that of y."""
    x, gamma, beta = inputs
    z = batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
    of_z = torch.where((z if y is None else y) > 0, gradient, 0)
    asked = [t for t, w in zip(inputs, wanted, strict=False) if w]
    found = iter(torch.autograd.grad(z, asked, of_z, create_graph=True) if asked else ())
    return *(next(found) if w else None for w in wanted[:3]), of_z if wanted[3] else None, None
