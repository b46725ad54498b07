"""What one image costs a network: parameters, multiply-adds, those of the PDE apart, and depth.

Convolutions and linear maps are counted by `torch.utils.flop_counter`. The PDE is counted here, by cell:

    sweep      6 a step (`solver.stencil.step`): the old level, the centre and four neighbours times their coefficients
    assembly   once a call (`solver.stencil.assemble`), products and quotients that differ, as published:
               A_x, A_y, b_x, b_y 4; the divergence 2; 1 / L 1; 2 dt f 1; seven coefficients times 1 / L 7; together 15

The forcing 2 dt f / L is a coefficient of its own, which the sweep adds and multiplies by nothing. Where the advection
or the diffusion has another form than published, A and b differ on the two sides of a cell along an axis: 5 for each of
A_x, A_y, b_x, b_y (the own share, two lent ones, each sum times its ratio), half the sum of b 1, the divergence 4 with
its share, the rest as above; together 34.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from nnbridge.layers import GlobalLayer
from nnbridge.models import count_parameters
from nnbridge.models.mnist import PDE
from solver.records import ADVECTION, DIFFUSION

SWEEP: Final = 6
PUBLISHED_ASSEMBLY: Final = 15
OTHER_ASSEMBLY: Final = 34

_WEIGHTED: Final = ("ConvolutionBackward0", "AddmmBackward0", "MmBackward0")


@dataclass(frozen=True)
class Cost:
    """What one image costs a network.

    Parameters
    ----------
    parameters
        Trainable numbers.
    macs
        Multiply-adds of convolutions and linear maps.
    pde_macs
        Products and quotients of the diffusion-advection equation, which are not in ``macs``.
    depth
        Convolutions and linear maps on the longest path from input to output.
    """

    parameters: int
    macs: int
    pde_macs: int
    depth: int


def cost(model: nn.Module, example: Tensor) -> Cost:
    """Count what one image costs in evaluation.

    Nothing is computed: a copy of ``model`` is traced with tensors that have a shape and no numbers. ``model`` itself
    is not touched.

    Parameters
    ----------
    model
        Maps images to one tensor by operations that torch differentiates. A layer by the kernel or, of this package, in
        plain torch costs the same; `diffusion_advection` called elsewhere with ``backend="torch"`` is not seen.
    example
        Images as ``model`` takes them, (N, C, H, W), of which the first counts.

    Returns
    -------
    Cost
        BatchNorm, ReLU, pooling, sums, biases and the filter of the PDE are not in it.

    Raises
    ------
    TypeError
        If ``example`` or what the model returns is not a tensor.
    ValueError
        If ``example`` holds no image.

    Notes
    -----
    On 3 x 32 x 32 images resnet32 costs 69,124,736 multiply-adds (published: 70M) and resnet32-global 14,779,008 and
    602,112 of the PDE (published: 15M, with K = 1). The paper does not say what it counts. Two operations more for each
    number that a BatchNorm puts out, as some counters have it, would make resnet32's 69.8M.

    A kernel may assemble in every step what is counted once a call, or leave out what is zero; and where a coefficient
    is a constant its assembly is counted by cell all the same.

    Examples
    --------
    >>> from nnbridge import models
    >>> cost(models.create("resnet32"), torch.zeros(1, 3, 32, 32))
    Cost(parameters=466906, macs=69124736, pde_macs=0, depth=32)
    """
    if not isinstance(example, Tensor):
        raise TypeError(f"`example` is a {type(example).__name__}: it takes a tensor of images, (N, C, H, W).")
    if not example.ndim or not example.shape[0]:
        raise ValueError(f"`example` has shape {tuple(example.shape)}: it takes at least one image, (N, C, H, W).")
    operators: dict[Any, Any] = dict.fromkeys(_pde_operators(), _pde_flops)
    with FlopCounterMode(display=False, custom_mapping=operators) as counter:
        logits = _traced(model, example[:1])
    found = counter.get_flop_counts().get("Global", {})
    pde = sum(flops for name, flops in found.items() if name in operators)
    return Cost(count_parameters(model), (counter.get_total_flops() - pde) // 2, pde // 2, _depth(logits))


def _traced(model: nn.Module, image: Tensor) -> Tensor:
    """Return the logits of a copy, with the graph of their gradient: for it every layer runs part by part."""
    traced = deepcopy(model).cpu().eval().requires_grad_()
    for part in traced.modules():
        if isinstance(part, GlobalLayer):
            part.backend = "auto"
        elif isinstance(part, PDE):
            part.kernel = "auto"
    with FakeTensorMode(allow_non_fake_inputs=True) as fake, torch.enable_grad():
        logits = traced(fake.from_tensor(image.detach().cpu()))
    if not isinstance(logits, Tensor):
        raise TypeError(f"`model` returns a {type(logits).__name__}: only what returns one tensor has a depth.")
    return logits


def _pde_operators() -> tuple[Any, Any]:
    return torch.ops.pdebridge.evolve, torch.ops.pdebridge.evolve_fields


def _pde_flops(*arguments: Any, out_shape: torch.Size) -> int:
    """Return twice the products of one call; the arguments end with the plain values of a mesh."""
    steps: int = arguments[-9]
    advection, diffusion = arguments[-4:-2]
    if not steps:
        return 0
    published = ADVECTION[advection] == DIFFUSION[diffusion] == 0
    assembly = PUBLISHED_ASSEMBLY if published else OTHER_ASSEMBLY
    return 2 * out_shape.numel() * (SWEEP * steps + assembly)


def _depth(output: Tensor) -> int:
    """Return how many layers with weights the longest path to ``output`` has, in the graph of its gradient."""
    if output.grad_fn is None:
        return 0
    depths: dict[Any, int] = {}
    waiting: list[Any] = [output.grad_fn]
    while waiting:
        node = waiting[-1]
        before = [function for function, _ in node.next_functions if function is not None]
        unknown = [function for function in before if function not in depths]
        if unknown:
            waiting += unknown
        else:
            longest = max((depths[function] for function in before), default=0)
            depths[waiting.pop()] = longest + (node.name() in _WEIGHTED)
    return depths[output.grad_fn]
