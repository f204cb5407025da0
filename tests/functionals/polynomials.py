"""A linear trial space for tests: polynomials, for which energies are quadratic and one Newton step is exact."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch

from pdefreq.spaces.trial_space import Evaluator, TrialSpace


@dataclass(frozen=True)
class Polynomials(TrialSpace):
    """Products of Legendre polynomials up to `degree` in each coordinate, on the box (-1, 1)^d."""

    degree: int
    dimension: int = 1

    @property
    def num_coefficients(self):
        return (self.degree + 1) ** self.dimension

    @property
    def smoothness(self):
        return np.inf

    def at(self, x):
        return _Table(self, x)


class _Table(Evaluator):
    def __init__(self, space, x):
        eye, d = np.eye(space.degree + 1), x.shape[1]
        along = [  # values and derivatives up to the third along each axis
            [np.polynomial.legendre.legval(t, np.polynomial.legendre.legder(eye, order)).T for order in range(4)]
            for t in x.double().numpy().T
        ]

        def derivative(*axes):
            table = np.ones((len(x), 1))
            for k in range(d):
                table = (table[:, :, None] * along[k][axes.count(k)][:, None, :]).reshape(len(x), -1)
            return torch.from_numpy(table).to(x)

        self._values = derivative()
        self._slopes = torch.stack([derivative(j) for j in range(d)], dim=1)
        self._bends = torch.stack([torch.stack([derivative(i, j) for j in range(d)], dim=1) for i in range(d)], dim=1)
        self._second = self._bends.diagonal(dim1=1, dim2=2).sum(dim=2)
        rows = [[[derivative(k, i, j) for j in range(d)] for i in range(d)] for k in range(d)]
        self._thirds = torch.stack([torch.stack([torch.stack(r, dim=1) for r in rs], dim=1) for rs in rows], dim=1)
        self._slopes_of_second = self._thirds.diagonal(dim1=2, dim2=3).sum(dim=3)

    def with_second(self, matrix):
        bound = copy.copy(self)
        bound._second = torch.einsum("nij,nijp->np", matrix, self._bends)
        bound._slopes_of_second = torch.einsum("nij,nkijp->nkp", matrix, self._thirds)
        return bound

    def value(self, c):
        return self._values @ c

    def gradient(self, c):
        return self._slopes @ c

    def second_order(self, c):
        return self.value(c), self.gradient(c), self._second @ c

    def hessian(self, c):
        return self._bends @ c

    def gradient_of(self, c, value=None, gradient=None, second=None):
        parts = [] if value is None else [value[:, None] * self.gradient(c)]
        parts += [] if gradient is None else [torch.einsum("nij,nj->ni", self.hessian(c), gradient)]
        parts += [] if second is None else [second[:, None] * (self._slopes_of_second @ c)]
        return sum(parts)

    def jacobian(self, c, value=None, gradient=None, second=None):
        channels = [(value, self._values), (second, self._second)]
        rows = sum((w[:, None] * table for w, table in channels if w is not None), start=torch.zeros_like(self._values))
        return rows if gradient is None else rows + torch.einsum("nd,ndp->np", gradient, self._slopes)

    def jacobian_factors(self, c, value=None, gradient=None, second=None):
        rows = self.jacobian(c, value, gradient, second)
        return [(rows[None, None], torch.ones_like(rows[None, None, :, :1]))]


def minimiser(functional, number: int) -> torch.Tensor:
    """Result of one Newton step from zero, which is exact if the functional is quadratic."""
    zero = torch.zeros(number, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(lambda c: torch.stack(list(functional.terms(c).values())).sum(), zero)
    return torch.linalg.solve(hessian, -functional.gradient(zero))
