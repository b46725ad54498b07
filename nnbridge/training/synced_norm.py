"""BatchNorm over the images of all processes.

With sums over images and cells of every process, n of them for each channel, and s = 1 / sqrt(variance + eps):

    mean = sum x / n,    variance = sum (x - mean)^2 / n,    y = gamma z + beta,    z = s (x - mean)

and with g the gradient of y

    gradient of x = gamma s (g - sum g / n - z sum g z / n)
    gradient of gamma = sum g z,    gradient of beta = sum g

where the sums of the last line go over this process alone, as for every other weight: what averages the gradients of
the processes adds the rest. The variance is that about the mean of all, so it is 0 or more and loses no digits, and a
process without an image adds nothing to any sum.

`nn.SyncBatchNorm` is this for GPUs, and works on them only.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.autograd import Function
from torch.nn.functional import batch_norm

from nnbridge.autograd import differentiable_once


def synchronise(model: nn.Module, device: torch.device) -> nn.Module:
    """Return ``model`` with every BatchNorm2d one over all processes; weights, statistics and their names are kept."""
    if device.type == "cuda":
        return cast(nn.Module, nn.SyncBatchNorm.convert_sync_batchnorm(model))
    for part in list(model.modules()):
        for name, norm in part.named_children():
            if type(norm) is nn.BatchNorm2d:
                setattr(part, name, SyncedNorm.of(norm))
    return model


class SyncedNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d` that in training takes the statistics of all processes' images.

    All processes of torch's default group call it together, forward and backward.
    """

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> SyncedNorm:
        """Return one that shares weights and running statistics with ``norm``, which has both."""
        synced = cls(norm.num_features, norm.eps, norm.momentum)
        for name, tensor in (*norm.named_parameters(), *norm.named_buffers()):
            setattr(synced, name, tensor)
        return synced

    def forward(self, input: Tensor) -> Tensor:
        """Normalise this process's images, (N, C, H, W), N of any number, 0 too."""
        if not self.training:
            return super().forward(input)
        normalised, mean, variance = _Norm.apply(input, self.weight, self.bias, self.eps)
        running: Any = self
        with torch.no_grad():
            running.num_batches_tracked.add_(1)
            # Without a momentum all batches count alike, as in torch.
            share = 1 / int(running.num_batches_tracked) if self.momentum is None else self.momentum
            running.running_mean.lerp_(mean, share)
            running.running_var.lerp_(variance, share)
        return cast(Tensor, normalised)


NO_SECOND_DERIVATIVE = (
    "a norm over several processes has no second derivative: train in one process for double backward."
)


class _Norm(Function):
    """(x, gamma, beta, eps) -> (y, mean, unbiased variance); the statistics have no gradient of their own."""

    @staticmethod
    def forward(ctx: Any, *given: Any) -> tuple[Tensor, Tensor, Tensor]:
        x, gamma, beta, eps = given
        total, count = _over_all(_sum(x), torch.full_like(gamma, x.numel() // x.shape[1], dtype=torch.float64))
        if count[0] <= 1:
            raise ValueError(f"Expected more than 1 value per channel when training, of {x.shape} on this process")
        mean = (total / count).to(gamma.dtype)
        (squares,) = _over_all(_sum((x - _spread(mean)).square()))
        variance = (squares / count).to(gamma.dtype)
        unbiased = (squares / (count - 1)).to(gamma.dtype)
        ctx.save_for_backward(x, gamma, mean, torch.rsqrt(variance + eps), count)
        ctx.mark_non_differentiable(mean, unbiased)
        return batch_norm(x, mean, variance, gamma, beta, training=False, eps=eps), mean, unbiased

    @staticmethod
    @differentiable_once(NO_SECOND_DERIVATIVE)
    def backward(ctx: Any, saved: tuple[Tensor, ...], *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, mean, s, count = saved
        g = gradients[0].to(gamma.dtype)
        z = (x - _spread(mean)) * _spread(s)
        of_gamma, of_beta = _sum(g * z), _sum(g)
        for_z, for_all = (_over_all(of_gamma, of_beta) / count).to(gamma.dtype)
        of_x = _spread(gamma * s) * (g - _spread(for_all) - z * _spread(for_z))
        return of_x.to(x.dtype), of_gamma.to(gamma.dtype), of_beta.to(gamma.dtype), None


def _sum(x: Tensor) -> Tensor:
    """Return the sum of each channel over images and cells, (C,)."""
    return x.sum((0, 2, 3), dtype=torch.float64)


def _over_all(*sums: Tensor) -> Tensor:
    """Return each of the sums added up over all processes, (how many, C)."""
    together = torch.stack(sums)
    distributed.all_reduce(together)
    return together


def _spread(numbers: Tensor) -> Tensor:
    """Give numbers of each channel the place of the channels in (N, C, H, W)."""
    return numbers[:, None, None]
