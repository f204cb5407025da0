"""What Galerkin methods share: the iteration that solves a problem in a space, and the linear solver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.iterations.linear.galerkin_system import GalerkinSystem
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.elements.weak_form import GalerkinSpace, WeakForm
    from pdefreq.spaces.trial_space import LinearSystem

GALERKIN_STEPS = 300
"""Largest number of steps: linear problems take one, nonlinear ones about 100 at most."""
_LARGEST_DIRECT = 20_000  # unknowns in two dimensions, above which multigrid is faster


def galerkin_iteration(
    space: GalerkinSpace,
    problem: Problem,
    by: Literal["direct", "amg"] | None,
    *,
    dtype: torch.dtype,
    device: torch.device,
    guess: Field | None,
    remarks: Sequence[str] = (),
) -> Iteration:
    """The iteration that solves a problem in a space: one linear system, or Newton's method."""
    import torch

    from pdefreq.functionals.sampling import data_samples
    from pdefreq.iterations.linear.direct import DirectSolve
    from pdefreq.iterations.newton import Newton
    from pdefreq.spaces.elements.weak_form import WeakForm

    like = torch.empty(0, dtype=dtype, device=device)
    form = WeakForm(space, problem, data_samples(problem) if problem.data is not None else None)
    condense = condensing(form, by)
    if problem.is_linear:
        return DirectSolve(
            space, form.system(), like=like, guess=guess, condense=condense, remarks=remarks, quadrature=form.quadrature
        )
    return Newton(form, like=like, guess=guess, condense=condense, remarks=remarks)


def condensing(form: WeakForm, by: Literal["direct", "amg"] | None) -> Callable[[LinearSystem], GalerkinSystem]:
    """The linear solver: the requested one, or by default the faster of those that apply."""
    from pdefreq.iterations.linear.galerkin_system import GalerkinSystem

    d, linear = form.dimension, form.equation.is_linear
    many = d == 3 or (d == 2 and linear and form.space.num_coefficients > _LARGEST_DIRECT)

    def condense(system: LinearSystem) -> GalerkinSystem:
        faster = "amg" if many and system.definite else "direct"
        return GalerkinSystem(system, by=by or faster, null_space=form.null_space)

    return condense
