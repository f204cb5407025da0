"""Logarithms and multipoles around the holes of a domain, which a smooth extension into the holes does not contain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pdefreq.domains.inscribed_balls import inscribed_balls
from pdefreq.spaces.features.analytic_functions import AnalyticFunctions
from pdefreq.spaces.features.cylinder_functions import CylinderFunctions
from pdefreq.spaces.features.principal_part import covector, reaction_ratio
from pdefreq.spaces.features.solid_harmonics import SolidHarmonics

if TYPE_CHECKING:
    from pdefreq.domains.inscribed_balls import InscribedBall
    from pdefreq.problem.problem import Problem

HIGHEST_ORDER = 16
_HIGHEST_IN_SPACE = 8
_ACCURACY = 1e-14  # relative size of the multipoles that are left out
_ACCURACY_OF_IMAGES = 1e-10
_MOST = 1500  # functions of all holes together


def multipoles(problem: Problem, order: int | None = None) -> tuple[AnalyticFunctions | CylinderFunctions | SolidHarmonics, ...]:
    """One family of functions for each hole of a domain: ``log r`` and ``(r0/r)^k cos k theta``, ``(r0/r)^k sin k theta``.

    In space the family consists of 1/r and its derivatives (`SolidHarmonics`). The functions are harmonic outside the hole. If
    the diffusion is a matrix A, they are solutions of A : D^2 u = 0 with A at the midpoint of the hole. If the equation is
    -lap u + c u = f with a constant c, in the plane, powers are replaced by the Bessel functions K_k or Y_k, so that the
    functions are solutions (`CylinderFunctions`). Where terms vary, the functions are not solutions, but still represent
    fields that do not extend into the hole.

    Args:
        problem: The problem; there are no functions in one dimension and in more than three.
        order: The largest k. By default the smallest order up to 16, in space 8, for which multipoles of higher order are
            negligible. By the method of images they decay like ``(r0 / 2 R)^k`` for a hole of radius r0 at the distance R from
            other parts of the boundary. Many holes share at most 1500 functions.

    Source:
        Trefethen (2018), Series solution of Laplace problems, ANZIAM J. 60: logarithms and negative powers in each hole.
    """
    d = problem.domain.dimension
    if d not in (2, 3):
        return ()
    balls = inscribed_balls(problem.domain)
    found = []
    for ball in balls:
        decay = math.log(ball.radius / (2 * max(ball.clearance, ball.radius)))
        needed = math.ceil(math.log(_ACCURACY) / decay)
        share = _MOST / len(balls)
        affordable = int((share - 1) / 2 if d == 2 else math.sqrt(share) - 1)
        highest = HIGHEST_ORDER if d == 2 else _HIGHEST_IN_SPACE
        last = max(0, min(needed, affordable, highest)) if order is None else order
        if d == 3:
            found.append(SolidHarmonics(ball.center, ball.radius, last))  # pyright: ignore[reportArgumentType]
            continue
        orders = (0.0, *(float(k) for k in range(1, last + 1) for _ in range(2)))
        parts = (False, *(part for _ in range(last) for part in (False, True)))
        found.append(_around(problem, ball, orders, parts))
    return tuple(found)


def _around(
    problem: Problem, ball: InscribedBall, orders: tuple[float, ...], parts: tuple[bool, ...]
) -> AnalyticFunctions | CylinderFunctions:
    """The functions of a plane hole: Bessel functions for a constant reaction, otherwise a logarithm and negative powers."""
    center = (ball.center[0], ball.center[1])
    if (c := reaction_ratio(problem)) is not None:
        return CylinderFunctions(center, c, ball.radius, orders, parts)
    m = covector(problem, center, scale=ball.radius)
    return AnalyticFunctions(center, m, tuple(-k for k in orders), (1, *[0] * (len(orders) - 1)), parts)


def image_wavenumber(problem: Problem) -> float:
    """The angular wavenumber at which the field of the mirror images of holes has decayed; 0 without holes.

    Multipoles in a hole at the distance R from another part of the boundary leave a field that is smooth in the domain, but has
    its poles at the distance R outside, in the mirror image of the hole. Sines approximate such a field up to about
    exp(-2 k R) with wavenumbers up to k; measured on the problem `harmonic-holes`, where 1e-10 is reached with k = 18 pi.
    """
    balls = inscribed_balls(problem.domain) if problem.domain.dimension in (2, 3) else []
    return max((-math.log(_ACCURACY_OF_IMAGES) / (2 * ball.clearance) for ball in balls), default=0.0)
