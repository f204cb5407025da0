"""The parts of a network method, each made from its options: functional, points, optimizer, held-out points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pdefreq.errors import IncompatibleError, OptionError, UnknownNameError
from pdefreq.solvers.network_space import features_of, require_room, require_smooth
from pdefreq.solvers.requirements import require_memory

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.domain import Samples
    from pdefreq.functionals.course import SampledCourse
    from pdefreq.functionals.functional import Functional
    from pdefreq.functionals.sampling import Sampling
    from pdefreq.iterations.held_out import HeldOut
    from pdefreq.iterations.optimizers import Optimizer
    from pdefreq.problem import Problem
    from pdefreq.shapes import Values
    from pdefreq.solvers.network_solver import NetworkSolver
    from pdefreq.spaces.trial_space import Network, TrialSpace

# Interior points by dimension. In 2-D fewer than 130 along each axis were overfitted on `poisson-multilevel`, within 300 steps.
_NUMBER = {1: 1000, 2: 19600, 3: 8192}
_NUMBER_IN_FACTOR = {1: 500, 2: 1600, 3: 2000}  # where each point is a row of a matrix
_FACTOR = 2**27  # most numbers in that matrix: 1 GiB in double precision; with the blocks it is put together from, 2


def require_suitable(solver: NetworkSolver, problem: Problem) -> None:
    """What can be said before anything is built.

    Raises:
        IncompatibleError: If the problem is of another kind, or does not say what the functional needs.
        OptionError: If there is too little memory.
        ProblemFileError: If fluxes alone are given and do not balance the source.
    """
    from pdefreq.spaces.compatibility import require_compatible

    method, regression = solver.name, solver.functional.startswith("misfit")
    if problem.is_regression and not regression:
        what = "energy" if solver.functional == "ritz" else "residual"
        raise IncompatibleError(
            f"{method} lowers the {what} of a differential equation and this is a regression: use {_instead(solver, 'misfit')}"
        )
    if regression and not problem.is_regression:
        raise IncompatibleError(
            f"{method} fits a given function and this is a differential equation: use {_instead(solver, 'ritz', 'residual')}"
        )
    if solver.functional.endswith("-gradient") and problem.data is not None:
        raise IncompatibleError(
            f"{method} needs the gradient of the source and this problem gives the source at points only ([data]): "
            f"use {_instead(solver, solver.functional.removesuffix('-gradient'))}"
        )
    summed = problem.data is not None and solver.functional != "ritz"
    if summed and (solver.keep == "best" or solver.patience is not None):
        raise IncompatibleError(
            f"{method} has no points to hold out where the problem gives its source at points only ([data]): "
            "leave `keep` and `patience` out"
        )
    dimension = problem.domain.dimension
    if _points(solver, dimension) == "gauss" and dimension > 3:
        raise IncompatibleError(f"Gauss points fill at most 3 dimensions, got {dimension}: use points=sobol")
    if problem.is_pure_neumann and dimension <= 3:  # beyond, quadrature can't tell
        require_compatible(problem)  # else the energy has no minimum
    if solver.functional.startswith("residual"):
        _require_no_jump(solver, problem)
    _require_start(solver, problem)
    require_room(solver, dimension)
    _require_used(solver, dimension)
    if dimension > 1:  # an interval has two ends, however many are asked for
        entries = 3 * dimension + 4  # point, normal, weight, part, values given, and the distance of the point
        require_memory(solver.boundary_points, "boundary_points", 8 * entries * solver.boundary_points)
    number = _number(solver, dimension)
    if not summed and solver.batch is not None and solver.batch > number:
        raise OptionError(f"`batch` must be at most the number of points, {number}, got {solver.batch}: leave it out to use all")
    kept = 24 + 8 * dimension + (dimension + 2) * features_of(solver, dimension)  # points, fields, boundary factors, input
    require_memory(number, "number", 8 * kept * number)


def _require_no_jump(solver: NetworkSolver, problem: Problem) -> None:
    """A residual at points does not see that a grad u must not jump where a does: it tends to another function.

    Raises:
        IncompatibleError: If the diffusion jumps.
    """
    from pdefreq.domains.jumps import jumps

    a = problem.diffusion
    if a.has_kinks and jumps(a, problem.domain):
        raise IncompatibleError(
            f"{solver.name} lowers the residual at points, which does not see that the flux must not jump where [equation] "
            f"diffusion does: use {_instead(solver, 'ritz')}"
        )


def _require_start(solver: NetworkSolver, problem: Problem) -> None:
    """Where u is constant at the start and p > 2, the derivative of |grad u|^(p-2) grad u is zero, and a residual's with it.

    Raises:
        IncompatibleError: If the difference of two equal networks starts so, and no reaction or boundary term pulls at it.
    """
    p, values = problem.exponent, problem.dirichlet
    flat = solver.start == "antisymmetric" and solver.boundary == "hard" and values is not None and values.constant is not None
    if flat and p > 2 and solver.functional.startswith("residual") and problem.reaction.constant == 0:
        raise IncompatibleError(
            f"start={solver.start} begins with grad u = 0, where the residual for exponent = {p:g} is degenerate and no step "
            "leads away: leave `start` out"
        )


def _require_used(solver: NetworkSolver, dimension: int) -> None:
    """As `unused.require_used`, of what does nothing on the domain at hand.

    Raises:
        OptionError: If an option does nothing.
    """
    if dimension == 1 and solver.boundary == "penalty" and solver.boundary_points != type(solver).boundary_points:
        raise OptionError("`boundary_points` does nothing here: an interval has two ends, and both are used; leave it out")
    if solver.resample_every != type(solver).resample_every and _points(solver, dimension) == "gauss":
        raise OptionError("`resample_every` does nothing here: Gauss points stay; set points=sobol or uniform, or leave it out")


def require_factor(solver: NetworkSolver, functional: Functional, space: Network) -> None:
    """Room for the matrix of which gauss-newton solves for a step: a few rows for each point, a column for each coefficient.

    Raises:
        OptionError: If it would be larger than what is stated here.
    """
    rows = functional.num_rows
    if solver.optimizer == "gauss-newton" and rows * space.num_coefficients > _FACTOR:
        size, most = (entries / 2**27 for entries in (rows * space.num_coefficients, _FACTOR))
        raise OptionError(
            f"gauss-newton would hold a matrix of {rows:,} rows for {space.num_coefficients:,} coefficients, {size:,.1f} GiB, "
            f"and takes at most {most:.0f} GiB: use a smaller `number`, narrower `widths` or optimizer=lbfgs"
        )


def course_of(solver: NetworkSolver, problem: Problem, space: TrialSpace, seed: int, like: Tensor) -> SampledCourse:
    """The functional of each step.

    Raises:
        IncompatibleError: If the space is not smooth enough, or terms can't be balanced.
        OptionError: If lbfgs would meet another functional in each step.
        UnknownNameError: If `weights` names no term.
    """
    from pdefreq.functionals.course import SampledCourse, StagedPenalty
    from pdefreq.functionals.ritz_energy import RitzEnergy
    from pdefreq.functionals.sampling import data_samples

    sampling = _sampling(solver, problem, seed)
    data = None if problem.data is None else data_samples(problem)
    known = None if solver.functional == "ritz" else data  # an energy is an integral, but for the work of f
    if solver.optimizer == "lbfgs" and sampling.points != "gauss" and known is None and sampling.resample_every == 1:
        raise OptionError(
            "lbfgs needs an objective that stays the same from step to step, and random points are drawn at each: "
            "use points=gauss or resample_every=100"
        )

    def build(interior: Samples, boundary: Samples, source: Values | None) -> Functional:
        if solver.functional == "ritz":
            edge = boundary if solver.boundary == "penalty" else None
            functional = RitzEnergy(problem, space, interior, edge, beta=solver.beta, data=data, like=like)
        else:
            functional = _sum_of_squares(solver, problem, space, interior, boundary, source, like)
        if "boundary" in (solver.weights or {}) and solver.boundary == "hard" and not problem.is_regression:
            raise UnknownNameError(
                "unknown term 'boundary' in `weights`: boundary values are built into the network, which leaves no such term; "
                "use boundary=penalty"
            )
        return functional.weighted(solver.weights or {})

    penalty = StagedPenalty(solver.staged_steps or solver.steps) if solver.staged else None
    course = SampledCourse(problem, sampling, build, penalty, known)
    functional = course.at(0)
    require_smooth(solver, space, functional.order)
    if solver.balance_every is not None and not functional.tends_to_zero:
        raise IncompatibleError(
            f"{solver.name} lowers an energy and balancing is for sums of squares: use {_instead(solver, 'residual')}, or "
            "`weights`"
        )
    return course


def optimizer_of(solver: NetworkSolver) -> Optimizer:
    """What turns gradients into steps."""
    from pdefreq.iterations.lbfgs import Lbfgs
    from pdefreq.iterations.learning_rate import LearningRate
    from pdefreq.iterations.levenberg import LevenbergMarquardt
    from pdefreq.iterations.optimizers import Adam, GradientDescent

    if solver.optimizer == "lbfgs":
        return Lbfgs()
    if solver.optimizer == "gauss-newton":
        return LevenbergMarquardt(solver.damping)
    rate = LearningRate(solver.learning_rate, solver.half_life, solver.decay)
    if solver.optimizer == "adam":
        return Adam(rate, solver.clip)
    return GradientDescent(rate, solver.clip, solver.momentum if solver.optimizer == "sgd" else 0.0)


def held_out_of(solver: NetworkSolver, course: SampledCourse) -> HeldOut | None:
    """What watches points that are not trained on; None where the problem has no others."""
    from pdefreq.iterations.held_out import HeldOut

    functional = course.held_out()
    return None if functional is None else HeldOut(functional, solver.keep == "best", solver.patience)


def _instead(solver: NetworkSolver, *functionals: str) -> str:
    """What lowers other functionals: methods, and of gauss-newton its option."""
    if solver.name == "gauss-newton":
        return "functional=" + " or ".join(functionals)
    methods = {"ritz": ("`deep-ritz`", "`mscale`"), "residual": ("`pinn`",), "misfit": ("`regression`",)}
    *others, last = (method for functional in functionals for method in methods[functional])
    return f"{', '.join(others)} or {last}" if others else last


def _sum_of_squares(
    solver: NetworkSolver,
    problem: Problem,
    space: TrialSpace,
    interior: Samples,
    boundary: Samples,
    source: Values | None,
    like: Tensor,
) -> Functional:
    from pdefreq.functionals.misfit import GradientMisfit, Misfit
    from pdefreq.functionals.strong_residual import GradientOfResidual, StrongResidual

    edge = boundary if solver.boundary == "penalty" else None
    if solver.functional.startswith("residual"):
        residual = StrongResidual(problem, space, interior, edge, beta=solver.beta, source=source, like=like)
        enhanced = solver.functional == "residual-gradient"
        return residual + GradientOfResidual(problem, space, interior, like=like) if enhanced else residual
    misfit = Misfit(problem, space, interior, exponent=solver.misfit_exponent, source=source, like=like)
    enhanced = solver.functional == "misfit-gradient"
    return misfit + GradientMisfit(problem, space, interior, like=like) if enhanced else misfit


def _sampling(solver: NetworkSolver, problem: Problem, seed: int) -> Sampling:
    from pdefreq.functionals.sampling import Sampling

    d = problem.domain.dimension
    points, number = _points(solver, d), _number(solver, d)
    return Sampling(points, number, solver.boundary_points, solver.resample_every, seed, solver.batch)


def _points(solver: NetworkSolver, dimension: int) -> Literal["gauss", "uniform", "sobol"]:
    return solver.points or ("gauss" if dimension <= 2 else "sobol")


def _number(solver: NetworkSolver, dimension: int) -> int:
    default = _NUMBER_IN_FACTOR if solver.optimizer == "gauss-newton" else _NUMBER
    return solver.number or default.get(dimension, default[3])
