"""The residual error estimator of finite elements, which locates the error from the discrete solution alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from skfem import CellBasis, FacetBasis, InteriorFacetBasis

from pdefreq.spaces.elements.densities import TermsAtPoints

if TYPE_CHECKING:
    from skfem import Mesh

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.elements.lagrange import Lagrange

_POINTS = 100_000
_HIGHEST = {1: 30, 2: 19, 3: 8}  # degrees of rules by dimension
_LEAST = 1e-12  # relative to the largest diffusion: bounds the weights where the diffusion vanishes
_FAR_INWARD = 0.25  # relative shift of facet points that an interface separates from the cell center
_ON_CURVE = 1e-3  # values at the ends of a chord relative to the value at its middle
_INWARD = 1e-6  # relative shift of facet points toward the cell center for the evaluation of coefficients that may jump


def estimate(space: Lagrange, problem: Problem, c: np.ndarray) -> np.ndarray:
    """The squared indicators of all cells T of a simplicial mesh, shape ``(cells,)``.

    For a symmetric problem their sum bounds the squared error in the energy norm up to a constant factor and the oscillation of
    the data. If the diffusion a is constant in each cell, the factor does not depend on its jumps, provided that a is monotone
    around each vertex. An indicator is ``h_T^2 / a_T |f + div F - G|^2_T + h_T / (a_T + a_T') |[F.n]|^2`` on facets between T and
    T' ``+ h_T / a_T |flux - alpha u - F.n|^2`` on Robin parts, with the flux F and the value G of the weak form at u and grad u,
    h_T the measure of T to the power 1/d, and a_T the mean over T of the smallest eigenvalue of the diffusion. In the plane,
    where an edge is the chord of a curved interface, the cell that contains the curve has an additional term for the changes of f
    and of F across the interface, integrated over the segment between chord and curve.

    Args:
        space: P1 or P2 elements.
        problem: A linear problem whose source is known everywhere.
        c: Coefficients of the discrete solution, shape ``(P,)``.

    Source:
        Verfuerth (2013), A Posteriori Error Estimation Techniques for Finite Element Methods, section 1.4; the weights are those
        of Bernardi and Verfuerth (2000), Adaptive finite element methods for elliptic equations with non-smooth coefficients.
    """
    mesh = space.mesh
    inside = CellBasis(mesh, space.element, intorder=_degree(space))
    x, u = np.asarray(inside.global_coordinates()), _interpolated(inside, c)
    value, _ = _terms(problem, x).densities(np.asarray(u), np.asarray(u.grad))
    residual = _at(problem.source, x) + _flux_divergence(space, problem, c)[:, None] - value
    h, a = inside.dx.sum(axis=1) ** (1 / mesh.dim()), _diffusion(problem, inside)
    total = h**2 / a * (residual**2 * inside.dx).sum(axis=1)

    sides = [InteriorFacetBasis(mesh, space.element, intorder=space.quadrature, side=side) for side in (0, 1)]
    normal = np.asarray(sides[0].normals)
    first, second = (_outward_flux(side, normal, problem, c) for side in sides)
    around = sum(a[side.tind] for side in sides)
    for side in sides:
        _add(total, side, h[side.tind] / around, first - second)

    for level_set in problem.level_sets:
        _add_chords(total, sides, level_set, problem, c, h, a)

    facets, part = space.boundary_facets(problem)
    for k, condition in enumerate(problem.boundary):
        if condition.kind == "robin" and (part == k).any():
            edge = FacetBasis(mesh, space.element, facets=facets[part == k], intorder=space.quadrature)
            x, u = np.asarray(edge.global_coordinates()), np.asarray(edge.interpolate(c))
            miss = (
                _at(condition.flux, x) - _at(condition.alpha, x) * u - _outward_flux(edge, np.asarray(edge.normals), problem, c)
            )
            _add(total, edge, (h / a)[edge.tind], miss)
    return total


def marked(indicators: np.ndarray, part: float = 0.5) -> np.ndarray:
    """The fewest cells whose squared indicators add up to at least the given part of the total (Doerfler, 1996)."""
    order = np.argsort(-indicators, kind="stable")
    sums = np.cumsum(indicators[order])
    return np.sort(order[: int(np.searchsorted(sums, part * sums[-1])) + 1])


def _degree(space: Lagrange) -> int:
    """The degree of a rule with at least 100,000 points, so that a coarse mesh does not miss a narrow peak of the source."""
    d = space.mesh.dim()
    per_axis = (_POINTS / space.mesh.nelements) ** (1 / d)
    return max(space.quadrature, min(2 * int(per_axis), _HIGHEST[d]))


def energy_norm(space: Lagrange, problem: Problem, c: np.ndarray) -> float:
    """The energy norm ``sqrt( int( G u + F . grad u ) )`` of the solution of a symmetric linear problem, without Robin terms."""
    basis = CellBasis(space.mesh, space.element, intorder=space.quadrature)
    x, u = np.asarray(basis.global_coordinates()), _interpolated(basis, c)
    value, flux = _terms(problem, x).densities(np.asarray(u), np.asarray(u.grad))
    density = value * np.asarray(u) + (0.0 if flux is None else (flux * np.asarray(u.grad)).sum(axis=0))
    return float(np.sqrt(max((density * basis.dx).sum(), 0.0)))


def _diffusion(problem: Problem, basis: Any) -> np.ndarray:
    """The mean of the smallest eigenvalue of the diffusion in each cell, shape ``(cells,)``."""
    x = np.asarray(basis.global_coordinates())
    slopes, _ = _terms(problem, x).slopes()
    a = np.zeros(x.shape[1:]) + slopes.isotropic
    if slopes.matrix:
        rows = [np.stack([np.broadcast_to(entry, a.shape) for entry in row], axis=-1) for row in slopes.matrix]
        a = a + np.linalg.eigvalsh(np.stack(rows, axis=-2))[..., 0]
    mean = (a * basis.dx).sum(axis=1) / basis.dx.sum(axis=1)
    return np.maximum(mean, _LEAST * mean.max())


def _add(total: np.ndarray, basis: Any, factor: np.ndarray, values: np.ndarray) -> None:
    """Add the factor times the integral of the squared values over each facet to the cell of the facet."""
    np.add.at(total, basis.tind, factor * (values**2 * basis.dx).sum(axis=1))


def _add_chords(
    total: np.ndarray, sides: Sequence[Any], level_set: Field, problem: Problem, c: np.ndarray, h: np.ndarray, a: np.ndarray
) -> None:
    """Add the errors of the data between edges and the curved interface, to the cells of a plane that contain the curve."""
    mesh, find = sides[0].mesh, sides[0].find
    if mesh.dim() != 2 or not len(find):
        return
    ends = mesh.p[:, mesh.facets[:, find]]  # (2, 2, facets)
    length, middle = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=0), ends.mean(axis=1)
    off, at_ends = _at(level_set, middle[:, :, None])[:, 0], np.abs(_at(level_set, ends.transpose(0, 2, 1))).max(axis=1)
    with torch.no_grad():
        gradient = level_set.gradient(_points(middle)).numpy().T
    with np.errstate(all="ignore"):
        step = -off * gradient / (gradient**2).sum(axis=0)  # from the chord to the curve, by a step of Newton's method
        depth = np.linalg.norm(step, axis=0)
        is_chord = (at_ends <= _ON_CURVE * np.abs(off)) & (depth < length / 2)
    for number, (side, other) in enumerate((sides, sides[::-1])):
        center = mesh.p[:, mesh.t[:, side.tind]].mean(axis=1)
        chosen = np.flatnonzero(is_chord & ((step * (center - middle)).sum(axis=0) > 0))  # the curve lies in this cell
        if not len(chosen):
            continue
        rule = (np.full((1, 1), 0.5), np.ones(1))
        edge: Any = InteriorFacetBasis(mesh, side.elem, facets=find[chosen], quadrature=rule, side=number)
        cell, neighbor, area = edge.tind, other.tind[chosen], 2 / 3 * length[chosen] * depth[chosen]
        within, beyond = ((middle + factor * step)[:, chosen, None] for factor in (0.5, 1.5))
        source = (_at(problem.source, within) - _at(problem.source, beyond))[:, 0]
        change = (_flux(edge, within, problem, c) - _flux(edge, beyond, problem, c))[:, :, 0]
        across = (change * step[:, chosen] / depth[chosen]).sum(axis=0)
        along, ratio = (change**2).sum(axis=0) - across**2, a[cell] / a[neighbor]
        # the tangential gradient and the normal flux are continuous, so that their changes are divided by the larger diffusion
        # and its inverse
        flux = np.minimum(1, ratio) * along + np.minimum(ratio**2, ratio) * across**2
        np.add.at(total, cell, area / a[cell] * (h[cell] ** 2 * source**2 + flux))


def _flux_divergence(space: Lagrange, problem: Problem, c: np.ndarray) -> np.ndarray:
    """The divergence of F in each cell, from linear interpolation at the d + 1 points halfway between center and vertices."""
    d = space.mesh.dim()
    corners = np.concatenate([np.zeros((d, 1)), np.eye(d)], axis=1)
    halfway = (corners + corners.mean(axis=1, keepdims=True)) / 2
    basis: Any = CellBasis(space.mesh, space.element, quadrature=(halfway, np.ones(d + 1)))
    flux = _flux(basis, np.asarray(basis.global_coordinates()), problem, c)
    slopes = _barycentric_slopes(space.mesh)  # (d, cells, d + 1)
    return 2 * (flux * slopes).sum(axis=(0, 2))


def _barycentric_slopes(mesh: Mesh) -> np.ndarray:
    """The gradients of the barycentric coordinates, shape ``(d, cells, d + 1)``."""
    p = mesh.p[:, mesh.t]  # (d, d + 1, cells)
    inverse = np.linalg.inv((p[:, 1:] - p[:, :1]).transpose(2, 0, 1))  # rows: all gradients but the first
    return np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1).transpose(2, 0, 1)


def _outward_flux(basis: Any, normal: np.ndarray, problem: Problem, c: np.ndarray) -> np.ndarray:
    """The normal component of the flux at the points of facets, from the basis's side."""
    x = np.asarray(basis.global_coordinates())
    center = np.broadcast_to(basis.mesh.p[:, basis.mesh.t[:, basis.tind]].mean(axis=1)[:, :, None], x.shape)
    near = x + _INWARD * (center - x)
    other = np.zeros(x.shape[1:], dtype=bool)  # points between a chord and the arc of an interface are on the wrong side of it
    for level_set in problem.level_sets:
        other |= np.sign(_at(level_set, near)) * np.sign(_at(level_set, center)) < 0
    near = np.where(other, x + _FAR_INWARD * (center - x), near)
    return (_flux(basis, near, problem, c) * normal).sum(axis=0)


def _interpolated(basis: Any, c: np.ndarray) -> Any:
    """The values of u at the points of a basis, with their gradients as ``grad``."""
    return basis.interpolate(c)


def _flux(basis: Any, x: np.ndarray, problem: Problem, c: np.ndarray) -> np.ndarray:
    """The flux of u at the points of a basis, with coefficients evaluated at the nearby points x, ``(d, cells, points)``."""
    u = _interpolated(basis, c)
    flux = _terms(problem, x).densities(np.asarray(u), np.asarray(u.grad))[1]
    return np.zeros_like(x) if flux is None else flux


def _terms(problem: Problem, x: np.ndarray) -> TermsAtPoints:
    return TermsAtPoints(problem.equation.terms, _points(x), x.shape[1:])


def _at(field: Field, x: np.ndarray) -> np.ndarray:
    """The values of a field at points ``(d, cells, points per cell)``."""
    with torch.no_grad():
        return field(_points(x)).numpy().reshape(x.shape[1:])


def _points(x: np.ndarray) -> Points:
    return torch.from_numpy(x.reshape(len(x), -1).T.copy())
