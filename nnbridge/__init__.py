"""The solver's kernel as a differentiable PyTorch function and layer.

`diffusion_advection` is the function, `GlobalLayer` the layer of Kag and Saligrama (CVPR 2022), and `condense` puts it
in the place of a network's repeated blocks. `NormSequence` makes a BatchNorm and the ReLU behind it one operation, and
`keep_freed_memory` spares a training on a CPU up to a quarter of its time.
"""

from nnbridge.condense import condense
from nnbridge.freed_memory import keep_freed_memory
from nnbridge.layers import GlobalLayer, LayerFields
from nnbridge.network_stages import Stage, stages
from nnbridge.ops import diffusion_advection
from nnbridge.rectified_norm import NormSequence
from nnbridge.variants import Variant

__all__ = [
    "GlobalLayer",
    "LayerFields",
    "NormSequence",
    "Stage",
    "Variant",
    "condense",
    "diffusion_advection",
    "keep_freed_memory",
    "stages",
]
