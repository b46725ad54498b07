"""The three networks of about 500 parameters with which the paper shows, on MNIST, what the PDE adds.

    f = conv3x3(ReLU(BN(image)))                               the stem, one feature plane of 28 x 28
    g = conv3x3(ReLU(BN(f)))
    convolution   H = g                                                              522 parameters
    residual      H = ReLU(BN(f + g))                                                524
    pde           H = ReLU(BN(H[5])), u = v = g, Dx = Dy = 1, source f, H[0] = H[-1] = f   524
    logits = Linear(49, 10)(average over 4 x 4 blocks of ReLU(H))

No convolution has a bias; each BatchNorm has torch's defaults. Kag and Saligrama, "Condensing CNNs with Partial
Differential Equations", CVPR 2022, section 4.1.
"""

from __future__ import annotations

from typing import Final, Literal

from torch import Tensor, nn
from torch.nn.functional import conv2d

from nnbridge.ops import diffusion_advection
from nnbridge.rectified_norm import NormSequence

Kernel = Literal["auto", "cpu", "cuda", "torch"]

IMAGE_SIZE: Final = 28
POOL: Final = 4
PDE_STEPS: Final = 5
PDE_DT: Final = 0.2


class OnePlaneConv(nn.Conv2d):
    """3 x 3 convolution to one plane, zero padding, no bias: (N, channels_in, H, W) to (N, 1, H, W).

    With one plane in as well, on a CPU, the batch is passed as the channels of a depthwise convolution with N equal
    filters. The sums are the same; forward and backward of a batch of 128 are together about ten times faster,
    because the library vectorises over channels, of which there is only one otherwise.
    """

    def __init__(self, channels_in: int = 1) -> None:
        super().__init__(channels_in, 1, kernel_size=3, padding=1, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve ``input``, (N, channels_in, H, W)."""
        if self.in_channels > 1 or not input.is_cpu or not input.shape[0]:
            return super().forward(input)
        batch = input.shape[0]
        filters = self.weight.expand(batch, 1, 3, 3)
        return conv2d(input.transpose(0, 1), filters, padding=1, groups=batch).transpose(0, 1)


class NormReluConv(NormSequence):
    """conv3x3(ReLU(BN(x))) from ``channels_in`` planes to one of the same size."""

    def __init__(self, channels_in: int = 1) -> None:
        super().__init__(nn.BatchNorm2d(channels_in), nn.ReLU(), OnePlaneConv(channels_in))


class Convolution(nn.Module):
    """H = g(f)."""

    def __init__(self) -> None:
        super().__init__()
        self.g = NormReluConv()

    def forward(self, f: Tensor) -> Tensor:
        """Map the stem's output (N, 1, 28, 28) to H of the same shape."""
        g: Tensor = self.g(f)
        return g


class Residual(nn.Module):
    """H = ReLU(BN(f + g(f)))."""

    def __init__(self) -> None:
        super().__init__()
        self.g = NormReluConv()
        self.out = NormSequence(nn.BatchNorm2d(1), nn.ReLU())

    def forward(self, f: Tensor) -> Tensor:
        """Map the stem's output (N, 1, 28, 28) to H of the same shape."""
        h: Tensor = self.out(f + self.g(f))
        return h


class PDE(nn.Module):
    """H = ReLU(BN(H[5])) of the diffusion-advection equation that starts from f, is fed by f and moved by g(f).

    Parameters
    ----------
    kernel
        ``backend`` of `nnbridge.diffusion_advection`.
    """

    def __init__(self, kernel: Kernel = "auto") -> None:
        super().__init__()
        self.kernel: Kernel = kernel
        self.g = NormReluConv()
        self.out = NormSequence(nn.BatchNorm2d(1), nn.ReLU())

    def evolve(self, f: Tensor, velocity: Tensor, steps: int = PDE_STEPS) -> Tensor:
        """Return H[steps], (N, 1, 28, 28), from H[0] = H[-1] = ``f`` with u = v = ``velocity``."""
        return diffusion_advection(
            f, f, f, velocity, velocity, Dx=1.0, Dy=1.0, steps=steps, dt=PDE_DT, backend=self.kernel
        )  # fmt: skip

    def forward(self, f: Tensor) -> Tensor:
        """Map the stem's output (N, 1, 28, 28) to H of the same shape."""
        h: Tensor = self.out(self.evolve(f, self.g(f)))
        return h


class MnistNet(nn.Module):
    """Stem, one of the three backbones, and a linear classifier on 7 x 7 block averages.

    Parameters
    ----------
    backbone
        `Convolution`, `Residual` or `PDE`.
    in_channels
        Channels of the images, default 1.
    num_classes
        Default 10.
    """

    def __init__(self, backbone: nn.Module, in_channels: int = 1, num_classes: int = 10) -> None:
        super().__init__()
        self.stem = NormReluConv(in_channels)
        self.backbone = backbone
        self.head = nn.Sequential(
            nn.ReLU(), nn.AvgPool2d(POOL), nn.Flatten(), nn.Linear((IMAGE_SIZE // POOL) ** 2, num_classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, in_channels, 28, 28) to logits (N, num_classes)."""
        logits: Tensor = self.head(self.backbone(self.stem(images)))
        return logits
