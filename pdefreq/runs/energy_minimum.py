"""A lower bound of the minimum of an energy, from the exact solution or from a sequence of reference solutions."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import TYPE_CHECKING

from pdefreq.runs.sequence_error import sequence_error

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.domains.samples import Samples
    from pdefreq.probes.target import Target
    from pdefreq.problem.problem import Problem

_POINTS = (20_000, 10_000)  # of the rules whose difference estimates the quadrature error for an exact solution
_BOUNDARY = (2000, 1000)
_PARTS, _STANDARD_ERRORS = 10, 3


def energy_minimum(target: Target) -> float:
    """The energy of the reference solution minus its estimated distance from the minimum.

    The energy of any function is at least the minimum, so that the energy of a reference solution is an upper bound. Its distance
    from the minimum is estimated from the energies of the coarser reference solutions (`sequence_error`). Energies of finite
    elements use their own quadrature. For an exact solution the distance is the difference of two quadrature rules.

    Beyond three dimensions it is three standard errors of the sum over random points.

    Args:
        target: A problem with an energy, and its exact or a reference solution.
    """
    assert target.reference is not None
    energies = [_energy(target, u, 0) for u in (*target.coarser, target.reference)]
    if len(energies) > 1:
        error = sequence_error([abs(after - before) for before, after in itertools.pairwise(energies)])
    elif target.problem.domain.dimension <= 3:
        error = abs(energies[0] - _energy(target, target.reference, 1))
    else:
        error = _STANDARD_ERRORS * _standard_error(target)
    return energies[-1] - error if math.isfinite(error) else math.nan


def _standard_error(target: Target) -> float:
    """The standard error of the energy as a sum over random test points, estimated from ten parts of them."""
    from pdefreq.domains.samples import Samples

    assert target.reference is not None
    points, parts = target.test_points, []
    for k in range(_PARTS):
        inside = Samples(points.x[k::_PARTS], points.weights[k::_PARTS] * _PARTS)
        parts.append(_sum(target, target.reference, inside, 0))
    return statistics.stdev(parts) / math.sqrt(_PARTS)


def _energy(target: Target, u: Field, rule: int) -> float:
    """The energy of a function by the first or the second of two quadrature rules."""
    from pdefreq.spaces.elements.weak_form import GalerkinSpace, WeakForm
    from pdefreq.spaces.trial_space import SpaceField

    problem: Problem = target.problem
    if isinstance(u, SpaceField) and isinstance(u.space, GalerkinSpace):
        return WeakForm(u.space, problem).energy(u.coefficients.double().numpy(force=True))
    return _sum(
        target, u, problem.domain.quadrature(_POINTS[rule]) if problem.domain.dimension <= 3 else target.test_points, rule
    )


def _sum(target: Target, u: Field, inside: Samples, rule: int) -> float:
    from pdefreq.functionals.ritz_energy import energy_of
    from pdefreq.problem.boundary_pieces import on_boundary

    edge, _ = on_boundary(target.problem, _BOUNDARY[rule])
    return energy_of(target.problem, u, inside, edge)
