"""Reasons why the solution of a problem is rough: jumps, kinks, singular points and corners."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pdefreq.core.streams import stream
from pdefreq.problem.terms.diffusion import Diffusion

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.problem import Problem

_POINTS = 1024  # points at which the sign of a level set function is tested
_ON_BOUNDARY = 2**14  # points at which conditions on curved boundaries are determined
_EDGES = 8  # points on each edge of a box in three dimensions
_ZERO = 1e-8  # relative to the size of the source: defects below it are rounding of formulas and of their second derivatives
_HALF_WAVES = {1: 400, 2: 45, 3: 13}  # largest number per side that `random-features` resolves, by dimension
_TURN = 1e-3  # angles, in radians, that differ by less are equal


def roughness(problem: Problem) -> str:
    """The reason why the solution has low regularity, as a clause; empty if the data show no reason.

    The data are smooth functions unless they are known only at points, jump, have kinks, or name singular points. Layers that are
    too thin for a sum of waves count as low regularity (`layers`). A corner of
    the domain with the interior angle w adds the singular function r^(pi/w), and an edge or corner with a right angle adds
    r^2 log r unless the source and the boundary values fit together there: Grisvard (1985), Elliptic Problems in Nonsmooth
    Domains, section 2.3. A condition that changes inside a smooth side adds r^(1/2) where a value meets a flux, and r log r where
    two conditions on the flux meet. The data may be such that these functions do not occur, which is not tested.

    Args:
        problem: A differential equation, without its exact solution.
    """
    tests = (
        _of_points,
        _of_mesh,
        _of_coefficients,
        _of_values,
        _of_fluxes,
        _of_conditions,
        _of_singular_points,
        _of_exponent,
        _of_joined_sides,
        _of_corners,
        layers,
    )
    return next((clause for test in tests if (clause := test(problem))), "")


def layers(problem: Problem) -> str:
    """The reason why the solution may have boundary layers that are too thin for a sum of waves, as a clause; otherwise empty.

    With the averaged diffusion A, velocity b and reaction c, layers at the outflow boundary have the width A / |b|, and layers at
    all boundaries have the width (A / c)^(1/2) if c > 0. They are thin if this is less than the shortest half wave of the method
    `random-features` on the longest side L of the bounding box. The data may be such that there are no layers, for example if the
    exact solution is smooth, which is not tested.

    Args:
        problem: A differential equation, without its exact solution.

    Source:
        Roos, Stynes, Tobiska (2008), Robust Numerical Methods for Singularly Perturbed Differential Equations, sections I.1 and
        III.1.
    """
    from pdefreq.core.fields import ConstantField
    from pdefreq.problem.solution_size import SizeEstimate

    if problem.domain.dimension not in _HALF_WAVES:
        return ""
    averaged = SizeEstimate(problem, ConstantField(0.0)).averaged
    length = max(b - a for a, b in zip(*problem.domain.bounds, strict=True))
    velocity = 0.0 if problem.equation.is_symmetric else math.hypot(*averaged.convection)
    reaction = max(averaged.reaction, 0.0)
    numbers = {
        "convection dominates diffusion (|b| L / A": velocity * length / averaged.mean_diffusion,
        "reaction dominates diffusion ((c / A)^(1/2) L": math.sqrt(reaction / averaged.mean_diffusion) * length,
    }
    cause, number = max(numbers.items(), key=lambda item: item[1])
    if not number > _HALF_WAVES[problem.domain.dimension]:
        return ""
    return f"{cause} = {number:.2g}), so that u may have boundary layers of the width {length / number:.2g}"


def defect(problem: Problem, values: Field, x: Points) -> Values:
    """The source minus the left-hand side of the equation applied to a function, at points ``(n, d)``, shape ``(n,)``."""
    import torch

    from pdefreq.functionals.equation_at_points import StrongEquation, as_matrix

    strong = StrongEquation.at(problem.equation, x, x)
    with torch.no_grad():
        u, q, hessian = values(x), values.gradient(x), values.hessian(x)
        second = (as_matrix(strong.second(u, q), *x.shape) * hessian).sum(dim=(1, 2))
        return problem.source(x) - strong.lower(u, q) + second


def vanishes(defects: Values, problem: Problem) -> bool:
    """Whether defects are zero up to rounding, relative to the source in the domain."""
    inside = problem.domain.interior(_POINTS, stream(0, "smoothness")).x
    return bool(defects.abs().max() <= _ZERO * problem.source(inside).abs().max().clamp_min(1e-300))


def _of_points(problem: Problem) -> str:
    return "the source is known at points only" if problem.data is not None else ""


def _of_mesh(problem: Problem) -> str:
    from pdefreq.domains.mesh_domain import MeshDomain

    return "the domain is a mesh, whose boundary has corners" if isinstance(problem.domain, MeshDomain) else ""


def _of_coefficients(problem: Problem) -> str:
    if problem.discontinuous is not None:
        return f"the coefficient of the {problem.discontinuous.name} term jumps"
    fields = {"source": problem.source, **problem.equation.coefficients}
    x = problem.domain.interior(_POINTS, stream(0, "smoothness")).x
    name = next((name for name, field in fields.items() if field.has_kinks and _is_met(field, x)), None)
    return "" if name is None else f"the {name} or one of its derivatives jumps"


def _is_met(field: Field, x: Points) -> bool:
    """Whether a field may jump between some of the points; it is true if the places of jumps are unknown."""
    signs = [level_set(x).sign() for level_set in field.level_sets]
    return not signs or any(bool((sign != sign[0]).any()) for sign in signs)


def _of_values(problem: Problem) -> str:
    rough = problem.rough_values
    return "" if rough is None or rough.order >= 2 else f"the boundary values {rough.text}"


def _of_fluxes(problem: Problem) -> str:
    """Whether a flux, or its factor alpha, jumps inside a side; the ends of an interval are points, where nothing can jump."""
    conditions = [(k, part) for k, part in enumerate(problem.boundary) if part.kind == "robin"]
    data = [(k, *named) for k, part in conditions for named in (("flux", part.flux), ("factor alpha", part.alpha))]
    kinked = [each for each in data if each[2].has_kinks]
    if not kinked or problem.domain.dimension == 1:
        return ""
    x, sides, parts = _conditions_on_boundary(problem)
    for k, name, field in kinked:
        pieces = [x[(parts == k) & (sides == side)] for side in sides[parts == k].unique()]
        if any(_is_met(field, points) for points in pieces):
            return f"the {name} on the boundary or one of its derivatives jumps"
    return ""


def _conditions_on_boundary(problem: Problem) -> tuple[Points, Tensor, Tensor]:
    """Points on the boundary, the side of each point, and the index of its condition."""
    edge = problem.domain.boundary(_ON_BOUNDARY, stream(0, "smoothness"))
    assert edge.parts is not None
    return edge.x, edge.parts, problem.part_of(edge)


def _of_conditions(problem: Problem) -> str:
    """Whether a side of the boundary belongs to several parts, so that the condition changes inside the side."""
    import torch

    from pdefreq.problem.boundary_pieces import boundary_pieces

    domain, segments = problem.domain, problem.domain.straight_sides
    if not problem.has_regions or not domain.part_names:
        return ""
    if segments is not None and len(segments) == len(domain.part_names):  # also finds narrow parts
        pieces = boundary_pieces(problem, segments, torch.arange(len(segments)))
        pairs = {*zip(pieces.segment.tolist(), pieces.part.tolist(), strict=True)}
    else:
        _, found, parts = _conditions_on_boundary(problem)
        pairs = {*zip(found.tolist(), parts.tolist(), strict=True)}
    sides = [side for side, _ in sorted(pairs)]
    changing = next((side for side in sides if sides.count(side) > 1), None)
    return "" if changing is None else f"the boundary condition changes inside the side `{domain.part_names[changing]}`"


def _of_singular_points(problem: Problem) -> str:
    if not problem.singular:
        return ""
    return f"the problem names the singular point ({', '.join(f'{v:g}' for v in problem.singular[0])})"


def _of_exponent(problem: Problem) -> str:
    diffusion = problem.equation.find(Diffusion)
    if diffusion is None or diffusion.exponent == 2:
        return ""
    return f"the exponent p = {diffusion.exponent:g} makes the equation degenerate where grad u = 0"


def _of_joined_sides(problem: Problem) -> str:
    """Whether a field has different values at opposite points of periodic sides."""
    (lower, upper), fields = problem.domain.bounds, {"source": problem.source, **problem.equation.coefficients}
    x = problem.domain.interior(_POINTS, stream(0, "smoothness")).x
    for axis in problem.periodic_axes:
        below, above = x.clone(), x.clone()
        below[:, axis], above[:, axis] = lower[axis], upper[axis]
        for name, field in fields.items():
            low, high = field(below), field(above)
            if bool((low - high).abs().max() > _ZERO * low.abs().max().clamp_min(1e-300)):
                return f"the {name} jumps where the periodic sides are joined"
    return ""


def _of_corners(problem: Problem) -> str:
    diffusion = problem.equation.find(Diffusion)
    if diffusion is not None and isinstance(diffusion.coefficient, tuple):  # a matrix, which changes the angles
        return ""
    right = []
    for at, angle in _corners(problem.domain):
        if angle > math.pi / 2 + _TURN:
            order = math.pi / angle
            return f"the corner {_place(at)} has the angle {angle / math.pi:.3g} pi, so that u behaves like r^{order:.3g} there"
        right += [at] if angle > math.pi / 2 - _TURN else []
    x = _edges(problem.domain) or right
    if not x or problem.dirichlet is None or problem.periodic_axes:
        return ""
    import torch

    defects = defect(problem, problem.dirichlet, torch.tensor(x, dtype=torch.float64))  # two sides determine the Laplacian of u
    if vanishes(defects, problem):
        return ""
    at = x[int(defects.abs().argmax())]
    return f"the source does not fit the boundary values at {_place(at)}, so that u behaves like r^2 log r there"


def _corners(domain: Domain) -> Iterator[tuple[tuple[float, ...], float]]:
    """The corners of a plane domain with their interior angles."""
    from pdefreq.domains.holes import WithHoles

    if domain.dimension != 2:
        return
    if isinstance(domain, WithHoles):
        yield from _corners(domain.base)
        for hole in domain.holes:
            yield from ((at, 2 * math.pi - angle) for at, angle in _corners(hole))
        return
    sides = domain.straight_sides
    for at in domain.corners if sides is not None else ():
        assert sides is not None
        yield at, _angle(domain, at, sides)


def _angle(domain: Domain, at: tuple[float, ...], sides: Tensor) -> float:
    """The interior angle at a corner: the angle between its two sides, or 2 pi minus it if their middle lies outside."""
    corner = sides.new_tensor(at)
    distance = (sides - corner).norm(dim=2)
    ends = [side[1 - int(gap.argmin())] for side, gap in zip(sides, distance, strict=True) if gap.min() <= 1e-9 * gap.max()]
    first, second = ((end - corner) / (end - corner).norm() for end in ends)
    angle = math.acos(max(-1.0, min(1.0, float(first @ second))))
    middle = corner + 1e-6 * distance.max() * (first + second)
    return angle if bool(domain.contains(middle[None])[0]) else 2 * math.pi - angle


def _edges(domain: Domain) -> list[tuple[float, ...]]:
    """Points on the edges of a box in three or more dimensions, at which two of its faces meet."""
    from pdefreq.domains.box import Box
    from pdefreq.domains.holes import WithHoles

    box = domain.base if isinstance(domain, WithHoles) else domain
    if not isinstance(box, Box) or box.dimension < 3:
        return []
    ends = [*zip(box.lower, box.upper, strict=True)]
    parts = _EDGES if box.dimension == 3 else 1  # the number of points grows exponentially with the dimension
    along = [[a + (b - a) * (k + 0.5) / parts for k in range(parts)] for a, b in ends]
    axes = range(box.dimension)
    return [
        point
        for pair in itertools.combinations(axes, 2)
        for point in itertools.product(*(ends[k] if k in pair else along[k] for k in axes))
    ]


def _place(at: tuple[float, ...]) -> str:
    return f"({', '.join(f'{v:g}' for v in at)})"
