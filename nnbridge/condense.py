"""Condense a network: of the blocks that a stage repeats the first stay, and a Global layer takes the others' place."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TypeVar

from torch import Tensor, nn

from nnbridge.network_stages import Stage, candidates, described, holds, repeated
from nnbridge.variants import Variant
from solver import checks

Model = TypeVar("Model", bound=nn.Module)


def condense(
    model: Model,
    example: Tensor,
    *,
    keep: int = 1,
    variant: Variant | None = None,
    stages: Sequence[str] | None = None,
    after_last: bool = False,
    backend: str = "auto",
) -> Model:
    """Return a copy of a network whose stages are their first blocks and a Global layer.

        stage        block 1, block 2, ..., block m
        condensed    block 1, ..., block `keep`, GlobalLayer(C),    C channels of the stage's output

    As published, a layer follows every stage but the network's last one, whose blocks are reduced all the same. What
    counts as a stage is told by `nnbridge.stages`, which also shows those of a network.

    Parameters
    ----------
    model : nn.Module
        A convolutional network with features (N, C, H, W). It is not changed: the copy shares no weight with it.
    example : Tensor
        (N, C, H, W), what the model takes, of its dtype and on its device; one image is enough.
    keep : int
        Blocks of a stage that stay, with their weights. Default 1. A stage that has no more keeps them all, and gets
        its layer.
    variant : Variant, optional
        How the layers work. Default: as published, K = 1.
    stages : sequence of str, optional
        Names of the stages to condense; the others stay as they are. A stage of one block, which repeats nothing, is
        condensed if it is named: it only gets its layer. Default: all that `nnbridge.stages` finds.
    after_last : bool
        Whether a layer also follows the network's last stage, the last to run of those that `nnbridge.stages` finds and
        those that are named. Default False, as published.
    backend : str
        Of the layers, as for `GlobalLayer`. A model of half precision takes ``"torch"`` on the CPU, or autocast.

    Returns
    -------
    nn.Module
        Of the model's class. What stays has its name, weights, statistics, hooks and mode. A layer is the last part of
        its stage: under the next number where blocks are numbered, else under ``global_layer``. Its weights are drawn
        from torch's global generator; it has the dtype, device and mode of its stage.

    Raises
    ------
    TypeError, ValueError
        If there is no stage, a name is not one, two names lie in one another, or a choice is out of range.

    Notes
    -----
    What this cannot promise:

    * The copy is not the model: its outputs differ until it is trained, and no accuracy is kept without that. The
      published networks were trained from the start, some with a stage more than the network that they condense.
    * Training moves the fields of a layer, and may move them out of what the scheme can carry: `GlobalLayer.fields`
      shows them for an input, `solver.stability.stability_of` how near to the limit they are; runs of `nnbridge train`
      log that every epoch. The layer itself does not check.
    * What else a model says of its depth, such as its name or a list of its blocks, stays as it was.

    References
    ----------
    A. Kag and V. Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.

    Examples
    --------
    >>> import torch
    >>> from nnbridge import models
    >>> small = condense(models.create("resnet32"), torch.rand(1, 3, 32, 32))
    >>> models.count_parameters(small), [len(stage) for stage in small.stages]
    (80250, [2, 2, 1])
    """
    keep = checks.whole("keep", keep, 1)
    variant = variant or Variant()
    found = candidates(model, example)
    chosen = _chosen(model, found, stages)
    in_question = {stage.name for stage in (*repeated(found), *chosen)}
    last = [stage for stage in found if stage.name in in_question][-1]
    condensed = deepcopy(model)
    for stage in chosen:
        part = condensed.get_submodule(stage.name)
        like = next(part.parameters())
        names = list(part._modules)  # not named_children, which leaves out a block's second place
        kept, gone = names[:keep], names[keep:]
        for name in gone:
            delattr(part, name)
        if after_last or stage != last:
            layer = variant.layer(stage.output[1], backend).to(like.device, like.dtype).train(part.training)
            numbered = kept == [str(number) for number in range(len(kept))]
            part.add_module(str(len(kept)) if numbered else "global_layer", layer)
    return condensed


def _chosen(model: nn.Module, found: Sequence[Stage], names: Sequence[str] | None) -> list[Stage]:
    """Return the stages of these names, or all that repeat a block."""
    several = repeated(found)
    if names is None:
        if not several:
            raise ValueError(
                "`model` has no stage: none of its Sequentials, called as a whole, is two or more blocks of one class "
                f"with a convolution, all after the first keeping the shape (N, C, H, W); {described(model)}. A "
                "Sequential of one block can be condensed by its name: `stages`."
            )
        return several
    if isinstance(names, str):
        raise TypeError(f"`stages` is {names!r}: it takes a sequence of names, such as ({names!r},).")
    if not names:
        raise ValueError(
            "`stages` is empty: it takes one name or more; None condenses all that `nnbridge.stages` finds."
        )
    for name in names:
        if name not in [stage.name for stage in found]:
            those = ", ".join(repr(stage.name) for stage in several or found) or "none"
            raise ValueError(f"`stages` names {name!r}, which is no stage of the model: it has {those}.")
    chosen = [stage for stage in found if stage.name in names]
    for outer in chosen:
        for inner in chosen:
            if holds(outer, inner):
                raise ValueError(f"`stages` names {inner.name!r} and {outer.name!r}, which holds it: name one of them.")
    return chosen
