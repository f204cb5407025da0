"""The singular functions of corners of plane domains."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING

import torch

from pdefreq.domains.corners import corners
from pdefreq.spaces.features.analytic_functions import AnalyticFunctions
from pdefreq.spaces.features.cylinder_functions import CylinderFunctions
from pdefreq.spaces.features.principal_part import covector, matrix_at, reaction_ratio

if TYPE_CHECKING:
    from pdefreq.domains.corners import Corner
    from pdefreq.problem.problem import Problem

LARGEST_EXPONENT = 8.0
_WHOLE = 1e-9  # difference from an integer below which a power is a polynomial
_BOUNDARY = 4000  # points of the boundary, for the conditions on both sides of a corner
_ON_SIDE = 1e-9  # distance from a side, relative to its length, of points on it


def corner_functions(problem: Problem, largest: float = LARGEST_EXPONENT) -> tuple[AnalyticFunctions | CylinderFunctions, ...]:
    """Families for each corner of a plane domain: the functions in which solutions with smooth data fail to be smooth.

    At a corner of the interior angle omega, with theta measured from one side, they are ``r^a sin(a theta)`` with
    a = j pi / omega for values prescribed on both sides, ``r^a cos(a theta)`` for fluxes on both sides, and
    a = (j - 1/2) pi / omega for one of each, where sine and cosine belong to values and fluxes at theta = 0. If a is an integer,
    the power is a polynomial, and the singular function is the same part of ``z^a log z`` with z = r exp(i theta), for example
    ``r^2 (log r sin 2 theta + theta cos 2 theta)`` at the right angles of a domain with the source 1.

    If the diffusion is a matrix, r and theta are polar coordinates after the linear map that makes its value at the corner the
    identity. For the equation -lap u + c u = f with a constant c, the powers r^a are replaced by the Bessel functions I_a or J_a,
    so that the functions are solutions. If coefficients vary or there are other terms of lower order, only the leading term at
    each exponent is represented, and the remainder is smoother by at least one order. There are no functions for equations in
    which the second-order coefficient depends on u, and none at corners of periodic sides.

    Args:
        problem: The problem; there are no functions unless it is a problem in the plane with straight sides.
        largest: The largest exponent a.

    Source:
        Grisvard (1985), Elliptic Problems in Nonsmooth Domains, chapter 4; for integers Wasow (1957), Asymptotic development of
        the solution of Dirichlet's problem at analytic corners, Duke Math. J. 24.
    """
    if problem.periodic_axes:  # functions at a corner of joined sides would not be periodic
        return ()
    found = []
    for corner in corners(problem.domain):
        if (kinds := _kinds(problem, corner)) is not None and matrix_at(problem, corner.point) is not None:
            found += _families(problem, corner, kinds, largest)
    return tuple(family for family in found if family.size)


def _families(
    problem: Problem, corner: Corner, kinds: tuple[str, str], largest: float
) -> list[AnalyticFunctions | CylinderFunctions]:
    """The functions of a corner, with Bessel functions in place of powers for a constant reaction."""
    m = covector(problem, corner.point, scale=max(corner.lengths))
    first, last = (m[0] * side[0] + m[1] * side[1] for side in (corner.first, corner.last))
    angle = cmath.phase(last / first) % (2 * math.pi) or 2 * math.pi
    middle = first / abs(first) * cmath.exp(1j * angle / 2)
    shift = 0.0 if kinds[0] == kinds[1] else 0.5
    exponents = [(j - shift) * math.pi / angle for j in range(1, math.floor(largest * angle / math.pi + shift + _WHOLE) + 1)]
    whole = [float(round(a)) for a in exponents if abs(a - round(a)) < _WHOLE]
    powers = [a for a in exponents if abs(a - round(a)) >= _WHOLE]
    imaginary, c = kinds[0] == "dirichlet", reaction_ratio(problem)
    if c is not None:
        bisector, parts = (middle.real, middle.imag), (imaginary,) * len(powers)
        of_powers = CylinderFunctions(
            corner.point, c, max(corner.lengths), tuple(powers), parts, is_regular=True, bisector=bisector, turn=angle / 2
        )
        return [of_powers, _analytic(corner, (m[0] / middle, m[1] / middle), [], whole, imaginary, angle)]
    return [_analytic(corner, (m[0] / middle, m[1] / middle), powers, whole, imaginary, angle)]


def _analytic(
    corner: Corner, m: tuple[complex, complex], powers: list[float], whole: list[float], imaginary: bool, angle: float
) -> AnalyticFunctions:
    """Powers, and integer powers times the logarithm, of the variable with the covector m, which is positive on the bisector."""
    order = sorted([(a, 0) for a in powers] + [(a, 1) for a in whole])
    exponents, logarithms = tuple(a for a, _ in order), tuple(log for _, log in order)
    return AnalyticFunctions(corner.point, m, exponents, logarithms, (imaginary,) * len(order), turn=angle / 2)


def _kinds(problem: Problem, corner: Corner) -> tuple[str, str] | None:
    """The kinds of the conditions next to a corner on its first and last side, None if one of them is periodic or unknown."""
    edge = problem.domain.boundary(_BOUNDARY)
    kinds = []
    for side, length in zip((corner.first, corner.last), corner.lengths, strict=True):
        offset = edge.x - edge.x.new_tensor(corner.point)
        along, across = offset @ edge.x.new_tensor(side), offset @ edge.x.new_tensor([-side[1], side[0]])
        on_side = (across.abs() <= _ON_SIDE * length) & (along > 0) & (along <= length)
        if not bool(on_side.any()):
            return None
        nearest = int(torch.where(on_side, along, math.inf).argmin())
        part = problem.boundary[int(problem.part_of(edge)[nearest])]
        kinds.append(part.kind)
    return None if "periodic" in kinds else (kinds[0], kinds[1])
