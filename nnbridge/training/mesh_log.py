"""The mesh numbers of a network's Global layers as it trains: how near to what the scheme can carry its fields are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from nnbridge.layers import GlobalLayer
from solver.stability import stability_of

IMAGES = 128  # that are looked at


@dataclass(frozen=True)
class MeshRecord:
    """A row of the log: one layer after one epoch.

    Parameters
    ----------
    epoch
        Counted from 1.
    layer
        The layer's name in the network.
    unstable
        Per cent of cells whose stability number exceeds 1, or is none because a field is not finite: with constant
        coefficients some wave would grow there. A few steps do not show it; a quarter of the cells have exactly one
        zero diffusivity as published.
    courant
        Largest |A_x| or |A_y| of any cell.
    diffusion
        Largest B_x + B_y of any cell.
    """

    epoch: int
    layer: str
    unstable: float
    courant: float
    diffusion: float


def mesh_records(model: nn.Module, images: Tensor, epoch: int) -> list[MeshRecord]:
    """Look at the fields that the layers of ``model`` make in evaluation of ``images``, which the model takes."""
    if not any(isinstance(part, GlobalLayer) for part in model.modules()):
        return []
    with _inputs_of_layers(model) as inputs, torch.no_grad():
        model.eval()(images)
    return [_record(epoch, name, layer, x) for name, (layer, x) in inputs.items()]


@contextmanager
def _inputs_of_layers(model: nn.Module) -> Iterator[dict[str, tuple[GlobalLayer, Tensor]]]:
    """Yield what each layer was given, by its name, once the model has run."""
    found: dict[str, tuple[GlobalLayer, Tensor]] = {}
    layers = {name: part for name, part in model.named_modules() if isinstance(part, GlobalLayer)}

    def note(name: str, layer: GlobalLayer) -> torch.utils.hooks.RemovableHandle:
        return layer.register_forward_pre_hook(lambda _, given: found.__setitem__(name, (layer, given[0])))

    handles = [note(name, layer) for name, layer in layers.items()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _record(epoch: int, name: str, layer: GlobalLayer, x: Tensor) -> MeshRecord:
    with torch.no_grad():
        u, v, Dx, Dy = (t.double().cpu().numpy() for t in layer.fields(x)[:4])
    dt = layer.dt  # on the unit mesh dx = dy = 1
    D = Dx + Dy
    stable = (stability_of(u * dt, v * dt, Dx * dt, Dy * dt) <= 1) & np.isfinite(D)
    courant = float(np.maximum(abs(u), abs(v)).max()) * dt  # NaN wins, and so it is in the largest D
    return MeshRecord(epoch, name, 100 * float((~stable).mean()), courant, float(D.max()) * dt)


def write_records(records: Sequence[MeshRecord]) -> bytes:
    """Return records as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(MeshRecord)], lineterminator="\n")
    writer.writeheader()
    for record in records:
        row = asdict(record)
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue().encode()
