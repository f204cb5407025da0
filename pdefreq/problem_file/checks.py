"""Checks of a problem at sample points: values are finite, coefficients have their sign, and what is stated twice agrees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.domains.domain import Domain, Samples
from pdefreq.errors import ProblemFileError
from pdefreq.expressions import ExpressionField
from pdefreq.fields import Field
from pdefreq.problem import Problem
from pdefreq.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Points

_NUMBER = 512
# Relative to the largest value: constants printed with seven digits pass, a wrong sign or factor does not.
_TOLERANCE = 1e-6
# Quadrature across a kink is good to 1e-3 here, to some per cent where the source jumps on a sphere, with a sign that changes
# from rule to rule; a jump of the flux is as large as the flux, by every rule.
_WEAK_TOLERANCE = 0.02
_RULES = (40_000, 80_000)  # points; the second is asked only where the first sees a jump


@dataclass(frozen=True)
class Claim:
    """A field that the file states although `exact` implies it.

    Args:
        key: Where it is stated.
        given: As stated.
        derived: As it follows from the exact solution.
        part: Index of the boundary part on which it holds; None: in the domain.
    """

    key: str
    given: Field
    derived: Field
    part: int | None


def check(problem: Problem, *, claims: Sequence[Claim]) -> None:
    """Refuse a problem that can't be meant.

    Args:
        problem: The problem.
        claims: What must agree.

    Raises:
        ProblemFileError: If a coefficient is not finite or is negative at a sample point that is not singular, a boundary point
            is covered by no part, or a claim fails; the sentence names the point.
    """
    domain = problem.domain

    def regular(x: Points) -> Points:
        return problem.regular(Samples(x, x[:, 0])).x

    inside = regular(_interior_points(domain))
    for name, allow_negative in (("source", True), ("diffusion", False), ("reaction", False), ("exact", True)):
        field = getattr(problem, name)
        if field is not None:
            _check_values(f"[equation] {name}", field, inside, allow_negative)
    size = float(problem.exact(inside).abs().max()) if problem.exact is not None else 0.0
    at: dict[int | None, Points] = {None: domain.interior(_NUMBER, stream(0, "claims")).x}
    if problem.boundary:
        edge = domain.boundary(_NUMBER, stream(0, "check"))
        governed = problem.part_of(edge)
        for i, part in enumerate(problem.boundary):
            at[i] = regular(edge.x[governed == i])
            _check_values("[boundary] value", part.value, at[i])
            _check_values("[boundary] flux", part.flux, at[i])
            _check_values("[boundary] alpha", part.alpha, at[i], allow_negative=False)
    for claim in claims:
        _check_claim(claim, regular(at[claim.part]), size)
    if any(isinstance(field, ExpressionField) and field.has_kinks for field in (problem.exact, problem.diffusion)):
        _check_weak_form(problem)


def _check_weak_form(problem: Problem) -> None:
    """Formulas with kinks: where the flux of `exact` jumps, the source holds a delta function that no derivative shows.

    int( a |grad u|^(p-2) grad u . grad v + c u v - f v ) must vanish for every v that is zero on the boundary.
    """
    if problem.exact is None or problem.is_regression or problem.domain.dimension > 3:
        return
    if all(_flux_jumps(problem, problem.exact, number) for number in _RULES):
        raise ProblemFileError(
            "[equation] exact does not solve the equation where its flux a |grad u|^(p-2) grad u jumps: the source would "
            "need a delta function there; make the flux continuous, or give `source` without `exact`"
        )


def _flux_jumps(problem: Problem, u: Field, number: int) -> bool:
    """Whether the integral is not zero by a rule of so many points, for v = D and D x_k, with D the distance function."""
    samples = problem.regular(problem.domain.quadrature(number))
    x, weights, bump = samples.x, samples.weights, problem.domain.distance()
    gradient = u.gradient(x)
    flux = (problem.diffusion(x) * gradient.norm(dim=1) ** (problem.exponent - 2))[:, None] * gradient
    rest = problem.reaction(x) * u(x) - problem.source(x)
    for axis in range(-1, problem.domain.dimension):  # the bump, then tilted along each axis: a jump in the middle can't hide
        tilt = torch.ones_like(x[:, 0]) if axis < 0 else x[:, axis] - min(x[:, axis])
        v, slope = bump(x) * tilt, bump.gradient(x) * tilt[:, None]
        if axis >= 0:
            slope[:, axis] += bump(x)
        work = weights * (flux * slope).sum(dim=1)
        known = work.isfinite() & rest.isfinite()
        gap = (work + weights * rest * v)[known].sum()
        if abs(gap) > _WEAK_TOLERANCE * work[known].abs().sum():
            return True
    return False


def _interior_points(domain: Domain) -> Points:
    """Random points, and a lattice: the singularities of formulas that people write tend to lie on one."""
    per_axis = min(63, int(_NUMBER ** (1 / domain.dimension)) // 2 * 2 + 1)  # odd: the centre is among them
    ticks = torch.arange(1, per_axis + 1, dtype=torch.float64) / (per_axis + 1)
    axes = [a + ticks * (b - a) for a, b in zip(*domain.bounds, strict=True)]
    lattice = torch.cartesian_prod(*axes).reshape(-1, domain.dimension)
    return torch.cat([domain.interior(_NUMBER, stream(0, "check")).x, lattice[domain.contains(lattice)]])


def _check_values(key: str, field: Field, x: Points, allow_negative: bool = True) -> None:
    values = field(x)
    bad = ~values.isfinite() if allow_negative else ~(values.isfinite() & (values >= 0))
    if bool(bad.any()):
        point, value = _at(x[bad][0]), float(values[bad][0])
        if math.isfinite(value):
            raise ProblemFileError(f"{key} must not be negative, but it is {value:g} at {point}")
        raise ProblemFileError(
            f"{key} is not finite at {point}, got {value:g}; mend it, or list the point as singular = [[...]] in [equation]"
        )


def _check_claim(claim: Claim, x: Points, size: float) -> None:
    given, derived = claim.given(x), claim.derived(x)
    known = derived.isfinite() & given.isfinite()
    x, given, derived = x[known], given[known], derived[known]
    if len(x) == 0:
        return
    scale = max(size, float(derived.abs().max()))
    gap = (given - derived).abs()
    worst = int(gap.argmax())
    if not float(gap[worst]) <= _TOLERANCE * scale:
        raise ProblemFileError(
            f"{claim.key} and [equation] exact disagree: at {_at(x[worst])} it gives {float(given[worst]):.9g}, "
            f"but exact needs {float(derived[worst]):.9g}; mend one of them, or leave {claim.key} out"
        )


def _at(x: Tensor) -> str:
    return f"({', '.join(f'{v:.6g}' for v in x.tolist())})"
