"""scikit-fem: P2 elements for -lap u + c u = f on meshes of half the width each, with a direct solver.

Errors are integrals over the mesh, since the search for the cells of 20,000 test points takes longer than the solution.
"""

from __future__ import annotations

import math

import numpy as np
import skfem
import torch
from skfem.helpers import dot, grad

from benchmarks.peers.clock import Clock, Curve, MonitorClock
from benchmarks.peers.requirements import require_poisson
from pdefreq import Monitor, Problem, Stop
from pdefreq.domains.meshes.meshing import mesh_of
from pdefreq.probes.target import Target

_ELEMENTS = {1: skfem.ElementLineP2, 2: skfem.ElementTriP2, 3: skfem.ElementTetP2}
_FIRST, _MOST = {1: 100, 2: 16, 3: 4}, {1: 10**6, 2: 3 * 10**5, 3: 5 * 10**4}  # cells along an axis; numbers of unknowns
_CELLS = {1: 3200, 2: 128, 3: 16}  # of the adapter
_DEGREE = 6  # of quadrature: two more than the product of two P2 functions


def curve(target: Target, seconds: float, seed: int) -> Curve:  # noqa: ARG001 (as for the other peers)
    """The error on each mesh, with the time of this mesh alone."""
    d, found = target.problem.domain.dimension, []
    cells = _FIRST[d]
    while True:
        clock = Clock(target, seconds)
        basis, u = _solve(target.problem, cells)
        found.append((clock.seconds, _error(target, basis, u)))
        cells *= 2
        if clock.is_over or basis.N * 2**d > _MOST[d]:
            return found


def p2(problem: Problem, monitor: Monitor, stop: Stop, seed: int) -> None:  # noqa: ARG001 (as for all adapters)
    """One mesh as an adapter of ``pdefreq benchmark``: 3200 cells along the axis in 1-D, 128 in 2-D, 16 in 3-D."""
    clock = MonitorClock(monitor, stop.train_seconds or stop.seconds or 1e9)
    basis, u = _solve(problem, _CELLS[problem.domain.dimension])
    probe = basis.interpolator(u)
    clock.record(lambda x: probe(np.ascontiguousarray(x.T)))


def _solve(problem: Problem, cells: int) -> tuple[skfem.Basis, np.ndarray]:
    """The solution on a mesh with so many cells along the longest axis."""
    require_poisson(problem, "scikit-fem")
    d, c = problem.domain.dimension, problem.reaction.constant
    assert problem.dirichlet is not None
    longest = max(b - a for a, b in zip(*problem.domain.bounds, strict=True))

    @skfem.BilinearForm
    def stiffness(u, v, _):
        return dot(grad(u), grad(v)) + c * u * v

    @skfem.LinearForm
    def load(v, w):
        return _at(problem.source, w.x) * v

    basis = skfem.Basis(mesh_of(problem.domain, longest / cells), _ELEMENTS[d](), intorder=_DEGREE)
    fixed = basis.get_dofs().flatten()
    u = basis.zeros()
    u[fixed] = _at(problem.dirichlet, basis.doflocs[:, fixed])
    return basis, skfem.solve(*skfem.condense(stiffness.assemble(basis), load.assemble(basis), x=u, D=fixed))


def _at(field: object, x: np.ndarray) -> np.ndarray:
    points = torch.from_numpy(np.ascontiguousarray(x.reshape(len(x), -1).T))
    return field(points).numpy().reshape(x.shape[1:])  # pyright: ignore[reportCallIssue]


def _error(target: Target, basis: skfem.Basis, u: np.ndarray) -> float:
    exact = _at(target.reference, basis.global_coordinates().value)
    gap = np.asarray(basis.interpolate(u)) - exact
    return math.sqrt((gap**2 * basis.dx).sum() / (exact**2 * basis.dx).sum())
