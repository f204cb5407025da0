"""A lower bound of the minimum of an energy, from the exact solution or from a sequence of reference solutions."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from pdefreq.runs.sequence_error import sequence_error

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.probes.target import Target
    from pdefreq.problem.problem import Problem

_POINTS = (20_000, 10_000)  # of the rules whose difference estimates the quadrature error for an exact solution
_BOUNDARY = 2000


def energy_minimum(target: Target) -> float:
    """The energy of the reference solution minus its estimated distance from the minimum.

    The energy of any function is at least the minimum, so that the energy of a reference solution is an upper bound. Its distance
    from the minimum is estimated from the energies of the coarser reference solutions (`sequence_error`). Energies of finite
    elements use their own quadrature. For an exact solution the distance is the difference of two quadrature rules.

    Args:
        target: A problem with an energy, and its exact or a reference solution.
    """
    assert target.reference is not None
    energies = [_energy(target, u, _POINTS[0]) for u in (*target.coarser, target.reference)]
    if len(energies) > 1:
        changes = [abs(after - before) for before, after in itertools.pairwise(energies)]
    elif target.problem.domain.dimension <= 3:
        changes = [abs(energies[0] - _energy(target, target.reference, _POINTS[1]))]
    else:
        changes = [0.0]
    error = sequence_error(changes)
    return energies[-1] - error if math.isfinite(error) else math.nan


def _energy(target: Target, u: Field, points: int) -> float:
    from pdefreq.functionals.ritz_energy import energy_of
    from pdefreq.spaces.elements.weak_form import GalerkinSpace, WeakForm
    from pdefreq.spaces.trial_space import SpaceField

    problem: Problem = target.problem
    if isinstance(u, SpaceField) and isinstance(u.space, GalerkinSpace):
        return WeakForm(u.space, problem).energy(u.coefficients.double().numpy(force=True))
    inside = problem.domain.quadrature(points) if problem.domain.dimension <= 3 else target.test_points
    return energy_of(problem, u, inside, problem.domain.boundary(_BOUNDARY))
