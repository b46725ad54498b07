"""The published results on MNIST of the three networks, to be shown beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nnbridge.training import BACKBONES


@dataclass(frozen=True)
class Published:
    """What was published for one network on MNIST.

    Parameters
    ----------
    parameters
        Trainable numbers in use.
    paper_accuracy, paper_confusions
        Kag and Saligrama, CVPR 2022: test accuracy in per cent, and test errors between 3 and 5.
    port_accuracy, port_confusion
        An independent port to TensorFlow: test accuracy, and confusion between 3 and 5, in per cent.
    """

    parameters: int
    paper_accuracy: float
    paper_confusions: int
    port_accuracy: float
    port_confusion: float


#: Data set to which `PUBLISHED` belongs; the numbers say nothing about any other.
PUBLISHED_DATA: Final = "mnist"

PUBLISHED: Final = dict(
    zip(
        BACKBONES,
        (
            Published(522, 92.01, 27, 91.50, 2.53),
            Published(524, 92.53, 30, 93.39, 2.29),
            Published(524, 95.03, 9, 93.96, 2.03),
        ),
        strict=True,
    )
)
