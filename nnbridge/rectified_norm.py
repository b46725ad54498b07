"""ReLU(BatchNorm(x)) and ReLU(BatchNorm(x) + shortcut) by one operation on a CPU, forward and backward.

With torch's two or three operations a fifth of a training step of ResNet-Global went into norms and ReLUs, which go
over memory several times for a few products. The modules stay what they are, with their weights, statistics and names;
they run themselves wherever one operation would give another result: see `applies`.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function

from nnbridge.memory_format import by_cell, format_of
from nnbridge.operator import DTYPES
from nnbridge.parts import nobody_looks, runs_alone
from nnbridge.running_statistics import move_statistics
from solver.cpu import rectified_norm as kernel
from solver.cpu.threads import team_of

# Numbers of an image of which torch's operations take as long: beside them ours has 60 microseconds of Python.
SMALLEST = {torch.contiguous_format: 1 << 16, torch.channels_last: 1 << 21}


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
    if rectify is None:
        return z.relu() if shortcut is None else z.relu_()
    return cast(Tensor, rectify(z))


class NormSequence(nn.Sequential):
    """`nn.Sequential` in which a BatchNorm and the ReLU behind it are one operation, where that gives the same.

        y = ReLU(gamma (x - mean) / sqrt(variance + eps) + beta)

    Its parts, their names in a checkpoint, their running statistics and their gradients, of any order, are those of
    `nn.Sequential`. One operation, on tensors in the memory of a CPU, float32 or float64, goes over memory fewer times
    and keeps one tensor less, in training, or in evaluation without gradients. The parts run by themselves where a
    hook, a compiler, a tracer or a transform looks, where one of them is of another class, and on small images, of
    which torch's operations take no longer; `torch.jit.script` does not know the class. Sums are taken part by part in
    one order: any number of threads makes the same bits.

    Parameters
    ----------
    *parts
        As for `nn.Sequential`: modules, or one ordered dictionary of them.

    Attributes
    ----------
    plain : bool
        True: every part runs by itself. Default False.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.

    Examples
    --------
    >>> block = NormSequence(nn.Conv2d(16, 32, 3, bias=False), nn.BatchNorm2d(32), nn.ReLU())
    >>> block(torch.randn(128, 16, 34, 34)).shape
    torch.Size([128, 32, 32, 32])
    """

    plain = False

    def __getitem__(self, which: Any) -> Any:
        """Return a part, or several as another sequence."""
        found: Any = super().__getitem__(which)
        if isinstance(which, slice):
            found.plain = self.plain
        return found

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


def applies(norm: nn.Module, rectify: nn.Module | None, x: Tensor, shortcut: Tensor | None) -> bool:
    """Whether one operation gives what the modules would give for `x`, and takes less time."""
    return (
        nobody_looks()
        and type(norm) is nn.BatchNorm2d
        and norm.affine
        and runs_alone(norm)
        and (rectify is None or (type(rectify) is nn.ReLU and runs_alone(rectify)))
        and _knows_statistics(norm)
        and _are_plain(x, shortcut, norm)
        and x.numel() >= SMALLEST[format_of(x)]
    )


def _knows_statistics(norm: nn.BatchNorm2d) -> bool:
    """Whether the operation has those that the norm takes: a batch's, or in evaluation, without gradients, its own."""
    if norm.training:
        return norm.momentum is not None
    return norm.running_mean is not None and not torch.is_grad_enabled()


def _are_plain(x: Tensor, shortcut: Tensor | None, norm: nn.BatchNorm2d) -> bool:
    """Whether all tensors lie in the memory of the CPU as NumPy can see them, of one dtype, images in one format."""
    images = [x] if shortcut is None else [x, shortcut]
    numbers = [t for t in (norm.weight, norm.bias, norm.running_mean, norm.running_var) if t is not None]
    dtype = x.dtype
    return (
        all(type(t) in (Tensor, nn.Parameter) and t.is_cpu and t.dtype == dtype for t in (*images, *numbers))
        and dtype in DTYPES
        and x.ndim == 4
        and all(t.shape == x.shape and not t.is_neg() and _lies_as(x, t) for t in images)
        and x.shape[1] == norm.num_features
        and x.numel() > norm.num_features  # torch refuses a norm of one number, and says why
    )


def _lies_as(x: Tensor, image: Tensor) -> bool:
    """Whether an image lies without gaps in the format of `x`."""
    return image.is_contiguous(memory_format=format_of(x))


def _image(tensor: Tensor) -> Any:
    """Return the memory of an image: (N, C, rows, columns), or where its channels are last (cells, C)."""
    tensor = tensor.detach()
    return tensor.numpy() if tensor.is_contiguous() else by_cell(tensor).reshape(-1, tensor.shape[1])


def _tensor(image: Any, x: Tensor) -> Tensor:
    """Return the tensor of such memory, which lies as that of `x`."""
    made = torch.from_numpy(image)
    if made.ndim == 4:
        return made
    return made.view(x.shape[0], *x.shape[2:], x.shape[1]).permute(0, 3, 1, 2)


def _by_one(norm: Any, x: Tensor, shortcut: Tensor | None) -> Tensor:
    if not norm.training:
        return _rectified(x, shortcut, _norm(_image(x), norm.running_mean.numpy(), norm.running_var.numpy(), norm))
    return cast(Tensor, _RectifiedNorm.apply(x, norm.weight, norm.bias, shortcut, norm))


def _norm(image: Any, mean: Any, variance: Any, norm: nn.BatchNorm2d) -> kernel.Norm:
    gamma, beta = (t.detach().contiguous().numpy() for t in (norm.weight, norm.bias))
    return kernel.Norm.of(image, mean, variance, gamma, beta, norm.eps)


def _rectified(x: Tensor, shortcut: Tensor | None, found: kernel.Norm) -> Tensor:
    y = torch.empty_like(x, memory_format=format_of(x))
    added = None if shortcut is None else _image(shortcut)
    kernel.rectify(_image(y), _image(x), added, found, team_of(torch.get_num_threads()))
    return y


class _RectifiedNorm(Function):
    """(x, gamma, beta, shortcut, norm) -> y, where gamma and beta are the norm's; its running statistics move.

    Where a graph of the backward pass is asked for, or gradients come in batches, it is made of torch's operations.
    """

    @staticmethod
    def forward(ctx: Any, *given: Any) -> Tensor:
        x, gamma, beta, shortcut, norm = given
        image = _image(x)
        mean, variance = kernel.moments(image, team_of(torch.get_num_threads()))
        move_statistics(norm, mean, variance, x.numel() // x.shape[1])
        ctx.found, ctx.eps, ctx.format = _norm(image, mean, variance, norm), norm.eps, format_of(x)
        y = _rectified(x, shortcut, ctx.found)
        ctx.save_for_backward(x, gamma, beta, None if shortcut is None else y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, gamma, beta, y = ctx.saved_tensors
        if torch.is_grad_enabled() or _is_batched(gradients[0]):
            return *_by_torch(gradients[0], x, gamma, beta, y, ctx.eps), None
        # Whoever kept the tensors meanwhile may give them back in another format.
        gradient, x = (t.contiguous(memory_format=ctx.format) for t in (gradients[0].resolve_neg().to(x.dtype), x))
        result = None if y is None else _image(y.contiguous(memory_format=ctx.format))
        team, wanted = team_of(torch.get_num_threads()), ctx.needs_input_grad[0]
        found = kernel.pull_back(_image(gradient), _image(x), result, ctx.found, wanted, team)
        of_x, of_shortcut = (None if g is None else _tensor(g, x) for g in (found.x, found.shortcut))
        return of_x, torch.from_numpy(found.gamma), torch.from_numpy(found.beta), of_shortcut, None


def _is_batched(gradient: Tensor) -> bool:
    """Whether it stands for several: within a transform, or as torch.autograd batches gradients."""
    batched: bool = torch._C._functorch.is_legacy_batchedtensor(gradient)
    return batched or torch._C._are_functorch_transforms_active()


def _by_torch(gradient: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, y: Tensor | None, eps: float) -> Any:
    """Return the gradients of x, gamma, beta and the shortcut in operations that torch can differentiate and batch."""
    over, shape = (0, 2, 3), (-1, 1, 1)
    variance, mean = torch.var_mean(x, over, correction=0, keepdim=True)
    inverse = torch.rsqrt(variance + eps)
    normed = (x - mean) * inverse
    z = normed * gamma.view(shape) + beta.view(shape) if y is None else y
    of_z = torch.where(z <= 0, 0, gradient)
    of_beta, of_gamma = of_z.sum(over), (of_z * normed).sum(over)
    count = x.numel() // x.shape[1]
    rest = (of_beta.view(shape) + normed * of_gamma.view(shape)) / count
    of_x = gamma.view(shape) * inverse * (of_z - rest)
    return of_x, of_gamma, of_beta, None if y is None else of_z
