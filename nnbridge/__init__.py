"""The solver's kernel as a differentiable PyTorch function and layer.

`diffusion_advection` is the function, `GlobalLayer` the layer of Kag and Saligrama (CVPR 2022).
"""

from nnbridge.layers import GlobalLayer, LayerFields
from nnbridge.ops import diffusion_advection
from nnbridge.variants import Variant

__all__ = ["GlobalLayer", "LayerFields", "Variant", "diffusion_advection"]
