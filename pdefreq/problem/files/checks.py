"""Checks of a problem at sample points: finite values, signs of coefficients, and consistency of data with `exact`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import InconsistentProblemError, ProblemFileError
from pdefreq.core.fields import Field
from pdefreq.core.findings import Findings
from pdefreq.core.streams import stream
from pdefreq.domains.domain import Domain
from pdefreq.domains.samples import Samples
from pdefreq.problem.boundary_extent import BoundaryExtent
from pdefreq.problem.jumps import flux_jumps, jumps
from pdefreq.problem.problem import Problem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

_NUMBER = 512
# Relative to the largest value. Constants with seven digits pass the checks; a wrong sign or factor does not.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Claim:
    """A field that the file states although it also follows from `exact`.

    Args:
        key: The key that states the field.
        given: The stated field.
        derived: The field derived from the exact solution.
        part: Index of the boundary part on which the fields must agree; None for the domain.
    """

    key: str
    given: Field
    derived: Field
    part: int | None


def check(problem: Problem, *, claims: Sequence[Claim]) -> None:
    """Check that a problem is consistent and that its values are within their ranges.

    Args:
        problem: The problem.
        claims: Pairs of fields that must agree.

    Raises:
        ProblemFileError: If a coefficient is not finite or outside its range at a sample point that is not singular, no boundary
            part contains a boundary point, or a claim is violated. The message contains the point. Several errors are listed,
            except that claims are compared only if all values are finite and within their ranges.
    """
    domain, findings = problem.domain, Findings()

    def regular(x: Points) -> Points:
        return problem.regular(Samples(x, x[:, 0])).x

    inside = regular(_interior_points(domain))
    is_derived = problem.source.derived_from is not None
    for name, field in (("source", None if is_derived else problem.source), ("exact", problem.exact)):
        if field is not None:
            with findings.collecting():
                _check_values(f"[equation] {name}", field, inside)
    for term in problem.equation:
        with findings.collecting():
            term.check(inside)
    if is_derived and not len(findings):  # otherwise its errors may follow from those of the other fields
        with findings.collecting():
            _check_values("[equation] source", problem.source, inside)
    size = float(problem.exact(inside).abs().max()) if problem.exact is not None else 0.0
    at: dict[int | None, Points] = {None: domain.interior(_NUMBER, stream(0, "claims")).x}
    with findings.collecting():
        if problem.boundary:
            BoundaryExtent(problem).require_parts()
    if problem.boundary:
        edge = domain.boundary(_NUMBER, stream(0, "check"))
        governed = problem.part_of(edge)
        for i, part in enumerate(problem.boundary):
            at[i] = regular(edge.x[governed == i])
            for key, field in (("value", part.value), ("flux", part.flux), ("alpha", part.alpha)):
                with findings.collecting():
                    _check_values(f"[boundary] {key}", field, at[i], allow_negative=key != "alpha")
    findings.raise_all()
    for claim in claims:
        with findings.collecting():
            _check_claim(claim, regular(at[claim.part]), size)
    u = problem.exact
    if u is not None:
        for axis in problem.periodic_axes:
            with findings.collecting():
                _check_periodic(problem, u, axis, size)
    findings.raise_all()
    if (
        u is not None
        and not problem.is_regression
        and (u.has_kinks or any(field.has_kinks for field in problem.equation.coefficients.values()))
    ):
        _check_weak_form(problem, u)


def _check_weak_form(problem: Problem, u: Field) -> None:
    """Check that `exact` and its flux do not jump; otherwise the source of a formula with kinks lacks a delta function."""
    if u.has_kinks and jumps(u, problem.domain):
        raise InconsistentProblemError(
            "[equation] exact is discontinuous, but solutions are continuous: change it, or give `source` without `exact`"
        )

    def flux(x: Points) -> tuple[Gradients, Values]:
        parts = [term.weak(x).densities(u(x), u.gradient(x)).value for term in problem.equation]
        return _flux(problem, u, x), sum((value for value in parts if value is not None), -problem.source(x))

    if flux_jumps(problem.domain, problem.regular, flux):
        raise InconsistentProblemError(
            "[equation] exact does not solve the equation where its flux jumps: the source would "
            "need a delta function there; make the flux continuous, or give `source` without `exact`"
        )


def _check_periodic(problem: Problem, u: Field, axis: int, size: float) -> None:
    """Check that the exact solution has the same values and fluxes on both sides of a periodic pair."""
    (lower, upper), name = problem.domain.bounds, [*problem.domain.opposite_sides][axis]
    x = problem.domain.interior(_NUMBER, stream(0, "pairs")).x
    below, above = x.clone(), x.clone()
    below[:, axis], above[:, axis] = lower[axis], upper[axis]
    fluxes = [_flux(problem, u, side)[:, axis] for side in (below, above)]
    for what, pair in (("u", [u(below), u(above)]), ("its flux", fluxes)):
        low, high = pair
        gap = (low - high).abs().nan_to_num()
        worst = int(gap.argmax())
        if not float(gap[worst]) <= _TOLERANCE * max(size, float(low.abs().nan_to_num().max())):
            raise InconsistentProblemError(
                f'[boundary.part] name = "{name}" is periodic and [equation] exact is not: {what} is {float(low[worst]):.9g} at '
                f"{_at(below[worst])} and {float(high[worst]):.9g} at {_at(above[worst])}; change exact, or prescribe values"
            )


def _flux(problem: Problem, u: Field, x: Points) -> Gradients:
    """The flux A |grad u|^(p-2) grad u of a field at points."""
    value, gradient = u(x), u.gradient(x)
    parts = [term.weak(x).densities(value, gradient).flux for term in problem.equation]
    return sum((flux for flux in parts if flux is not None), torch.zeros_like(gradient))


def _interior_points(domain: Domain) -> Points:
    """Random points and the points of a lattice, because formulas are often singular at points of a lattice."""
    per_axis = min(63, int(_NUMBER ** (1 / domain.dimension)) // 2 * 2 + 1)  # odd, so that the center is included
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
            raise ProblemFileError(f"{key} must be nonnegative, but it is {value:g} at {point}")
        raise ProblemFileError(
            f"{key} is not finite at {point}, got {value:g}; correct it, or list the point as singular = [[...]] in [equation]"
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
        raise InconsistentProblemError(
            f"{claim.key} and [equation] exact disagree: at {_at(x[worst])} it gives {float(given[worst]):.9g}, "
            f"but exact needs {float(derived[worst]):.9g}; correct one of them, or leave {claim.key} out"
        )


def _at(x: Tensor) -> str:
    return f"({', '.join(f'{v:.6g}' for v in x.tolist())})"
