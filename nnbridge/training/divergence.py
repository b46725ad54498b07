"""What is said of a run whose loss is not finite: where its last good state is, and which Global layer blew up."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import torch
from torch import Tensor, nn

from nnbridge.training.mesh_log import MeshRecord, mesh_records


class DivergenceError(RuntimeError):
    """The loss of a run became infinite or NaN; the checkpoints are from before that."""


def suspect_layer(model: nn.Module, images: Tensor, good: Sequence[MeshRecord]) -> str:
    """Say which Global layer of a diverged network stands out, with its mesh numbers now and when all was well.

    That is the first in the network whose fields are not finite, or else the one with the largest mesh numbers. Once
    the weights are not finite every layer's fields are like that, and only the numbers from before can tell.

    Parameters
    ----------
    model
        As it is now.
    images
        Of which the layers make their fields, in evaluation: those of the log.
    good
        The records of the log.

    Returns
    -------
    str
        How a message that ends without a full stop goes on; nothing for a network without a Global layer.
    """
    now = mesh_records(model, images, epoch=0)
    if not now:
        return ""
    last = [record for record in good if record.epoch == good[-1].epoch]
    if all(torch.isfinite(weights).all() for weights in model.parameters()):
        found, why = _standing_out(now)
        before = "".join(f"; after epoch {r.epoch}: {_numbers(r)}" for r in last if r.layer == found.layer)
        return f". Of the Global layers {found.layer} stands out, {why}: now {_numbers(found)}{before}"
    if not last:
        return ". The weights are not finite any more, so the mesh numbers of the Global layers are not known"
    found, why = _standing_out(last)
    return (
        f". The weights are not finite any more; of the Global layers {found.layer} stood out after epoch "
        f"{found.epoch}, {why}: {_numbers(found)}"
    )


def _standing_out(records: Sequence[MeshRecord]) -> tuple[MeshRecord, str]:
    """Return the record of one layer, and why it is this one."""
    for record in records:
        if not (isfinite(record.courant) and isfinite(record.diffusion)):
            return record, "the first whose fields are not finite"
    return max(records, key=lambda r: (r.courant, r.diffusion)), "the one with the largest mesh numbers"


def _numbers(record: MeshRecord) -> str:
    return (
        f"{record.unstable:.1f} % of cells outside the stability criterion, max |A| {record.courant:.3g}, "
        f"max B {record.diffusion:.3g}"
    )
