"""What a run runs on: its device, its processes, its CPU threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric

from nnbridge.processes import leave_group_at_exit, processes
from nnbridge.training.config import Device, TrainingConfig


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Give torch, and the kernel with it, ``count`` CPU threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def make_fabric(config: TrainingConfig) -> Fabric:
    """Return Fabric on the device of a run, connected to the other processes of the run if it has some.

    Raises
    ------
    ValueError
        If a GPU is asked for and there is none, or fewer than processes.
    """
    own, device = processes(), accelerator(config.device)
    precision: Any = "bf16-mixed" if config.precision == "bfloat16" else "32-true"
    if own.total == 1:
        return Fabric(accelerator=device, devices=1, precision=precision)
    if device == "cuda" and torch.cuda.device_count() < own.here:
        raise ValueError(
            f"`device` is {config.device!r}, but torchrun started {own.here} processes here and there are "
            f"{torch.cuda.device_count()} GPUs: give --nproc-per-node as many as there are, or choose 'cpu'"
        )
    nodes = own.total // own.here
    fabric = Fabric(accelerator=device, devices=own.here, num_nodes=nodes, strategy="ddp", precision=precision)
    fabric.launch()
    leave_group_at_exit()  # Fabric does so for GPUs alone
    return fabric


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
