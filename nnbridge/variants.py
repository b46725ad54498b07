"""The choices of a Global layer as one value, which a network, a config or a command line hands on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from nnbridge.layers import CHANNELS, LEARNED, GlobalLayer


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How a Global layer works; each choice and its default is that of `nnbridge.GlobalLayer`.

    Examples
    --------
    >>> Variant(velocity="none").layer(16).velocity
    'none'
    """

    steps: int = 1
    dt: float = 0.2
    velocity: str = LEARNED
    diffusivity: str | float = LEARNED
    source: bool = True
    init: str = "identity"
    residual: bool = False
    boundary: str = "periodic"
    advection: str = "product"
    diffusion: str = "laplacian"
    norm_eps: str | float = CHANNELS

    def layer(self, channels: int, backend: str = "auto") -> GlobalLayer:
        """Return a layer for so many channels.

        Raises
        ------
        ValueError, TypeError
            As `GlobalLayer` does.
        """
        return GlobalLayer(channels, backend=backend, **asdict(self))

    def as_dict(self) -> dict[str, Any]:
        """Return the choices as strings, numbers and truth values."""
        return asdict(self)
