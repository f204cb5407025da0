"""The exact dynamics of modes where a space is linearized at given coefficients: theory, handed what this space and loss are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from pdefreq.errors import IncompatibleError
from pdefreq.spectrum.box_modes import CosineModes, SineModes
from pdefreq.theory.dynamics import LinearDynamics, dynamics_from_factor
from pdefreq.theory.kernel_modes import mode_coupling, relative_distance

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional
    from pdefreq.shapes import Coefficients, Values
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spectrum.modes import Modes

_ENTRIES = 2**28  # most numbers in a factor: 2 GiB in double precision, of which the decomposition takes two copies
_WATCHED = 1e8  # most numbers in the Jacobian at the points of the modes, for which the same holds
_WORK = 4e9  # most multiplications, over ten, of a decomposition that need not be asked for: three seconds on one core
_PIECE = 128  # points whose Jacobian is held at a time


def linearize(
    space: TrialSpace,
    functional: Functional,
    c: Coefficients,
    modes: Modes,
    target: Values,
    *,
    of_modes: Callable[[], Tensor] | None = None,
    cheap: bool = False,
) -> LinearDynamics:
    """How the amplitudes of modes would move under the gradient of a functional, if the space were its tangent at c.

    Args:
        space: Where u lives.
        functional: What is lowered.
        c: Coefficients at the start.
        modes: Of a family with real coefficients.
        target: The solution at ``modes.points(space)``: amplitudes are those of u minus it.
        of_modes: Gives what the rows of the functional make of each mode, ``(rows, m)``, for their coupling; asked last.
        cheap: Whether to refuse what takes more than some seconds.

    Returns:
        The dynamics of the amplitudes, float64.

    Raises:
        IncompatibleError: If coefficients in the modes are complex, or moduli, or if the factor of the functional is too large
            to decompose.
    """
    if not isinstance(modes, (SineModes, CosineModes)):
        raise IncompatibleError(
            f"predictions of networks are formed for modes with signed amplitudes, and those of {modes.kind} modes have none: "
            "use sine or cosine"
        )
    x = modes.points(space).to(c)
    if cheap and len(x) * len(c) > _WATCHED:
        raise IncompatibleError(
            f"not predicted on the way, at {len(x):,} points of {len(c):,} coefficients: `pdefreq predict` takes the time"
        )
    factor = functional.factor(c)
    if cheap and factor.numel() * min(factor.shape) > _WORK:
        raise IncompatibleError(
            f"not predicted on the way, with a kernel of {factor.shape[0]:,} rows of {factor.shape[1]:,} coefficients: "
            "`pdefreq predict` takes the time, or use fewer points (`number`)"
        )
    if factor.numel() > _ENTRIES:
        raise IncompatibleError(
            f"the kernel has {factor.shape[0]} rows of {factor.shape[1]} coefficients, too many to decompose: use fewer points "
            "(`number`) or a smaller network"
        )
    analysis = torch.from_numpy(modes.analysis(space)).to(c)
    probe, error = torch.zeros(len(modes), len(c)).to(c), torch.zeros(len(modes)).to(c)
    with torch.no_grad():
        for points, columns, values in zip(
            x.split(_PIECE), analysis.split(_PIECE, dim=1), target.to(c).split(_PIECE), strict=True
        ):
            evaluator = space.at(points)
            probe += columns @ evaluator.jacobian(c).detach()
            error += columns @ (evaluator.value(c) - values)
    dynamics = dynamics_from_factor(*(t.double() for t in (factor, probe, functional.gradient(c), error)))
    if of_modes is None:
        return dynamics
    f = factor.double()
    return replace(dynamics, coupling=mode_coupling(lambda v: f @ (f.T @ v), of_modes().double()))


def kernel_drift(functional: Functional, c: Coefficients, start: Coefficients, rows: int = 100) -> float:
    """How far the kernel K = F F^T of a functional has moved between two sets of coefficients: |K(c) - K(start)| / |K(start)|.

    Args:
        functional: What is lowered.
        c: Coefficients now.
        start: Coefficients before.
        rows: Of the factor, evenly spread over the first block of points, that the kernel is formed of.
    """
    kernels = []
    for coefficients in (c, start):
        factor = functional.blocks[0].factor(coefficients).detach()
        some = factor[:: -(-len(factor) // rows)]
        kernels.append(some @ some.T)
    return relative_distance(*kernels)
