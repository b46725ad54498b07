"""The stages of a network: where it repeats a block that keeps the shape of its features, found by running it once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nnbridge.rectified_norm import NormSequence

Shape = tuple[int, ...]
Calls = dict[nn.Module, list[tuple[Shape, Shape]]]
"What every part was given and made, in the order in which they first ended; () for what is not one (N, C, H, W)."

SEQUENCES = (nn.Sequential.forward, NormSequence.forward)

_LISTED = 8  # Sequentials in the message that there is no stage


class Stage(NamedTuple):
    """A stage of a network."""

    name: str
    "of its `nn.Sequential` in the network, as `get_submodule` takes it"
    block: str
    "class of its blocks"
    blocks: int
    "how many there are"
    input: Shape
    "(N, C, H, W) of what it is given"
    output: Shape
    "(N, C, H, W) of what it makes"


def stages(model: nn.Module, example: Tensor) -> list[Stage]:
    """Return the stages that `condense` would reduce, in the order in which they run.

    A stage is an `nn.Sequential`, or a subclass with the same forward, that the model calls as a whole and that holds
    two or more blocks: parts of one class, which have parts themselves and are not plain Sequentials. All blocks after
    the first keep the shape (N, C, H, W) of their input, and some `nn.Conv2d` among them has C channels, so that C is
    known to be the second axis. Of nested stages the outermost counts.

    Parameters
    ----------
    model : nn.Module
        Not changed, nor is its mode: a copy of it runs, in evaluation and without gradients. Its hooks run too.
    example : Tensor
        (N, C, H, W), what the model takes, of its dtype and on its device; one image is enough.

    Returns
    -------
    list of Stage
        Empty if there is none.

    Raises
    ------
    TypeError, ValueError
        If `model` is not a module, or `example` not such a tensor.

    Examples
    --------
    >>> from nnbridge import models
    >>> [(s.name, s.blocks, s.output) for s in stages(models.create("resnet32"), torch.rand(1, 3, 32, 32))]
    [('stages.0', 5, (1, 16, 32, 32)), ('stages.1', 5, (1, 32, 16, 16)), ('stages.2', 5, (1, 64, 8, 8))]
    """
    return repeated(candidates(model, example))


def candidates(model: nn.Module, example: Tensor) -> list[Stage]:
    """Return all that has the form of a stage, nested ones and those of a single block too, in the order of the run."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"`model` is a {type(model).__name__}: it takes a torch.nn.Module.")
    if not isinstance(example, Tensor):
        raise TypeError(f"`example` is a {type(example).__name__}: it takes a tensor (N, C, H, W), such as two images.")
    if example.ndim != 4:
        remedy = "; example[None] adds the axis of the batch" if example.ndim == 3 else ""
        raise ValueError(f"`example` has the shape {tuple(example.shape)}: it takes (N, C, H, W){remedy}.")
    copy = deepcopy(model).eval()
    names = {part: name for name, part in copy.named_modules()}
    calls = _calls(copy, example)
    return [
        Stage(names[part], type(part[0]).__name__, len(part), *calls[part][0])
        for part in calls
        if isinstance(part, nn.Sequential) and _is_stage(part, calls)
    ]


def repeated(found: Sequence[Stage]) -> list[Stage]:
    """Return the outermost of those that have two or more blocks."""
    several = [stage for stage in found if stage.blocks > 1]
    return [stage for stage in several if not any(holds(outer, stage) for outer in several)]


def holds(outer: Stage, inner: Stage) -> bool:
    """Whether one stage is a part of the other."""
    return outer.name != inner.name and (not outer.name or inner.name.startswith(outer.name + "."))


def _calls(model: nn.Module, example: Tensor) -> Calls:
    """Run the model once; its hooks stay on it."""
    calls: Calls = {}

    def note(part: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        calls.setdefault(part, []).append((_shape(given[0] if given else None), _shape(made)))

    for part in model.modules():
        part.register_forward_hook(note)
    with torch.no_grad():
        model(example)
    return calls


def _shape(features: Any) -> Shape:
    return tuple(features.shape) if isinstance(features, Tensor) and features.ndim == 4 else ()


def _is_stage(part: nn.Sequential, calls: Calls) -> bool:
    """Whether the part is a row of one or more blocks as `stages` says."""
    blocks, (given, made) = list(part), calls[part][0]
    own_forward = type(part).forward not in SEQUENCES or "forward" in vars(part)
    kinds = {type(block) for block in blocks}
    if own_forward or not (given and made) or len(kinds) != 1 or kinds <= {nn.Sequential, NormSequence}:
        return False
    keep_shape = all(shape and shape == same for block in blocks[1:] for shape, same in calls[block])
    return keep_shape and any(True for _ in blocks[0].children()) and _has_channels(part, made[1])


def _has_channels(part: nn.Sequential, channels: int) -> bool:
    """Whether some convolution takes or makes so many channels: (N, H, W, C) of a transformer has four axes too."""
    convolutions = (c for c in part.modules() if isinstance(c, nn.Conv2d))
    return any(channels in (c.in_channels, c.out_channels) for c in convolutions)


def described(model: nn.Module) -> str:
    """Say which Sequentials a model has, for the message that none of them is a stage."""
    rows = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Sequential)]
    if not rows:
        return "it has no nn.Sequential"
    shown = [f"{name or 'itself'} ({_classes(part)})" for name, part in rows[:_LISTED]]
    more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return f"its Sequentials are {', '.join(shown)}{more}"


def _classes(part: nn.Sequential) -> str:
    names = [type(child).__name__ for child in part]
    return ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names)) or "empty"
