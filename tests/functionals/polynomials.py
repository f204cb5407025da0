"""A linear space for tests: polynomials, in which energies are quadratic and one Newton step is exact."""

from __future__ import annotations

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
        eye = np.eye(space.degree + 1)
        one = [np.polynomial.legendre.legval(t, eye).T for t in x.double().numpy().T]
        slope = [np.polynomial.legendre.legval(t, np.polynomial.legendre.legder(eye)).T for t in x.double().numpy().T]

        def product(factors):
            table = factors[0]
            for f in factors[1:]:
                table = (table[:, :, None] * f[:, None, :]).reshape(len(table), -1)
            return torch.from_numpy(table).to(x)

        self._values = product(one)
        self._slopes = [product([slope[j] if j == k else one[j] for j in range(len(one))]) for k in range(len(one))]

    def value(self, c):
        return self._values @ c

    def gradient(self, c):
        return torch.stack([table @ c for table in self._slopes], dim=1)


def minimiser(functional, number: int) -> torch.Tensor:
    """One Newton step from zero: exact where the functional is quadratic."""
    zero = torch.zeros(number, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(lambda c: torch.stack(list(functional.terms(c).values())).sum(), zero)
    return torch.linalg.solve(hessian, -functional.gradient(zero))
