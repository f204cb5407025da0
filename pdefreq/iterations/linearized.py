"""The exact dynamics of modes where a space is linearized at given coefficients: theory, handed what this space and loss are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.errors import IncompatibleError
from pdefreq.theory.dynamics import LinearDynamics, dynamics_from_factor

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional
    from pdefreq.shapes import Coefficients, Values
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spectrum.modes import Modes

_ENTRIES = 2**28  # most numbers in a factor: 2 GiB in double precision, of which the decomposition takes two copies
_PIECE = 128  # points whose Jacobian is held at a time


def linearize(space: TrialSpace, functional: Functional, c: Coefficients, modes: Modes, target: Values) -> LinearDynamics:
    """How the amplitudes of modes would move under the gradient of a functional, if the space were its tangent at c.

    Args:
        space: Where u lives.
        functional: What is lowered.
        c: Coefficients at the start.
        modes: Of a family with real coefficients.
        target: The solution at ``modes.points(space)``: amplitudes are those of u minus it.

    Returns:
        The dynamics of the amplitudes, float64.

    Raises:
        IncompatibleError: If the modes are complex, or the factor of the functional is too large to decompose.
    """
    if modes.kind == "fourier":
        raise IncompatibleError("predictions are formed for real modes: use sine or cosine")
    factor = functional.factor(c)
    if factor.numel() > _ENTRIES:
        raise IncompatibleError(
            f"the kernel has {factor.shape[0]} rows of {factor.shape[1]} coefficients, too many to decompose: use fewer points "
            "(`number`) or a smaller network"
        )
    x = modes.points(space).to(c)
    analysis = analysis_matrix(modes, space, len(x)).to(c)
    probe, error = torch.zeros(len(modes), len(c)).to(c), torch.zeros(len(modes)).to(c)
    with torch.no_grad():
        for points, columns, values in zip(
            x.split(_PIECE), analysis.split(_PIECE, dim=1), target.to(c).split(_PIECE), strict=True
        ):
            evaluator = space.at(points)
            probe += columns @ evaluator.jacobian(c).detach()
            error += columns @ (evaluator.value(c) - values)
    return dynamics_from_factor(*(t.double() for t in (factor, probe, functional.gradient(c), error)))


def analysis_matrix(modes: Modes, space: TrialSpace, count: int) -> Tensor:
    """The matrix ``(m, n)`` that takes values at the n points of the modes to their coefficients."""
    unit, columns = np.zeros(count), []
    for place in range(count):
        unit[place] = 1
        columns.append(modes.coefficients(unit, space))
        unit[place] = 0
    return torch.from_numpy(np.stack(columns, axis=1))
