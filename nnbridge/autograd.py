"""Derivatives of our operators: a rule for reverse mode, registered where torch's dispatcher looks for it.

`torch.library.register_autograd` reads the operator's schema at every call that needs a gradient; with our fifteen
arguments that costs 90 microseconds, several times the kernel on small planes. A rule registered for the key
"Autograd" is the same without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def register_pullback(library: torch.library.Library, name: str, tensors: int) -> None:
    """Register the rule of an operator that returns one tensor: call its adjoint, `name`_adjoint.

    The first `tensors` arguments, tensors or None, are kept for the backward pass, and nothing else is. The adjoint
    takes the gradient of the result, all arguments, and for each tensor whether its gradient is wanted; it returns a
    list of those that are.
    """
    operator, adjoint = _overload(library, name), _overload(library, f"{name}_adjoint")

    class Rule(Function):
        @staticmethod
        def forward(ctx: Any, *arguments: Any) -> Any:
            ctx.save_for_backward(*arguments[:tensors])
            ctx.others = arguments[tensors:]
            return _below_autograd(operator, arguments)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Any:
            saved = ctx.saved_tensors  # read once: unpacking hooks may run each time
            wanted, others = list(ctx.needs_input_grad[:tensors]), ctx.others
            arguments = (gradient, *saved, *others, wanted)
            # Unless a graph of the backward pass is asked for, the adjoint's own rule has nothing to do.
            found = adjoint(*arguments) if torch.is_grad_enabled() else _below_autograd(adjoint, arguments)
            gradients = iter(found)
            return (*[next(gradients) if w else None for w in wanted], *[None] * len(others))

    def run(*arguments: Any) -> Any:
        if _needs_gradient(arguments[:tensors]):
            return Rule.apply(*arguments)
        return _below_autograd(operator, arguments)

    library.impl(name, run, "Autograd")


def register_refusal(library: torch.library.Library, name: str, message: str) -> None:
    """Let an operator without a derivative raise a NotImplementedError where it is asked for, not before."""
    operator = _overload(library, name)

    def run(*arguments: Any) -> Any:
        found = _below_autograd(operator, arguments)
        if not _needs_gradient(arguments):
            return found
        tensors = [a for a in arguments if isinstance(a, Tensor)]
        if isinstance(found, list):
            return list(_Refused.apply(message, len(found), *found, *tensors))
        return _Refused.apply(message, 1, found, *tensors)[0]

    library.impl(name, run, "Autograd")


def differentiable_once(message: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a Function's `backward` that has no derivative: whoever asks for one gets a NotImplementedError.

    It is called as backward(ctx, saved, *gradients), with the saved tensors. If a graph of the backward pass is asked
    for, its results belong to that graph, as they would in plain torch, beside the gradients and the saved tensors that
    they are functions of. torch's own `once_differentiable` does not say what to do instead, and where the gradient of
    a result is a constant it lets the gradients that it returns pass for constants.
    """

    def decorate(backward: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(backward)
        def run(ctx: Any, *gradients: Any) -> Any:
            saved = ctx.saved_tensors  # read once: unpacking hooks may run each time
            with torch.no_grad():
                found = backward(ctx, saved, *gradients)
            if not torch.is_grad_enabled():
                return found
            made = [t for t in found if t is not None]
            refused = iter(_Refused.apply(message, len(made), *made, *gradients, *saved))
            return tuple([None if t is None else next(refused) for t in found])

        return run

    return decorate


class _Refused(Function):
    """The first `count` tensors as functions of the others, without a derivative."""

    @staticmethod
    def forward(ctx: Any, message: str, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.message = message
        return tuple([t.detach() for t in tensors[:count]])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise NotImplementedError(ctx.message)


def _overload(library: torch.library.Library, name: str) -> Any:
    return getattr(getattr(torch.ops, library.ns), name).default


def _needs_gradient(arguments: tuple[Any, ...]) -> bool:
    return torch.is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in arguments)


def _below_autograd(operator: Any, arguments: tuple[Any, ...]) -> Any:
    """Call the operator for what comes after autograd: tracing, or the kernel."""
    with torch._C._AutoDispatchBelowAutograd():
        return operator(*arguments)
