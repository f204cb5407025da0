"""The singular functions of corners of plane domains."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING

import torch

from pdefreq.domains.corners import corners
from pdefreq.spaces.features.analytic_functions import AnalyticFunctions
from pdefreq.spaces.features.principal_part import covector, matrix_at

if TYPE_CHECKING:
    from pdefreq.domains.corners import Corner
    from pdefreq.problem.problem import Problem

LARGEST_EXPONENT = 8.0
_WHOLE = 1e-9  # difference from an integer below which a power is a polynomial
_BOUNDARY = 4000  # points of the boundary, for the conditions on both sides of a corner
_ON_SIDE = 1e-9  # distance from a side, relative to its length, of points on it


def corner_functions(problem: Problem, largest: float = LARGEST_EXPONENT) -> tuple[AnalyticFunctions, ...]:
    """One family for each corner of a plane domain: the functions in which solutions with smooth data fail to be smooth.

    At a corner of the interior angle omega, with theta measured from one side, they are ``r^a sin(a theta)`` with
    a = j pi / omega for values prescribed on both sides, ``r^a cos(a theta)`` for fluxes on both sides, and
    a = (j - 1/2) pi / omega for one of each, where sine and cosine belong to values and fluxes at theta = 0. If a is an integer,
    the power is a polynomial, and the singular function is the same part of ``z^a log z`` with z = r exp(i theta), for example
    ``r^2 (log r sin 2 theta + theta cos 2 theta)`` at the right angles of a domain with the source 1.

    If the diffusion is a matrix, r and theta are polar coordinates after the linear map that makes its value at the corner the
    identity. If coefficients vary or there are terms of lower order, only the leading term at each exponent is represented, and
    the remainder is smoother by one order, or two for a reaction. There are no functions for equations in which the second-order
    coefficient depends on u, and none at corners of periodic sides.

    Args:
        problem: The problem; there are no functions unless it is a problem in the plane with straight sides.
        largest: The largest exponent a.

    Source:
        Grisvard (1985), Elliptic Problems in Nonsmooth Domains, chapter 4; for integers Wasow (1957), Asymptotic development of
        the solution of Dirichlet's problem at analytic corners, Duke Math. J. 24.
    """
    found = []
    for corner in corners(problem.domain):
        if (kinds := _kinds(problem, corner)) is None or matrix_at(problem, corner.point) is None:
            continue
        m = covector(problem, corner.point, scale=max(corner.lengths))
        first, last = (m[0] * side[0] + m[1] * side[1] for side in (corner.first, corner.last))
        angle = cmath.phase(last / first) % (2 * math.pi) or 2 * math.pi
        middle = first / abs(first) * cmath.exp(1j * angle / 2)
        shift = 0.0 if kinds[0] == kinds[1] else 0.5
        exponents = [(j - shift) * math.pi / angle for j in range(1, math.floor(largest * angle / math.pi + shift + _WHOLE) + 1)]
        whole = [abs(a - round(a)) < _WHOLE for a in exponents]
        found.append(
            AnalyticFunctions(
                corner.point,
                (m[0] / middle, m[1] / middle),
                tuple(float(round(a)) if is_whole else a for a, is_whole in zip(exponents, whole, strict=True)),
                tuple(map(int, whole)),
                (kinds[0] == "dirichlet",) * len(exponents),
                turn=angle / 2,
            )
        )
    return tuple(family for family in found if family.size)


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
