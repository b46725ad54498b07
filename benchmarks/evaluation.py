"""The layer in evaluation: one pass over its input, against its parts with the same kernel and against plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.case import Prepared
from benchmarks.peers import COMPILED, OURS, PARTS
from nnbridge import GlobalLayer
from solver.records import Array

EPSILON = 1e-5  # torch's: the published one, C, hides the fields behind their shifts


def prepare(shape: tuple[int, ...], steps: int, contender: str, channels_last: bool = False) -> Prepared:
    """Set up a call without gradients; all contenders have the same weights and statistics."""
    torch.compiler.reset()  # beyond eight graphs of one function torch runs it without compiling
    layer, x = build(shape, steps, "cpu" if contender in (OURS, PARTS) else "torch")
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    if contender == PARTS:
        layer.output.register_forward_hook(lambda *_: None)  # whoever looks at a part gets the parts
    if contender == COMPILED:
        layer.compile()

    def run() -> Tensor:
        with torch.no_grad():
            result: Tensor = layer(x)
            return result

    return Prepared(run, lambda result: (result.numpy(),), lambda: exact(shape, steps))


def build(shape: tuple[int, ...], steps: int, backend: str) -> tuple[GlobalLayer, Tensor]:
    """Return a layer whose norms have seen a batch, so that half of the fields' cells are positive, and the batch."""
    torch.manual_seed(0)
    layer = GlobalLayer(shape[1], steps=steps, norm_eps=EPSILON, backend="torch")
    x = torch.randn(shape)
    with torch.no_grad():
        for _ in range(3):
            layer(x)
    layer.backend = backend
    return layer.eval(), x


def exact(shape: tuple[int, ...], steps: int) -> tuple[Array, ...]:
    """Return the output of the same layer by plain torch in float64."""
    layer, x = build(shape, steps, "torch")
    with torch.no_grad():
        return (layer.double()(x.double()).numpy(),)
