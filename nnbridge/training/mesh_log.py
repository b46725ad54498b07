"""The mesh numbers of a network's Global layers as it trains: how near to what the scheme can carry its fields are."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from nnbridge.layers import GlobalLayer
from nnbridge.training.looking import global_layers, inputs_of_layers
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
    if not global_layers(model):
        return []
    return [_record(epoch, name, layer, x) for name, (layer, x) in inputs_of_layers(model, images).items()]


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
