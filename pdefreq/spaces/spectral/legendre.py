"""Polynomials on a box in a basis of integrated Legendre polynomials, for spectral Galerkin methods."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import csr_array

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.validation import validated
from pdefreq.problem.boundary_pieces import boundary_pieces
from pdefreq.spaces.elements.densities import Density, Slopes
from pdefreq.spaces.elements.weak_form import GalerkinSpace, Rule
from pdefreq.spaces.trial_space import Evaluator, LinearEvaluator

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.domains.box import Box
    from pdefreq.problem.problem import Problem

_NOTHING = 1e-14  # relative to the diagonal, the size of rounding errors in integrals of orthogonal functions


def basis_functions(s: Tensor, number: int) -> tuple[Tensor, Tensor]:
    r"""The basis on [-1, 1] at points ``(n,)``, and its derivatives, each of shape ``(n, number + 2)``.

    The first two functions are ``(1 -+ s) / 2``. The others are ``(L_k - L_{k+2}) / sqrt(4 k + 6)`` for k < `number`; they
    vanish at both ends, and their derivatives ``-sqrt(k + 3/2) L_{k+1}`` are orthonormal.

    Source:
        Shen (1994), SIAM J. Sci. Comput. 15, 1489-1505, section 2.
    """
    legendre = [torch.ones_like(s), s]
    for k in range(1, number + 1):
        legendre.append(((2 * k + 1) * s * legendre[k] - k * legendre[k - 1]) / (k + 1))
    half = torch.full_like(s, 0.5)
    values = [(1 - s) / 2, (1 + s) / 2]
    values += [(legendre[k] - legendre[k + 2]) / math.sqrt(4 * k + 6) for k in range(number)]
    slopes = [-half, half, *(-math.sqrt(k + 1.5) * legendre[k + 1] for k in range(number))]
    return torch.stack(values, dim=1), torch.stack(slopes, dim=1)


@dataclass(frozen=True)
class Legendre(GalerkinSpace):
    """Tensor products of 1-D bases of two linear functions and bubbles (`basis_functions`), with coefficients in C order.

    Each face of the box has a single boundary condition. Dirichlet values are interpolated at Chebyshev points of the face.

    Args:
        box: The box.
        number: The number of bubbles along each axis; the polynomial degree is one more.
        quadrature: The number of Gauss points along each axis.
    """

    box: Box
    number: int
    quadrature: int

    @property
    def size(self) -> int:
        """The number of basis functions along each axis."""
        return self.number + 2

    @property
    def num_coefficients(self) -> int:
        return self.size**self.box.dimension

    @property
    def smoothness(self) -> float:
        return math.inf

    def at(self, x: Points) -> Evaluator:
        return _PolynomialSum(self, x)

    def interpolate(self, u: Field, like: Tensor) -> Coefficients:
        x = torch.cartesian_prod(*map(torch.from_numpy, self._chebyshev)).reshape(-1, self.box.dimension)
        values = u(x.to(like)).detach().double().numpy(force=True)
        return torch.from_numpy(self._transform(values)).to(like)

    def constant(self) -> np.ndarray:
        ends = np.append([1.0, 1.0], np.zeros(self.number))
        return functools.reduce(np.multiply.outer, [ends] * self.box.dimension).ravel()

    def inside(self) -> Rule:
        return _TensorRule([self._gauss(k) for k in range(self.box.dimension)])

    def on_boundary(self, problem: Problem) -> list[tuple[int, Rule]]:
        parts = [*enumerate(self._parts(problem))]
        return [(part, self._on_face(face)) for face, part in parts if problem.boundary[part].kind == "robin"]

    def prescribed(self, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
        shape = (self.size,) * self.box.dimension
        values, fixed = np.zeros(shape), np.zeros(shape, dtype=bool)
        for face, part in reversed([*enumerate(self._parts(problem))]):
            if problem.boundary[part].kind == "dirichlet":
                axis, end = divmod(face, 2)
                place = tuple(end * (self.size - 1) if k == axis else slice(None) for k in range(len(shape)))
                index = tuple(end if k == axis else slice(None) for k in range(len(shape)))
                axes = [x[[-1 if end else 0]] if k == axis else x for k, x in enumerate(self._chebyshev)]
                x = torch.cartesian_prod(*map(torch.from_numpy, axes)).reshape(-1, len(shape))
                g = validated(problem.boundary[part].value, "[boundary] value", x).numpy()
                values[place], fixed[index] = g.reshape(shape[1:]), True
        indices = np.flatnonzero(fixed)
        return indices, self._transform(values.ravel())[indices]

    def _parts(self, problem: Problem) -> list[int]:
        """The index of the boundary part of each face, in the order of `Box.part_names`."""
        found = []
        for face in range(2 * self.box.dimension):
            part = self._parts_of_face(problem, face)
            if len(part) > 1:
                raise IncompatibleError(
                    f"Legendre functions need one condition on each face of a box, got several on {self.box.part_names[face]}: "
                    "use `--set basis=hat`, or `fem`"
                )
            found.append(int(part))
        return found

    def _parts_of_face(self, problem: Problem, face: int) -> Tensor:
        """The indices of the boundary parts of a face, each once."""
        sides = self.box.straight_sides
        if sides is not None and problem.has_regions:
            pieces = boundary_pieces(problem, sides[face : face + 1], torch.tensor([face]))
            return torch.from_numpy(pieces.part).unique()
        x = self._on_face(face).x
        return problem.part_at(x, face).unique()

    def _on_face(self, face: int) -> _TensorRule:
        axis, end = divmod(face, 2)
        axes = [self._gauss(k) for k in range(self.box.dimension)]
        axes[axis] = self._axis(axis, np.array([1.0 if end else -1.0]), np.ones(1))
        return _TensorRule(axes)

    def _gauss(self, axis: int) -> _Axis:
        s, weights = np.polynomial.legendre.leggauss(self.quadrature)
        return self._axis(axis, s, weights * self.box.lengths[axis] / 2)

    def _axis(self, axis: int, s: np.ndarray, weights: np.ndarray) -> _Axis:
        values, slopes = (table.numpy() for table in basis_functions(torch.from_numpy(s), self.number))
        return _Axis(_mapped(self.box, axis, s), weights, values, slopes * 2 / self.box.lengths[axis])

    @functools.cached_property
    def _nodes(self) -> np.ndarray:
        """The Chebyshev points on [-1, 1], including both ends."""
        s = -np.cos(np.pi * np.arange(self.size) / (self.size - 1))
        s[[0, -1]] = -1, 1
        return s

    @property
    def _chebyshev(self) -> list[np.ndarray]:
        return [_mapped(self.box, k, self._nodes) for k in range(self.box.dimension)]

    def _transform(self, values: np.ndarray) -> np.ndarray:
        """The coefficients of the polynomial with the given values at the Chebyshev points."""
        inverse = np.linalg.inv(basis_functions(torch.from_numpy(self._nodes), self.number)[0].numpy())
        c = values.reshape((self.size,) * self.box.dimension)
        for _ in range(c.ndim):
            c = np.tensordot(c, inverse, axes=(0, 1))  # moves the axis to the end: after d steps the order is restored
        return c.ravel()


@dataclass(frozen=True)
class _Axis:
    """A quadrature rule along one axis with the basis at its points, in tables of shape (points, functions)."""

    x: np.ndarray
    weights: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


class _TensorRule(Rule):
    """The tensor product of 1-D rules, with sums computed axis by axis."""

    def __init__(self, axes: Sequence[_Axis]) -> None:
        self._axes = axes

    @property
    def x(self) -> Points:
        return torch.cartesian_prod(*(torch.from_numpy(axis.x) for axis in self._axes)).reshape(-1, len(self._axes))

    @functools.cached_property
    def weights(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleMethodOverride]
        return functools.reduce(np.multiply.outer, [axis.weights for axis in self._axes])

    def value(self, c: np.ndarray) -> np.ndarray:
        return self._sum(c, None)

    def gradient(self, c: np.ndarray) -> np.ndarray:
        return np.stack([self._sum(c, k) for k in range(len(self._axes))])

    def vector(self, density: Density, flux: np.ndarray | None = None) -> np.ndarray:
        total = self._adjoint(density, None)
        for k, component in enumerate(() if flux is None else flux):
            total = total + self._adjoint(component, k)
        return total

    def matrix(self, slopes: Slopes) -> Any:
        axes = range(len(self._axes))
        total = self._products(slopes.value_u, None, None)
        for k in axes if np.any(slopes.isotropic) else ():
            total = total + self._products(slopes.isotropic, k, k)
        for strength, n in slopes.directed:
            for left, right in itertools.product(axes, axes):
                total = total + self._products(strength * n[left] * n[right], left, right)
        for left, row in enumerate(slopes.matrix):
            for right, a in enumerate(row):
                total = total + self._products(a, left, right)
        for k, b in enumerate(slopes.value_q):
            total = total + self._products(b, None, k)
        size = np.sqrt(np.abs(np.diagonal(total)))
        total[np.abs(total) <= _NOTHING * np.multiply.outer(size, size)] = 0.0
        return csr_array(total)

    def _sum(self, c: np.ndarray, derivative: int | None) -> np.ndarray:
        u = c.reshape([axis.values.shape[1] for axis in self._axes])
        for k, axis in enumerate(self._axes):
            u = np.tensordot(u, axis.slopes if k == derivative else axis.values, axes=(0, 1))
        return u

    def _adjoint(self, density: Density, derivative: int | None) -> np.ndarray:
        v = self.weights * density
        for k, axis in enumerate(self._axes):
            v = np.tensordot(v, axis.slopes if k == derivative else axis.values, axes=(0, 0))
        return v.ravel()

    def _products(self, density: Density, left: int | None, right: int | None) -> np.ndarray:
        """The integrals of density D_left phi_i D_right phi_j, dense ``(P, P)``."""
        a, d = self.weights * density, len(self._axes)
        for k, axis in enumerate(self._axes):
            first = axis.slopes if k == left else axis.values
            second = axis.slopes if k == right else axis.values
            rest, size = a.shape[1:], first.shape[1]
            a = (first.T * a.reshape(len(first), -1).T[:, None]) @ second  # sum over the points of the axis: (rest, i, j)
            a = a.reshape(*rest, size, size)
        order = (*range(0, 2 * d, 2), *range(1, 2 * d, 2))
        rows = math.prod(axis.values.shape[1] for axis in self._axes)
        return a.transpose(order).reshape(rows, rows)


class _PolynomialSum(LinearEvaluator):
    """Sums of products of 1-D basis functions, with stored tables of their values at the points."""

    def __init__(self, space: Legendre, x: Points) -> None:
        self._shape = (space.size,) * space.box.dimension
        lengths = space.box.lengths
        s = 2 * (x.detach() - x.new_tensor(space.box.lower)) / x.new_tensor(lengths) - 1
        tables = [basis_functions(s[:, k], space.number) for k in range(s.shape[1])]
        self._values = [values for values, _ in tables]
        self._slopes = [slopes * (2 / length) for (_, slopes), length in zip(tables, lengths, strict=True)]

    def value(self, c: Coefficients) -> Values:
        return self._sum(c, None)

    def gradient(self, c: Coefficients) -> Gradients:
        return torch.stack([self._sum(c, k) for k in range(len(self._shape))], dim=1)

    def _sum(self, c: Coefficients, derivative: int | None) -> Values:
        tables = [self._slopes[k] if k == derivative else values for k, values in enumerate(self._values)]
        partial = c.reshape(-1, self._shape[-1]) @ tables[-1].T
        for size, table in zip(self._shape[-2::-1], tables[-2::-1], strict=True):
            partial = (partial.reshape(-1, size, len(table)) * table.T).sum(dim=1)
        return partial.reshape(-1)


def _mapped(box: Box, axis: int, s: np.ndarray) -> np.ndarray:
    """Points of [-1, 1] mapped to a side of the box; the ends are exact."""
    a, b = box.lower[axis], box.upper[axis]
    return np.where(s < 0, a + (1 + s) * (b - a) / 2, b - (1 - s) * (b - a) / 2)
