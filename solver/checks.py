"""Checks of plain arguments at the boundary of all packages: each error names the argument and what it takes."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray


def whole(name: str, value: Any, least: int) -> int:
    """Return `value` as an integer of at least `least`, or raise an error that names the argument."""
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"`{name}` is {value!r}: it takes a whole number >= {least}.") from None
    if number < least:
        raise ValueError(f"`{name}` is {value!r}: it takes a whole number >= {least}.")
    return number


def real(name: str, value: Any, *, zero: bool = False) -> float:
    """Return `value` as a finite positive number (with `zero`, or 0), or raise an error that names the argument."""
    wanted = "a finite number >= 0" if zero else "a positive finite number"
    try:
        number = float(value) if not isinstance(value, str) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise TypeError(f"`{name}` is {value!r}: it takes {wanted}.")
    if not (math.isfinite(number) and (number > 0 or (zero and number == 0))):
        raise ValueError(f"`{name}` is {value!r}: it takes {wanted}.")
    return number


def choice(name: str, value: Any, known: tuple[str, ...], otherwise: str = "") -> str:
    """Return `value` if it is one of `known`, or raise an error that lists them; `otherwise` says what else goes."""
    if value not in known:
        also = f", or {otherwise}" if otherwise else ""
        raise ValueError(f"`{name}` is {value!r}: it takes {', '.join(repr(k) for k in known)}{also}.")
    return str(value)


def finite(name: str, value: Any) -> float:
    """Return `value` as a finite number of any sign, or raise an error that names the argument."""
    try:
        number = float(value) if not isinstance(value, str) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise TypeError(f"`{name}` is {value!r}: it takes a finite number.")
    if not math.isfinite(number):
        raise ValueError(f"`{name}` is {value!r}: it takes a finite number.")
    return number


def real_array(name: str, value: Any, *, copy: bool = True) -> NDArray[Any]:
    """Return a copy of `value`, float32 if it is that and float64 otherwise, or raise an error that names it.

    `name` is how the error begins: the argument in backticks, and which part of it. Without `copy` an array of either
    dtype is returned as it is.
    """
    try:
        array = np.array(value) if copy else np.asarray(value)
    except ValueError:
        raise TypeError(f"{name} is not an array: its rows differ in length.") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}: it takes real numbers (float32 or float64).")
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
