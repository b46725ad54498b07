"""Which device a run uses, and how many CPU threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nnbridge.training.config import Device


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Give torch, and the kernel with it, ``count`` CPU threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def accelerator(device: Device) -> str:
    """Return Fabric's name of the device: the GPU for ``"auto"`` if there is one.

    Raises
    ------
    ValueError
        If a GPU is asked for and there is none.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("`device` is 'cuda', but torch sees no CUDA GPU here: choose 'cpu' or 'auto'")
    return device
