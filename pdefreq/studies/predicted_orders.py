"""Predictions for a discretization: orders of norms and modes, and the error of each mode at one mesh width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.problem.terms.constants import constants_of
from pdefreq.solvers.refinable import PredictsModeError, degree_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.theory.discretization import Orders


@dataclass(frozen=True)
class PredictedOrder:
    """The total error of m modes as a function of the mesh width: error = constant h^order, to leading order.

    Args:
        h: The longest edge of a cell; None for a method without cells.
        order: The order of every mode; None if it is not known.
        constant: Leading constants, shape ``(m,)``; nan if not known.
        error: Relative errors at this h, shape ``(m,)``; nan if not known.
        condition: The assumptions of the order, or the reason why there is none.
    """

    h: float | None
    order: int | None
    constant: np.ndarray
    error: np.ndarray
    condition: str


def predict_order(
    problem: Problem, solver: Solver, space: TrialSpace, kind: str, wavevectors: ArrayLike | None
) -> PredictedOrder:
    """The predicted order of a method in a given trial space.

    Args:
        problem: The problem.
        solver: The method.
        space: The trial space of the method.
        kind: The mode family.
        wavevectors: Wavevectors of the modes, shape ``(m, d)``; None for modes without wavevectors.
    """
    import numpy as np

    from pdefreq.theory.discretization import leading_constant

    orders, condition = orders_of(problem, solver)
    if orders is not None and problem.singular:
        orders, condition = None, "fields of the problem are singular at points, which limits the order; use refine to measure it"
    error = mode_error_of(problem, solver, space, kind, wavevectors)
    constant = np.full(len(error), np.nan)
    if orders is not None and np.isfinite(error).any():
        constants, lengths = constants_of(problem.equation, problem.domain.dimension), problem.domain.lengths  # pyright: ignore[reportAttributeAccessIssue]
        assert constants is not None
        a, _, c = constants
        ratios = [length / max(lengths) for length in lengths]  # ratios of spacings; all axes have as many cells
        constant = leading_constant(wavevectors, ratios, diffusion=a, reaction=c).numpy()  # pyright: ignore[reportArgumentType]
    return PredictedOrder(space.mesh_width, None if orders is None else orders.mode, constant, error, condition)


def mode_error_of(problem: Problem, solver: Solver, space: TrialSpace, kind: str, wavevectors: ArrayLike | None) -> np.ndarray:
    """The predicted relative error of each mode, shape ``(m,)``; nan if the equations are not diagonal in these modes."""
    import numpy as np

    from pdefreq.domains.box import Box

    value, constants = problem.dirichlet, constants_of(problem.equation, problem.domain.dimension)
    vanishing = kind == "sine" and not problem.periodic_axes and value is not None and value.constant == 0
    diagonal = (
        (vanishing or (kind == "fourier" and problem.is_periodic))
        and isinstance(problem.domain, Box)
        and constants is not None
        and constants.is_symmetric
        and problem.data is None
    )
    found = (
        solver.predicted_mode_error(problem, space, wavevectors)
        if diagonal and wavevectors is not None and isinstance(solver, PredictsModeError)
        else None
    )
    return np.full(0 if wavevectors is None else len(np.asarray(wavevectors)), np.nan) if found is None else found.numpy()


def orders_of(problem: Problem, solver: Solver) -> tuple[Orders | None, str]:
    """The orders for a smooth solution and their assumptions, or None and the reason."""
    from pdefreq.theory.discretization import smooth_orders

    degree = degree_of(solver)
    if degree is None:
        return None, (
            "the method has no cells; its error falls faster than any power if the solution is smooth, "
            "for sine series also its odd extension"
        )
    if not problem.is_linear:
        term = next(term for term in problem.equation if not term.linear)
        return None, f"theory covers linear equations, and the {term.name} term {term.text} is nonlinear"
    if problem.data is not None:
        return None, "the source is known only at points, whose number limits the accuracy on fine meshes"
    if not problem.domain.is_straight and degree > 1:
        return None, "the boundary is curved and the cells are straight, which reduces the orders of quadratic elements"
    smooth = f"for solutions with {degree + 1} square-integrable derivatives"
    corners = "" if problem.domain.dimension == 1 else ", a regularity that corners may reduce"
    return smooth_orders(degree), smooth + corners
