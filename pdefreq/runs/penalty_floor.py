"""The error that a boundary penalty leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pdefreq.core.streams import stream

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import State
    from pdefreq.problem.problem import Problem

_POINTS = 2000


class PenaltyFloor(NamedTuple):
    """The difference between the minimizer of an energy with a boundary penalty and the boundary values.

    Args:
        beta: The penalty parameter.
        absolute: The root mean square of ``F . n / (2 beta)`` over the Dirichlet parts, with the flux F of the approximation.
        relative: The same divided by the root mean square of u over the domain.
    """

    beta: float
    absolute: float
    relative: float


def penalty_floor(problem: Problem, state: State, beta: float) -> PenaltyFloor | None:
    """The error that the penalty leaves at the boundary, to first order in 1 / beta.

    Returns:
        The error; None if there are no Dirichlet parts, no normals, or no finite nonzero values of u.
    """
    import torch

    from pdefreq.functionals.equation_at_points import WeakEquation
    from pdefreq.spaces.trial_space import SpaceField

    edge = problem.domain.boundary(_POINTS)
    if edge.normals is None:
        return None
    kinds = [part.kind for part in problem.boundary]
    prescribed = torch.tensor([kinds[int(i)] == "dirichlet" for i in problem.part_of(edge)])
    if not prescribed.any():
        return None
    x, normals, weights = edge.x[prescribed], edge.normals[prescribed], edge.weights[prescribed]
    u = SpaceField(state.space, state.coefficients.to(dtype=x.dtype, device="cpu"))
    with torch.no_grad():
        _, flux = WeakEquation.at(problem.equation, x, x).densities(u(x), u.gradient(x))
        inside = u(problem.domain.interior(_POINTS, stream(0, "penalty floor")).x)
    size = float(inside.square().mean().sqrt())
    if flux is None or not 0 < size < float("inf"):
        return None
    across = (flux * normals).sum(dim=1) / (2 * beta)
    absolute = float((weights @ across.square() / weights.sum()).sqrt())
    return PenaltyFloor(beta, absolute, absolute / size)
