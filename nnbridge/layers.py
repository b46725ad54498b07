"""The Global layer: coefficient fields learned from the input, then K steps of the equation."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nnbridge import fused, learned_fields, learned_layer
from nnbridge.blocks import in_plain_torch
from nnbridge.depthwise import FieldConvolution
from nnbridge.field_blocks import BLOCKS, DEPTHWISE, IDENTITY, PERONA_MALIK, FieldBlocks, field_block
from nnbridge.memory_format import format_of
from nnbridge.ops import BACKENDS, diffusion_advection, evolve_fields
from nnbridge.parts import runs_alone
from nnbridge.rectified_norm import NormSequence, rectified_norm
from nnbridge.reference import COLUMNS, ROWS, after, before
from solver import checks
from solver.cpu.layer import Parts
from solver.records import ADVECTION, DIFFUSION, NO_FLUX, PERIODIC, Mesh
from solver.sides import Sides

LEARNED = DEPTHWISE
NONE = "none"
CHANNELS = "channels"


class LayerFields(NamedTuple):
    """The coefficients that a layer makes of an input, each (N, C, H, W), and the two parts of the divergence."""

    u: Tensor
    v: Tensor
    Dx: Tensor
    Dy: Tensor
    u_x: Tensor
    v_y: Tensor


class GlobalLayer(nn.Module):
    """Evolve features by a diffusion-advection equation whose coefficients are learned from them.

        H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f,    H[0] = h,  H[-1] = f = I,  h = init(I), by default I
        u, v, Dx, Dy = ReLU(BN(depthwise 3x3 convolution of h)),    output = ReLU(BN(H[steps]))

    on the unit mesh dx = dy = 1. One grouped convolution and one BatchNorm make all four fields.

    Parameters
    ----------
    channels : int
        C of the input (N, C, H, W); the output has the same shape, channels last if the input is, else
        contiguous.
    steps : int
        K, number of time steps. Default 1.
    dt : float
        Time step. Default 0.2.
    velocity : {"depthwise", "identity", "pointwise", "full", "basic", "bottleneck", "none"}
        What makes u and v of h: ReLU(BN(.)) of a depthwise 3 x 3 convolution (published), of h itself, of a pointwise
        or a full 3 x 3 convolution; a basic block or a bottleneck; or no advection.
    diffusivity : the same, "perona-malik" or float
        What makes Dx and Dy; Perona's and Malik's Dx = Dy = 1 / (1 + |grad h|^2 / lambda^2), lambda learned; or a
        constant Dx = Dy.
    source : bool
        Whether f = I (published) or f = 0.
    init : {"identity", "depthwise", "pointwise", "full", "basic", "bottleneck"}
        What makes h, which is H[0] and of which the fields are made, of I. Default ``"identity"``, h = I.
    residual : bool
        Whether I is added before the last ReLU: ReLU(BN(H[steps]) + I). Default False.
    boundary : {"periodic", "no-flux"}
        Periodic (published), or walls that nothing crosses, on the outer faces of the edge cells.
    advection : {"product", "skew", "flux"}
        How (u H)_x is differenced. Default ``"product"``, as published.
    diffusion : {"laplacian", "flux"}
        D H_xx (published) or the conservative (D H_x)_x.
    norm_eps : {"channels"} or float
        Epsilon of the BatchNorms, but those inside a basic block or a bottleneck. ``"channels"`` is C, as in the
        published code, where a positional argument made it so: it shrinks the fields 20 to 80 times at the start, and
        is what keeps the published layer stable.
    backend : str
        As for `diffusion_advection`.

    Raises
    ------
    ValueError, TypeError
        If a choice is unknown, or a number out of range or not one.

    Notes
    -----
    Separate ReLUs on Dx and Dy leave about a quarter of the cells with exactly one zero diffusivity, where the scheme
    with a flow across it is unstable at any dt (`solver.stability`): a few steps do not show it, many do.

    References
    ----------
    A. Kag and V. Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
    """

    def __init__(
        self,
        channels: int,
        *,
        steps: int = 1,
        dt: float = 0.2,
        velocity: str = LEARNED,
        diffusivity: str | float = LEARNED,
        source: bool = True,
        init: str = IDENTITY,
        residual: bool = False,
        boundary: str = "periodic",
        advection: str = "product",
        diffusion: str = "laplacian",
        norm_eps: str | float = CHANNELS,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        self.channels = checks.whole("channels", channels, 1)
        self.steps = checks.whole("steps", steps, 0)
        self.dt = checks.real("dt", dt)
        self.velocity = checks.choice("velocity", velocity, (*BLOCKS, NONE))
        self.diffusivity = (
            checks.choice("diffusivity", diffusivity, (*BLOCKS, PERONA_MALIK, NONE), "a constant >= 0")
            if isinstance(diffusivity, str)
            else checks.real("diffusivity", diffusivity, zero=True)
        )
        self.source, self.residual = bool(source), bool(residual)
        self.init_kind = checks.choice("init", init, BLOCKS)
        self.boundary = checks.choice("boundary", boundary, (PERIODIC, NO_FLUX))
        self.advection = checks.choice("advection", advection, tuple(ADVECTION))
        self.diffusion = checks.choice("diffusion", diffusion, tuple(DIFFUSION))
        self.backend = checks.choice("backend", backend, BACKENDS)
        if isinstance(norm_eps, str):
            checks.choice("norm_eps", norm_eps, (CHANNELS,), "a positive number")
            eps = float(channels)
        else:
            eps = checks.real("norm_eps", norm_eps)

        self.init = nn.Identity() if init == IDENTITY else field_block(init, channels, eps)
        self.coefficients = self._coefficients(eps)
        self.output = NormSequence(nn.BatchNorm2d(channels, eps=eps), nn.ReLU())
        if backend == "torch":
            in_plain_torch(self)

    def _coefficients(self, eps: float) -> nn.Module:
        """Return what makes the fields: one grouped convolution and one norm where it can be."""
        learned = len(self.parts.learned)
        if not learned and self.one_convolution:
            return nn.Sequential()
        if self.one_convolution:
            norm = nn.BatchNorm2d(learned * self.channels, eps=eps)
            return nn.Sequential(FieldConvolution(self.channels, learned), norm, nn.ReLU())
        velocity = None if self.velocity == NONE else self.velocity
        diffusivity = 0.0 if self.diffusivity == NONE else self.diffusivity
        return FieldBlocks(self.channels, velocity, diffusivity, eps, self.mesh.boundary)

    def forward(self, x: Tensor) -> Tensor:
        """Return ReLU(BN(H[steps])), with `residual` ReLU(BN(H[steps]) + I), for I = `x`, (N, C, H, W)."""
        if not self._has_own_evolution and fused.applies(self, x):
            return fused.evaluate(self, x)
        H = self._evolved(x)
        if self.residual:
            norm, rectify = self.output
            if type(self.output) is NormSequence and not self.output.plain:
                return rectified_norm(norm, rectify, H, x)
            return rectify(norm(H) + x)  # type: ignore[no-any-return]
        result: Tensor = self.output(H)
        return result

    def _evolved(self, x: Tensor) -> Tensor:
        """Return H[steps], channels last if `x` is."""
        if self.is_published and not self._has_own_evolution and learned_layer.applies(self, x):
            return learned_layer.evolve(self, x)
        H = self._evolve(x, self._learned(x)) if self.is_published else self._evolve_blocks(x)
        return H.contiguous(memory_format=format_of(x))

    @property
    def _has_own_evolution(self) -> bool:
        """Whether a subclass evolves; it may want derivatives that our operations have not."""
        return type(self)._evolve is not GlobalLayer._evolve

    def _learned(self, h: Tensor) -> Any:
        """Return what `coefficients` makes of `h`."""
        one = not self._has_own_evolution and learned_fields.applies(self, h)
        return learned_fields.make(self, h) if one else self.coefficients(h)

    def _evolve_blocks(self, x: Tensor) -> Tensor:
        """Return H[steps] from an initial state or fields that a block makes."""
        h = self.init(x)
        fields = self._split(self._learned(h))
        return diffusion_advection(h, x, x if self.source else 0.0, *fields, **self._choices)

    def _evolve(self, x: Tensor, made: Tensor) -> Tensor:
        """Return H[steps] from what `coefficients` made of `x`."""
        parts = self.parts
        if parts.learned:
            return evolve_fields(x, made, **parts._asdict(), **self._choices)
        D = parts.diffusivity or 0.0
        return diffusion_advection(x, x, x if parts.source else 0.0, 0.0, 0.0, D, D, **self._choices)

    @property
    def _choices(self) -> dict[str, Any]:
        """What the operators take beside tensors."""
        return {
            "steps": self.steps,
            "dt": self.dt,
            "boundary": self.boundary,
            "advection": self.advection,
            "diffusion": self.diffusion,
            "backend": self.backend,
        }

    @property
    def one_convolution(self) -> bool:
        """Whether all fields that are learned come from one depthwise convolution."""
        given = self.diffusivity if isinstance(self.diffusivity, str) else NONE
        return self.velocity in (LEARNED, NONE) and given in (LEARNED, NONE)

    @property
    def is_published(self) -> bool:
        """Whether H[0] = H[-1] = I, and the fields come from one convolution of I: what the fused operators know."""
        return self.one_convolution and type(self.init) is nn.Identity and runs_alone(self.init)

    @property
    def parts(self) -> Parts:
        """Which fields are learned, and what takes the place of the rest."""
        constant = self.diffusivity if not isinstance(self.diffusivity, str) else 0.0
        return Parts(self.velocity == LEARNED, None if self.diffusivity == LEARNED else constant, self.source)

    @property
    def mesh(self) -> Mesh:
        """The discretisation of the equation."""
        kinds = Sides.of(self.boundary).kinds
        return Mesh(self.dt, boundary=kinds, advection=self.advection, diffusion=self.diffusion)

    def fields(self, x: Tensor) -> LayerFields:
        """Return the coefficients for `x`, and u_x and v_y by central differences, for inspection.

        In training mode these are the fields of the batch, as in `forward`; but looking does not move the running
        statistics of the norm.
        """
        statistics = {name: buffer.clone() for name, buffer in self.coefficients.named_buffers()}
        h = torch.func.functional_call(self.init, {n: b.clone() for n, b in self.init.named_buffers()}, (x,))
        made = torch.func.functional_call(self.coefficients, statistics, (h,))
        u, v, Dx, Dy = (t.expand(x.shape) for t in self._split(made))
        kinds = Sides.of(self.boundary).kinds
        u_x = (after(u, ROWS, kinds, -1) - before(u, ROWS, kinds, -1)) / 2
        v_y = (after(v, COLUMNS, kinds, -1) - before(v, COLUMNS, kinds, -1)) / 2
        return LayerFields(u, v, Dx, Dy, u_x, v_y)

    def _split(self, made: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return u, v, Dx, Dy, each (N, C, H, W) or a scalar, from what `coefficients` made."""
        if isinstance(made, tuple):
            return made
        # The outputs of a grouped convolution lie channel by channel, a channel's fields together.
        learned = list(made.unflatten(1, (self.channels, -1)).unbind(2)) if self.parts.learned else []
        zero = made.new_zeros(())
        u, v = (learned.pop(0), learned.pop(0)) if self.velocity == LEARNED else (zero, zero)
        if self.diffusivity == LEARNED:
            return u, v, learned.pop(0), learned.pop(0)
        D = zero if isinstance(self.diffusivity, str) else made.new_full((), self.diffusivity)
        return u, v, D, D

    def extra_repr(self) -> str:
        """Describe the choices, for `print(layer)`."""
        return (
            f"{self.channels}, steps={self.steps}, dt={self.dt}, velocity={self.velocity!r}, "
            f"diffusivity={self.diffusivity!r}, source={self.source}, init={self.init_kind!r}, "
            f"residual={self.residual}, boundary={self.boundary!r} (on cells), "
            f"advection={self.advection!r}, diffusion={self.diffusion!r}"
        )
