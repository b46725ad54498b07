"""What may make a coefficient field, or the initial state, of a layer's input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

from nnbridge.blocks import BasicBlock, Bottleneck
from nnbridge.rectified_norm import NormSequence
from nnbridge.reference import COLUMNS, ROWS, after, before
from solver.records import Kinds

IDENTITY: Final = "identity"
DEPTHWISE: Final = "depthwise"
PERONA_MALIK: Final = "perona-malik"

_CONVOLUTIONS: Final[dict[str, Callable[[int], nn.Module]]] = {
    IDENTITY: lambda channels: nn.Identity(),
    DEPTHWISE: lambda channels: nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
    "pointwise": lambda channels: nn.Conv2d(channels, channels, 1, bias=False),
    "full": lambda channels: nn.Conv2d(channels, channels, 3, padding=1, bias=False),
}
_BLOCKS: Final[dict[str, Callable[[int, int], nn.Module]]] = {"basic": BasicBlock, "bottleneck": Bottleneck}

BLOCKS: Final = (*_CONVOLUTIONS, *_BLOCKS)


def field_block(kind: str, channels: int, eps: float) -> nn.Module:
    """Return what makes one field >= 0 of features, (N, C, H, W) each.

    ReLU(BN(.)) of the identity or of a depthwise 3 x 3, pointwise or full 3 x 3 convolution; or a basic block or
    bottleneck, which end with a ReLU.
    """
    if kind in _BLOCKS:
        return _BLOCKS[kind](channels, channels)
    return NormSequence(_CONVOLUTIONS[kind](channels), nn.BatchNorm2d(channels, eps=eps), nn.ReLU())


class PeronaMalik(nn.Module):
    """The isotropic nonlinear diffusivity Dx = Dy = 1 / (1 + |grad h|^2 / lambda^2), lambda learned, one a channel.

    It is near 1 where h is flat and small across an edge, which is then kept. The gradient is by central differences on
    the layer's input, and stays for all K steps. P. Perona and J. Malik, IEEE Trans. Pattern Anal. Mach. Intell. 12
    (1990) 629-639, doi:10.1109/34.56205.
    """

    def __init__(self, channels: int, kinds: Kinds) -> None:
        super().__init__()
        self.kinds = kinds
        self.log_lambda = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, h: Tensor) -> Tensor:
        """Return the diffusivity for features (N, C, H, W)."""
        x = (after(h, ROWS, self.kinds) - before(h, ROWS, self.kinds)) / 2
        y = (after(h, COLUMNS, self.kinds) - before(h, COLUMNS, self.kinds)) / 2
        return (1 + (x * x + y * y) * torch.exp(-2 * self.log_lambda)).reciprocal()


class FieldBlocks(nn.Module):
    """Four coefficient fields, each by a block of its own.

    Parameters
    ----------
    channels
        C of the features and of each field.
    velocity
        One of `BLOCKS` for u and v each, or None: zero.
    diffusivity
        One of `BLOCKS` for Dx and Dy each, ``"perona-malik"`` for both, or a constant.
    eps
        Of the BatchNorms that follow a convolution.
    kinds
        Of the sides of a plane, for Perona's and Malik's gradient.
    """

    def __init__(self, channels: int, velocity: str | None, diffusivity: str | float, eps: float, kinds: Kinds) -> None:
        super().__init__()
        self.velocity = nn.ModuleList([field_block(velocity, channels, eps) for _ in range(2)] if velocity else [])
        self.constant = diffusivity if isinstance(diffusivity, float) else None
        self.diffusivity = nn.ModuleList()
        if diffusivity == PERONA_MALIK:
            self.diffusivity.append(PeronaMalik(channels, kinds))
        elif isinstance(diffusivity, str):
            self.diffusivity.extend(field_block(diffusivity, channels, eps) for _ in range(2))

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return u, v, Dx and Dy for features (N, C, H, W): each of their shape, or a scalar."""
        zero = h.new_zeros(())
        u, v = [block(h) for block in self.velocity] or (zero, zero)
        D = [block(h) for block in self.diffusivity] or [h.new_full((), self.constant or 0.0)]
        return u, v, D[0], D[-1]
