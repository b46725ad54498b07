"""The rows of the published tables, and two of ours beside every claim: the layer removed, and spent on channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nnbridge.variants import Variant


@dataclass(frozen=True)
class Published:
    """What was published of a row; None where nothing was.

    Parameters
    ----------
    parameters, macs
        As printed, such as ``"162K"`` and ``"15M"``.
    paper
        Test accuracy in per cent, Kag and Saligrama, CVPR 2022.
    port
        The same of an independent port to TensorFlow.
    seconds
        Inference of the 10,000 test images, on the paper's hardware.
    """

    parameters: str | None = None
    macs: str | None = None
    paper: float | None = None
    port: float | None = None
    seconds: float | None = None


PUBLISHED_LAYER: Final = Variant()
NOT_PUBLISHED: Final = Published()


@dataclass(frozen=True)
class Row:
    """A row of a table: its name in files, its name for readers, the network, and what was published of it."""

    name: str
    label: str
    backbone: str
    variant: Variant = PUBLISHED_LAYER
    published: Published = NOT_PUBLISHED


@dataclass(frozen=True)
class Study:
    """A table: a title, the data set, and the rows in their order."""

    title: str
    data: str
    rows: tuple[Row, ...]


_LAYER_REMOVED: Final = Row("layer-removed", "layer removed", "resnet10")
_MATCHED: Final = Row("matched", "no layer, same parameters", "resnet10-wide")

_RESNET32: Final = Row("resnet32", "ResNet32", "resnet32", published=Published("460K", "70M", 92.53, 90.90, 4.5))
_GLOBAL: Final = Row(
    "global", "Global, K = 1", "resnet32-global", published=Published("162K", "15M", 91.93, 88.64, 1.9)
)
_CONSTANT: Final = Row(
    "constant-diffusivity",
    "Global, Dx = Dy = 1",
    "resnet32-global",
    Variant(diffusivity=1.0),
    Published("159K", port=88.60),
)
_NO_ADVECTION: Final = Row(
    "no-advection", "Global, no advection", "resnet32-global", Variant(velocity="none"), Published("159K", port=87.86)
)
_NO_DIFFUSION: Final = Row(
    "no-diffusion",
    "Global, no diffusion",
    "resnet32-global",
    Variant(diffusivity="none"),
    Published("159K", port=88.03),
)

_CONDENSING: Final = "A residual network and its condensed form"

STUDIES: Final = {
    "cifar10": Study(_CONDENSING, "cifar10", (_RESNET32, _GLOBAL, _LAYER_REMOVED, _MATCHED)),
    "ablation": Study(
        "What each part of the equation is worth",
        "cifar10",
        (_RESNET32, _GLOBAL, _CONSTANT, _NO_ADVECTION, _NO_DIFFUSION, _LAYER_REMOVED, _MATCHED),
    ),
    "cifar100": Study(
        _CONDENSING,
        "cifar100",
        (
            Row("resnet32", "ResNet32", "resnet32", published=Published("473K", paper=68.6)),
            Row("global", "Global, K = 1", "resnet32-global", published=Published("168K", paper=68.1)),
            _LAYER_REMOVED,
            _MATCHED,
        ),
    ),
    "tiny": Study(
        "The smallest networks",
        "cifar100",
        (
            Row("tiny", "tiny ResNet, no layer", "resnet-tiny", published=Published("14K", paper=35.2)),
            Row("tiny-global", "tiny Global, K = 1", "resnet-tiny-global", published=Published("16K", paper=43.6)),
            Row("tiny-matched", "no layer, same parameters", "resnet-tiny-wide"),
        ),
    ),
}  # fmt: skip
