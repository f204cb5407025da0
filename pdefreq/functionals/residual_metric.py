"""Metrics of residuals: the rows of a squared residual are multiplied by a power of the inverse Laplacian.

The integral of a squared residual weights the squared error of u at wavenumber k by k^4, so that low frequencies are lost beside
high ones. With

    M = (-Delta)^(-s),   s = 1/2 for the norm of H^-1,   s = 1 for an L2-like norm,

the rows M r have the size of the error of u in H^1 or in L2 if the equation is -Delta u = f, and for other elliptic equations a
size that is equivalent to it. The Laplacian has zero values on the Dirichlet parts of the boundary, natural conditions on the
other parts, and the periodicity of the problem. Without Dirichlet values the constant has the eigenvalue zero, so that 1 / l^2 is
added to the Laplacian, where l^d is the measure of the domain.

**Boxes** whose points are a tensor product: M acts in the eigenfunctions of the Laplacian, which are sines, cosines or waves.
Gauss points are no uniform grid, so that no fast transform applies. Instead the modes are sampled at the points of each axis,
multiplied by the square roots of the weights, and orthonormalized in order of their wavenumbers by a QR decomposition. Modes for
which the quadrature is accurate are orthonormal already and stay as they are. The others complete the basis, so that M is
symmetric and invertible at the points, and no part of the residual is lost.

**Other domains**, and scattered points: M^T M = P^T A^-1 P + h^2 for H^-1, and P^T A^-1 B A^-1 P + h^4 for the L2-like metric. A
and B are the stiffness and the mass matrix of P2 elements, and P r is the load of a residual by the quadrature of the points.
1 / h is the largest wavenumber that points at their mean distance resolve. The multiples of the identity keep the part of the
residual that the elements do not represent. M is the Cholesky factor, a dense matrix.

Source:
    Bramble, Lazarov, Pasciak (1997), A least-squares approach based on a discrete minus one inner product for first order
    systems, Math. Comp. 66, for the sum of a solution operator and h^2; Taylor, Pardo, Muga (2023), A deep Fourier residual
    method for solving PDEs using neural networks, CMAME 405, for the norm of H^-1 by sine transforms.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import torch

from pdefreq.core.errors import TooLargeError
from pdefreq.domains.box import Box
from pdefreq.functionals.block import LeastSquaresBlock

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.domains.samples import Samples
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.elements.lagrange import Lagrange

MetricName = Literal["l2", "h-1", "h-2"]
"""The norm of the residual: that of L2, of H^-1, or of H^-2, in which the residual has the size of the error of u in L2."""

ORDERS: dict[str, int] = {"l2": 0, "h-1": 1, "h-2": 2}
"""2 s for each metric. The squared norm has the unit of the squared residual times length^(4 s)."""

MOST_POINTS = 6000
"""The largest number of points with a dense metric, a matrix of 275 MiB."""

_SIDE_POINTS = 64  # boundary points on each side of a box at which the kind of its condition is looked up
_QUADRATURE = 6  # exact for the mass matrix of P2 elements on cells with curved sides


class RowMetric(Protocol):
    """A linear map M of the rows of a residual."""

    def __call__(self, rows: Tensor) -> Tensor:
        """M times rows, ``(n,)`` or ``(n, P)``."""
        ...

    def transposed(self, rows: Tensor) -> Tensor:
        """M^T times rows, ``(n,)`` or ``(n, P)``."""
        ...


class InMetric(LeastSquaresBlock):
    """The rows of least-squares blocks, multiplied by a metric that couples all of them.

    Args:
        blocks: The blocks of one term. Their rows are taken one block after the other.
        metric: The metric.
    """

    order = 2
    couples_points = True

    def __init__(self, blocks: Sequence[LeastSquaresBlock], metric: RowMetric) -> None:
        super().__init__(blocks[0].name, blocks[0].evaluator)
        self._blocks, self._metric = tuple(blocks), metric

    @property
    def num_rows(self) -> int:
        return sum(block.num_rows for block in self._blocks)

    def residual(self, c: Coefficients) -> Tensor:
        return self._metric(torch.cat([block.residual(c) for block in self._blocks]))

    def vjp(self, c: Coefficients) -> tuple[Tensor, Callable[[Tensor], Coefficients]]:
        parts, pulls = zip(*(block.vjp(c) for block in self._blocks), strict=True)

        def pull_back(weights: Tensor) -> Coefficients:
            pieces = self._metric.transposed(weights).split([len(part) for part in parts])
            return torch.stack([pull(piece) for pull, piece in zip(pulls, pieces, strict=True)]).sum(dim=0)

        return self._metric(torch.cat(parts)), pull_back

    def gauss_newton_factor(self, c: Coefficients) -> Tensor:
        return self._metric(torch.cat([block.gauss_newton_factor(c) for block in self._blocks]))

    def trace(self, c: Coefficients) -> Tensor:
        return self.gauss_newton_factor(c).square().sum()


def is_dense(problem: Problem, name: MetricName) -> bool:
    """Whether the metric is a dense matrix for any points, so that their number is limited to `MOST_POINTS`."""
    return ORDERS[name] > 0 and _sides(problem) is None


def residual_metric(problem: Problem, samples: Samples, name: MetricName, like: Tensor) -> RowMetric | None:
    """The metric of rows sqrt(2 w_i) r(x_i) at points x_i with weights w_i; None for L2, in which rows stay as they are.

    Args:
        problem: The problem, whose boundary conditions the Laplacian has.
        samples: The points and weights of the interior.
        name: The metric.
        like: A tensor with the dtype and device of the rows.

    Raises:
        TooLargeError: If the metric would be a dense matrix that is too large, or the domain has no mesh.
    """
    order = ORDERS[name]
    if not order:
        return None
    axes, sides = _axes_of(samples), _sides(problem)
    if axes is not None and sides is not None:
        assert isinstance(problem.domain, Box)
        return BoxMetric(problem.domain, axes, sides, order, like)
    dimension, count = problem.domain.dimension, len(samples.x)
    if dimension > 3 or count > MOST_POINTS:
        limits = f"{MOST_POINTS:,} points in at most three dimensions, got {count:,} in {dimension}"
        raise TooLargeError(
            f"metric={name} takes Gauss points on a box, or elsewhere {limits}: use a smaller `number` or metric=l2"
        )
    return MeshMetric(problem, samples, order, like)


class BoxMetric:
    """The metric at a tensor product of points, in the eigenfunctions of the Laplacian along each axis.

    Args:
        box: The box.
        axes: Points and weights along each axis, ``(n_a,)``.
        sides: The kinds of the two sides across each axis.
        order: 2 s.
        like: A tensor with the dtype and device of the rows.
    """

    def __init__(
        self, box: Box, axes: Sequence[tuple[Tensor, Tensor]], sides: Sequence[tuple[str, str]], order: int, like: Tensor
    ) -> None:
        shift = 0.0 if any("dirichlet" in pair for pair in sides) else box.measure ** (-2 / box.dimension)
        bases, eigenvalues = [], torch.tensor(shift, dtype=torch.float64)
        for (x, weights), pair, lower, length in zip(axes, sides, box.lower, box.lengths, strict=True):
            modes, wavenumbers = _modes((x - lower) / length, pair)
            bases.append(torch.linalg.qr(weights.sqrt()[:, None] * modes)[0].to(like))
            eigenvalues = eigenvalues[..., None] + (wavenumbers / length).square()
        self._bases = tuple(bases)
        self._factors = eigenvalues.pow(-order / 2).to(like)

    def __call__(self, rows: Tensor) -> Tensor:
        values = rows.reshape(*self._factors.shape, -1)
        for axis, basis in enumerate(self._bases):
            values = (values.movedim(axis, -1) @ basis).movedim(-1, axis)
        values = values * self._factors[..., None]
        for axis, basis in enumerate(self._bases):
            values = (values.movedim(axis, -1) @ basis.mT).movedim(-1, axis)
        return values.reshape(rows.shape)

    def transposed(self, rows: Tensor) -> Tensor:
        return self(rows)


class MeshMetric:
    """The metric at any points of a domain with a mesh.

    Args:
        problem: The problem.
        samples: The points and weights.
        order: 2 s.
        like: A tensor with the dtype and device of the rows.
    """

    def __init__(self, problem: Problem, samples: Samples, order: int, like: Tensor) -> None:
        self._matrix = torch.linalg.cholesky(_squared_metric(problem, samples, order), upper=True).to(like)

    def __call__(self, rows: Tensor) -> Tensor:
        return self._matrix @ rows

    def transposed(self, rows: Tensor) -> Tensor:
        return self._matrix.mT @ rows


def _squared_metric(problem: Problem, samples: Samples, order: int) -> Tensor:
    """M^T M, ``(n, n)``, float64."""
    import numpy as np
    from scipy.sparse import csc_array

    from pdefreq.spaces.elements.densities import Slopes
    from pdefreq.spectrum.eigenpairs import factorized

    domain, count = problem.domain, len(samples.x)
    spacing = (domain.measure / count) ** (1 / domain.dimension)
    space = _elements(problem, max(2, round(domain.measure ** (1 / domain.dimension) / (2 * spacing))))
    free = np.setdiff1d(np.arange(space.num_coefficients), space.dirichlet_nodes(problem))
    rule = space.inside()
    stiffness, mass = (csc_array(rule.matrix(form)) for form in (Slopes(isotropic=1.0), Slopes(value_u=1.0)))
    if len(free) == space.num_coefficients:
        stiffness = csc_array(stiffness + domain.measure ** (-2 / domain.dimension) * mass)
    weights = samples.weights * (domain.measure / samples.weights.sum())
    load = weights.sqrt()[:, None] * space.at(samples.x).jacobian(samples.x.new_zeros(space.num_coefficients))[:, free]
    solved: np.ndarray = factorized(stiffness[free][:, free]).solve(np.ascontiguousarray(load.numpy().T))
    squared = load.numpy() @ solved if order == 1 else solved.T @ (mass[free][:, free] @ solved)
    squared = torch.from_numpy((squared + squared.T) / 2)
    squared.diagonal().add_((spacing / math.pi) ** (2 * order))
    return squared


def _elements(problem: Problem, cells: int) -> Lagrange:
    """P2 elements on a mesh with about this number of cells along each axis of a cube of the same measure."""
    from skfem import MeshQuad

    from pdefreq.domains.meshes.meshing import mesh_for
    from pdefreq.spaces.elements.lagrange import Lagrange

    mesh = mesh_for(problem.domain, cells)
    mesh = mesh.to_meshtri() if isinstance(mesh, MeshQuad) else mesh
    return Lagrange(mesh, _QUADRATURE, degree=2, periodic=problem.periodic_axes)  # pyright: ignore[reportArgumentType]


def _axes_of(samples: Samples) -> list[tuple[Tensor, Tensor]] | None:
    """The points and weights along each axis, if the points are a tensor product in C order; otherwise None."""
    x, d = samples.x, samples.x.shape[1]
    ticks = [x[:, 0]] if d == 1 else [column.unique() for column in x.T]
    if math.prod(map(len, ticks)) != len(x) or not torch.equal(torch.cartesian_prod(*ticks).reshape(-1, d), x):
        return None
    weights, total = samples.weights.reshape([len(t) for t in ticks]), samples.weights.sum()
    along = [weights.sum(dim=[b for b in range(d) if b != a]) if d > 1 else weights for a in range(d)]
    product = functools.reduce(lambda left, right: left[..., None] * right, along) / total ** (d - 1)
    return list(zip(ticks, along, strict=True)) if torch.allclose(product, weights, rtol=1e-8, atol=0) else None


def _sides(problem: Problem) -> list[tuple[str, str]] | None:
    """The kinds of conditions on the two sides across each axis of a box; None on other domains, or if a side has several."""
    domain, boundary = problem.domain, problem.boundary
    if not isinstance(domain, Box):
        return None
    edge = domain.boundary(2 * domain.dimension * _SIDE_POINTS)
    assert edge.parts is not None
    part = problem.part_of(edge)
    kinds = [{boundary[i].kind for i in part[edge.parts == side].tolist()} for side in range(2 * domain.dimension)]
    if any(len(kind) != 1 for kind in kinds):
        return None
    names = [kind.pop() for kind in kinds]
    return list(zip(names[::2], names[1::2], strict=True))


def _modes(s: Tensor, sides: tuple[str, str]) -> tuple[Tensor, Tensor]:
    """As many eigenfunctions of -d^2/ds^2 on (0, 1) as points, ``(n, n)``, and their wavenumbers, ascending, ``(n,)``."""
    k = torch.arange(len(s), dtype=torch.float64)
    if sides == ("periodic", "periodic"):
        xi = 2 * math.pi * torch.div(k + 1, 2, rounding_mode="floor")
        phase = math.pi / 2 * (1 - k % 2)  # 1, sin, cos, sin, cos, ...
    else:
        left, right = (side == "dirichlet" for side in sides)
        xi = math.pi * (k + (1.0 if left and right else 0.5 if left or right else 0.0))
        phase = torch.full_like(k, 0.0 if left else math.pi / 2)
    return torch.sin(s[:, None] * xi + phase), xi
