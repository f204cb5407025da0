"""The weights of the boundary conditions in least-squares problems for features, and energies of nonlinear equations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import ConstantField
from pdefreq.domains.corners import corners
from pdefreq.problem.solution_size import SizeEstimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pdefreq.core.shapes import Values
    from pdefreq.domains.corners import Corner
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.functional import Functional
    from pdefreq.functionals.residual_metric import MetricName
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.features.features import Features

_PENALTY = 1e4  # the minimizer of an energy has errors of about 1e-4 of its size where values are prescribed


def boundary_weights(
    problem: Problem, metric: MetricName, wavenumber: float, interior: Samples, edge: Samples
) -> tuple[float, Callable[[Values], Values]]:
    """The factor of squared boundary errors, and that of squared Robin errors as a function of the coefficient alpha.

    The residual of a wave with wavenumber k is A k^2 + c times the wave, and its Robin data have the amplitude
    ((A k)^2 + alpha^2)^(1/2). With these factors the mean squares of all kinds of rows are about equal for waves with this
    wavenumber. Robin rows with large alpha become those of prescribed values. The wavenumber is less than the bandwidth,
    because amplitudes decay. Larger factors of the boundary rows would lead to a wrong function at re-entrant corners, where
    no u with square integrable second derivatives satisfies both the boundary values and the equation. A metric divides the
    residual by k or k^2.

    If p is not 2, A stands for A |grad u|^(p-2) with an estimate of |grad u|.

    Args:
        problem: The problem.
        metric: The norm of the residual.
        wavenumber: The wavenumber at which all rows count alike, in rad per unit of length.
        interior: The points of the residual.
        edge: The points on the boundary.
    """
    from pdefreq.functionals.residual_metric import ORDERS

    diffusivity, averaged = _diffusivity(problem), SizeEstimate(problem, ConstantField(0.0)).averaged
    stiffness = diffusivity * wavenumber**2 + abs(averaged.reaction)
    row = stiffness / wavenumber ** ORDERS[metric]
    beta = row**2 * float(interior.weights.sum()) / float(edge.weights.sum())
    flux = diffusivity * wavenumber
    return beta, lambda alpha: beta / (flux**2 + alpha**2)


def weighted_near_corners(domain: Domain, samples: Samples) -> Samples:
    """Samples whose weights are multiplied by min(1, r / l)^2 for each re-entrant corner.

    Here r is the distance from the corner, and l is the length of its shorter side. At a re-entrant corner, second derivatives
    are not square integrable, and smooth functions that satisfy the boundary values cannot make the residual small in L2: the
    minimizer converges to a wrong function. Their residuals do become small in this weighted norm, in which the Laplacian is an
    isomorphism for every angle.

    Source:
        Kozlov, Maz'ya, Rossmann (1997), Elliptic Boundary Value Problems in Domains with Point Singularities, chapter 6, for the
        norms; Lee, Manteuffel, Westphal (2006), Weighted-norm first-order system least squares (FOSLS) for problems with corner
        singularities, SIAM J. Numer. Anal. 44, for least squares.
    """
    weights = samples.weights
    for corner in reentrant_corners(domain):
        distance = torch.linalg.vector_norm(samples.x - samples.x.new_tensor(corner.point), dim=1)
        weights = weights * (distance / min(corner.lengths)).clamp(max=1.0) ** 2
    return replace(samples, weights=weights)


def reentrant_corners(domain: Domain) -> list[Corner]:
    """The corners with interior angles above pi, between two straight sides of a plane domain."""
    return [corner for corner in corners(domain) if corner.is_reentrant]


def energy(problem: Problem, space: Features, interior: Samples, edge: Samples, like: Tensor) -> Functional:
    """The energy of a degenerate equation, whose minimizer is the start of Newton's method.

    With the penalty parameter beta, errors of prescribed values are F . n / (2 beta) with the flux F, which is about
    A |grad u|^(p-2) u / L for a domain of length L.

    Args:
        problem: A problem whose equation has an energy.
        space: The trial space.
        interior: Points and weights in the domain.
        edge: Points and weights on the boundary.
        like: A tensor with the dtype and device of the coefficients.
    """
    from pdefreq.functionals.ritz_energy import RitzEnergy

    beta = _PENALTY * _diffusivity(problem) / _length(problem)
    return RitzEnergy(problem, space, interior, edge, beta=beta, like=like)


def _length(problem: Problem) -> float:
    """The largest side of the bounding box."""
    return max(b - a for a, b in zip(*problem.domain.bounds, strict=True))


def _diffusivity(problem: Problem) -> float:
    """The mean of A |grad u|^(p-2) for a solution whose gradient is its estimated size divided by the largest side."""
    estimate = SizeEstimate(problem, ConstantField(0.0))
    diffusion, exponent = estimate.averaged.mean_diffusion, estimate.averaged.exponent
    if exponent == 2:
        return diffusion
    prescribed = 0.0 if estimate.edge is None else float(estimate.edge.values.abs().max())
    size = max(estimate.from_load(), prescribed)
    return diffusion * (size / _length(problem)) ** (exponent - 2) if size > 0 else diffusion
