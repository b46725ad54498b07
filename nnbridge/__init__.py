"""The solver's kernel as a differentiable PyTorch function and layer.

`diffusion_advection` is the function, `GlobalLayer` the layer of Kag and Saligrama (CVPR 2022), and `condense` puts it
in the place of a network's repeated blocks.
"""

from nnbridge.condense import condense
from nnbridge.layers import GlobalLayer, LayerFields
from nnbridge.network_stages import Stage, stages
from nnbridge.ops import diffusion_advection
from nnbridge.variants import Variant

__all__ = ["GlobalLayer", "LayerFields", "Stage", "Variant", "condense", "diffusion_advection", "stages"]
