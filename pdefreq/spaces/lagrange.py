"""Continuous piecewise linear functions on a mesh of an interval (P1 finite elements, assembled by scikit-fem)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.checked import checked
from pdefreq.spaces.trial_space import Evaluator, LinearSpace, LinearSystem

if TYPE_CHECKING:
    from skfem import MeshLine1

    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients, Gradients, Points, Values


@dataclass(frozen=True, eq=False)
class Lagrange(LinearSpace):
    """P1 elements; the coefficients are the values at the vertices.

    Args:
        mesh: Of an interval, its vertices in increasing order.
        quadrature: Polynomial degree up to which integrals over a cell are exact (Gauss).
    """

    mesh: MeshLine1
    quadrature: int = 15

    @property
    def num_coefficients(self) -> int:
        return self.mesh.nvertices

    @property
    def smoothness(self) -> float:
        return 1

    @property
    def nodes(self) -> Points:
        return torch.from_numpy(self.mesh.p.T.copy())

    def at(self, x: Points) -> Evaluator:
        return _PiecewiseLinear(self.nodes.to(x).squeeze(1), x.squeeze(1))

    def assemble(self, problem: Problem) -> LinearSystem:
        """Stiffness and mass by quadrature; conditions at the two ends, of either kind.

        Raises:
            ProblemFileError: If a field is not finite, or a coefficient negative, where it is needed.
        """
        import numpy as np
        import scipy.sparse as sp
        from skfem import Basis, BilinearForm, ElementLineP1, LinearForm

        basis = Basis(self.mesh, ElementLineP1(), intorder=self.quadrature)
        points = np.asarray(basis.global_coordinates())[0]  # (cells, points of a cell)
        x = torch.from_numpy(points.reshape(-1, 1))
        a = checked(problem.diffusion, "[equation] diffusion", x, least=0).reshape(points.shape).numpy()
        c = checked(problem.reaction, "[equation] reaction", x, least=0).reshape(points.shape).numpy()
        f = checked(problem.source, "[equation] source", x).reshape(points.shape).numpy()
        matrix = BilinearForm(lambda u, v, _: a * u.grad[0] * v.grad[0] + c * u * v).assemble(basis)
        load = LinearForm(lambda v, _: f * v).assemble(basis)

        alpha = np.zeros(self.num_coefficients)
        fixed: dict[int, float] = {}
        ends = problem.domain.boundary(2)
        for point, part in zip(ends.x[:, None], problem.part_of(ends).tolist(), strict=True):
            vertex, condition = int((self.nodes - point).abs().argmin()), problem.boundary[part]
            if condition.kind == "dirichlet":
                fixed[vertex] = float(checked(condition.value, "[boundary] value", point))
            else:
                alpha[vertex] = float(checked(condition.alpha, "[boundary] alpha", point, least=0))
                load[vertex] += float(checked(condition.flux, "[boundary] flux", point))
        matrix = sp.csr_array(matrix) + sp.diags_array(alpha)
        return LinearSystem(matrix, load, np.array([*fixed], dtype=int), np.array([*fixed.values()], dtype=float))


class _PiecewiseLinear(Evaluator):
    """Linear interpolation between the two vertices of each point's cell."""

    def __init__(self, vertices: Values, x: Values) -> None:
        self._left = (torch.searchsorted(vertices, x.detach(), right=True) - 1).clamp(0, len(vertices) - 2)
        self._width = vertices[self._left + 1] - vertices[self._left]
        self._s = (x - vertices[self._left]) / self._width

    def value(self, c: Coefficients) -> Values:
        return (1 - self._s) * c[self._left] + self._s * c[self._left + 1]

    def gradient(self, c: Coefficients) -> Gradients:
        return ((c[self._left + 1] - c[self._left]) / self._width)[:, None]
