"""The registry: what is measured, against whom, and how many bytes it must move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nnbridge import diffusion_advection

PEERS = ("kernel", "torch", "torch.compile")
Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class LayerCase:
    """K steps on a batch of planes with coefficients per cell, float32.

    Attributes
    ----------
    shape : tuple of int
        (N, C, H, W).
    steps : int
        K.
    backward : bool
        Whether the gradients of all seven inputs are computed too.
    """

    shape: tuple[int, int, int, int]
    steps: int
    backward: bool

    @property
    def name(self) -> str:
        """Such as ``2048x32x32 K=5 forward+backward``."""
        n, c, h, w = self.shape
        return f"{n * c}x{h}x{w} K={self.steps} {'forward+backward' if self.backward else 'forward'}"

    @property
    def updates(self) -> int:
        """Cell updates of the forward run."""
        return torch.Size(self.shape).numel() * self.steps

    @property
    def bytes(self) -> int:
        """Compulsory traffic: seven planes in, one out; backward reads eight and writes seven more."""
        words = 8 + (15 if self.backward else 0)
        return 4 * words * torch.Size(self.shape).numel()

    def inputs(self) -> Inputs:
        """Random inputs, all requiring gradients if the case is backward; D between 0 and 1/2."""
        generator = torch.Generator().manual_seed(0)
        tensors = [torch.rand(self.shape, generator=generator) - 0.5 for _ in range(5)]
        tensors += [torch.rand(self.shape, generator=generator) / 2 for _ in range(2)]
        return tuple(t.requires_grad_(self.backward) for t in tensors)

    def run(self, peer: str) -> Callable[[], object]:
        """Return what is timed for one of PEERS."""
        backend = "cpu" if peer == "kernel" else "torch"

        def function(*inputs: Tensor) -> Tensor:
            return diffusion_advection(*inputs, steps=self.steps, dt=0.2, backend=backend)

        step = torch.compile(function) if peer == "torch.compile" else function
        inputs = self.inputs()
        if not self.backward:
            return lambda: step(*inputs)
        cotangent = torch.rand(self.shape, generator=torch.Generator().manual_seed(1))
        return lambda: torch.autograd.grad(step(*inputs), inputs, cotangent)

    def error(self) -> float:
        """Largest difference of the kernel's float32 output from the reference in float64, over the largest value."""
        inputs = [t.detach() for t in self.inputs()]
        exact = diffusion_advection(*(t.double() for t in inputs), steps=self.steps, dt=0.2, backend="torch")
        ours = diffusion_advection(*inputs, steps=self.steps, dt=0.2, backend="cpu")
        return float((ours - exact).abs().max() / exact.abs().max())


CASES = tuple(LayerCase((128, 16, 32, 32), steps, backward) for backward in (False, True) for steps in (1, 5))
