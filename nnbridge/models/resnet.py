"""Residual networks for small images, and their condensed form: one block a stage, and a Global layer after it.

    stem      ReLU(BN(conv3x3(image)))
    stage     m basic blocks of one width, the first of every stage but the first with stride 2
    Global    after every stage but the last, of the condensed networks
    logits    Linear(average over the plane)

| name               | widths         | m | Global | parameters (10 classes, 3 colours) |
|--------------------|----------------|---|--------|------------------------------------|
| resnet10           | 16, 32, 64, 64 | 1 | no     | 156,250                            |
| resnet10-wide      | 16, 33, 65, 65 | 1 | no     | 161,605                            |
| resnet32           | 16, 32, 64     | 5 | no     | 466,906                            |
| resnet56           | 16, 32, 64     | 9 | no     | 855,770                            |
| resnet32-global    | 16, 32, 64, 64 | 1 | yes    | 161,402                            |
| resnet56-global    | 16, 32, 64, 64 | 2 | yes    | 332,602                            |
| resnet-tiny        | 5, 10, 15, 20  | 1 | no     | 12,620 (100 classes: 14,510)       |
| resnet-tiny-global | 5, 10, 15, 20  | 1 | yes    | 14,000 (100 classes: 15,890)       |
| resnet-tiny-wide   | 6, 11, 16, 20  | 1 | no     | 13,951 (100 classes: 15,841)       |

The paper gives the tiny pair's parameters, 14K and 16K, and not its widths: these are ours, and have them on CIFAR-100.
Two stand beside the condensed ones to tell what the layer does: resnet10 is resnet32-global with its layers removed (as
resnet-tiny is resnet-tiny-global), and the wide ones have spent the layers' parameters on channels.
A. Kag and V. Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022; K. He et al., "Deep Residual
Learning for Image Recognition", CVPR 2016, doi:10.1109/CVPR.2016.90.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from torch import Tensor, nn

from nnbridge.blocks import BasicBlock, convolution
from nnbridge.layers import GlobalLayer
from nnbridge.rectified_norm import NormSequence

MakeLayer = Callable[[int], GlobalLayer]


class Shape(NamedTuple):
    """What tells these networks apart."""

    widths: tuple[int, ...]
    "channels of each stage; the first stage's are the stem's as well"
    blocks: int
    "of a stage"
    condensed: bool
    "whether a Global layer follows every stage but the last"


SHAPES: Final = {
    "resnet10": Shape((16, 32, 64, 64), 1, False),
    "resnet10-wide": Shape((16, 33, 65, 65), 1, False),
    "resnet32": Shape((16, 32, 64), 5, False),
    "resnet56": Shape((16, 32, 64), 9, False),
    "resnet32-global": Shape((16, 32, 64, 64), 1, True),
    "resnet56-global": Shape((16, 32, 64, 64), 2, True),
    "resnet-tiny": Shape((5, 10, 15, 20), 1, False),
    "resnet-tiny-global": Shape((5, 10, 15, 20), 1, True),
    "resnet-tiny-wide": Shape((6, 11, 16, 20), 1, False),
}


class ResNet(nn.Module):
    """A residual network of a shape.

    Parameters
    ----------
    shape
        One of `SHAPES`, or another.
    in_channels
        Of the images, (N, in_channels, H, W) of any size of 8 or more that the strides divide.
    num_classes
        Length of a row of the output.
    make_layer
        Returns the Global layer for so many channels; only a condensed shape asks for it.
    """

    def __init__(self, shape: Shape, in_channels: int, num_classes: int, make_layer: MakeLayer = GlobalLayer) -> None:
        super().__init__()
        width = shape.widths[0]
        self.stem = NormSequence(convolution(in_channels, width, 3), nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.Sequential()
        for number, channels in enumerate(shape.widths):
            stage = nn.Sequential(BasicBlock(width, channels, 1 if number == 0 else 2))
            stage.extend(BasicBlock(channels, channels) for _ in range(shape.blocks - 1))
            if shape.condensed and number < len(shape.widths) - 1:
                stage.append(make_layer(channels))
            self.stages.append(stage)
            width = channels
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits (N, num_classes)."""
        logits: Tensor = self.head(self.stages(self.stem(images)))
        return logits
