"""The parts that residual networks are made of."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from nnbridge.parts import nobody_looks, runs_alone
from nnbridge.rectified_norm import NormSequence, rectified_norm


def convolution(channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Return a convolution of odd size that keeps the plane's size (divides it by `stride`), without bias.

    Its weights are drawn from N(0, 2 / (kernel^2 channels_out)), so that the variance of a gradient is kept through it
    and a ReLU: K. He et al., "Delving Deep into Rectifiers", ICCV 2015, doi:10.1109/ICCV.2015.123.
    """
    kind = StridedPointwise if kernel == 1 and stride > 1 else nn.Conv2d
    made = kind(channels_in, channels_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    nn.init.normal_(made.weight, std=(2 / (kernel**2 * channels_out)) ** 0.5)
    return made


class StridedPointwise(nn.Conv2d):
    """1 x 1 convolution of every second cell, or whatever the stride is.

    Where a gradient is wanted of planes on a CPU these cells are taken out first. The sums are the same; forward and
    backward of 128 x 16 x 32 x 32 to 32 channels are together three times as fast, because the library would turn all
    cells around to put the channels last.
    """

    plain = False
    "whether the library is given all cells"

    def forward(self, input: Tensor) -> Tensor:
        """Convolve ``input``, (N, channels_in, H, W)."""
        taken = torch.is_grad_enabled() and input.is_cpu and input.is_contiguous()
        if self.plain or not taken or self.padding != (0, 0):
            return super().forward(input)
        rows, columns = self.stride
        return conv2d(input[..., ::rows, ::columns].contiguous(), self.weight, self.bias, groups=self.groups)


class Shortcut(nn.Sequential):
    """The identity where a block keeps shape and width, else BN(1 x 1 convolution)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        same = channels_in == channels_out and stride == 1
        super().__init__(
            *([] if same else [convolution(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out)])
        )


class Residual(nn.Module):
    """ReLU(path(x) + shortcut(x)); the path ends with a norm."""

    def __init__(self, path: NormSequence, shortcut: Shortcut) -> None:
        super().__init__()
        self.path, self.shortcut = path, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels_out, H / stride, W / stride)."""
        path, shortcut = self.path, self.shortcut(x)
        if type(path) is NormSequence and not path.plain and runs_alone(path) and nobody_looks():
            return rectified_norm(path[-1], None, path.before_last(x), shortcut)
        sum_: Tensor = path(x) + shortcut
        return sum_.relu_()


class BasicBlock(Residual):
    """ReLU(BN(conv3x3(ReLU(BN(conv3x3(x))))) + shortcut(x)).

    K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, doi:10.1109/CVPR.2016.90.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        path = NormSequence(
            convolution(channels_in, channels_out, 3, stride),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            convolution(channels_out, channels_out, 3),
            nn.BatchNorm2d(channels_out),
        )
        super().__init__(path, Shortcut(channels_in, channels_out, stride))


class Bottleneck(Residual):
    """ReLU(BN(conv1x1(ReLU(BN(conv3x3(ReLU(BN(conv1x1(x)))))))) + shortcut(x)), the middle a quarter as wide."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        narrow = max(1, channels_out // 4)
        path = NormSequence(
            convolution(channels_in, narrow, 1),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            convolution(narrow, narrow, 3, stride),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            convolution(narrow, channels_out, 1),
            nn.BatchNorm2d(channels_out),
        )
        super().__init__(path, Shortcut(channels_in, channels_out, stride))


Network = TypeVar("Network", bound=nn.Module)


def in_plain_torch(network: Network) -> Network:
    """Let every part of ``network`` that has a faster way run as torch's own module would; return it.

    Global layers are told by their ``backend``.
    """
    for part in network.modules():
        if isinstance(part, NormSequence | StridedPointwise):
            part.plain = True
    return network
