"""Sine series on a box plus a lifting of the boundary values."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import IncompatibleError, SingularProblemError
from pdefreq.core.validation import validated
from pdefreq.problem.terms.constants import constants_of
from pdefreq.spaces.spectral.side_series import SideSeries
from pdefreq.spaces.spectral.sine_transform import sine_coefficients
from pdefreq.spaces.trial_space import Evaluator, LinearEvaluator, LinearSpace, LinearSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.domains.box import Box
    from pdefreq.domains.samples import Samples
    from pdefreq.problem.problem import Problem

_ROUNDING = 1e-13  # relative to the terms of its sum, the size below which an eigenvalue is zero
_CHUNK = 2**22  # entries of the largest intermediate array of an evaluation: 32 MiB in float64


@dataclass(frozen=True)
class SineSeries(LinearSpace):
    """``u(x) = w(x) + sum_k c_k prod_i sin(k_i pi (x_i - a_i) / L_i)``, coefficients in C order (last axis fastest).

    Args:
        box: The box with lower bounds a_i and side lengths L_i.
        modes: The number of modes along each axis, ``1 <= k_i <= modes[i]``.
        lifting: The lifting w of the boundary values.
    """

    box: Box
    modes: tuple[int, ...]
    lifting: Field

    @property
    def num_coefficients(self) -> int:
        return math.prod(self.modes)

    @property
    def smoothness(self) -> float:
        return math.inf

    @property
    def grid(self) -> Points:
        """The uniform grid, including the boundary, at which `transform` expects values, float64."""
        axes = [
            torch.linspace(a, b, m + 2, dtype=torch.float64)
            for a, b, m in zip(self.box.lower, self.box.upper, self.modes, strict=True)
        ]
        return torch.cartesian_prod(*axes).reshape(-1, len(axes))

    @property
    def quadrature(self) -> Samples:
        """The points of `grid` with the weights of the trapezoidal rule."""
        return self.box.trapezoidal([m + 1 for m in self.modes])

    def at(self, x: Points) -> Evaluator:
        return _SineSum(self, x)

    def interpolate(self, u: Field, like: Tensor) -> Coefficients:
        x = self.grid.to(like)
        return self.transform((u(x) - self.lifting(x)).detach())

    def transform(self, values: Values) -> Coefficients:
        """The sine coefficients of a function from its values on `grid`, by a DST-I along each axis."""
        v = values.reshape([m + 2 for m in self.modes]).numpy(force=True)
        for _ in self.modes:
            v = np.moveaxis(sine_coefficients(v), -1, 0)  # after one step for each axis the order is restored
        return torch.from_numpy(np.ascontiguousarray(v)).reshape(-1).to(values)

    def assemble(self, problem: Problem) -> LinearSystem:
        """The diagonal system ``(sum_i a_i xi_ki^2 + c) c_k = f^_k``, where f is reduced by the contribution of the lifting.

        Raises:
            IncompatibleError: If a coefficient varies, the equation has convection or mixed derivatives, or it is singular.
        """
        import scipy.sparse as sp

        constants = constants_of(problem.equation, self.box.dimension)
        if constants is None or not constants.is_symmetric:
            raise IncompatibleError(
                "a sine series diagonalizes the equation only if its coefficients are constant and it has no convection "
                "and no mixed derivatives: use `gmres` or `fem`"
            )
        (a, _, c), x = constants, self.grid
        load = self.transform(validated(problem.source, "[equation] source", x) - self._image(a, c, x))
        wavenumbers = [np.arange(1, m + 1) * np.pi / length for m, length in zip(self.modes, self.box.lengths, strict=True)]
        positive = functools.reduce(np.add.outer, [number * xi**2 for number, xi in zip(a, wavenumbers, strict=True)])
        symbol = positive + c
        zero = np.abs(symbol) <= _ROUNDING * (positive + abs(c))
        if zero.any():
            mode = ", ".join(str(k + 1) for k in np.argwhere(zero)[0])
            raise SingularProblemError(
                f"the equation is singular because its left-hand side is zero for the sine mode ({mode}), a resonance of the "
                "Helmholtz equation, so that u is not unique and may not exist: change the reaction or the box"
            )
        none = np.empty(0, dtype=int)
        return LinearSystem(sp.diags_array(symbol.ravel()).tocsr(), load.numpy(), none, np.empty(0), definite=c >= 0)

    def _image(self, a: Sequence[float], c: float, x: Points) -> Values:
        """The left-hand side ``-sum_i a_i d^2 w / dx_i^2 + c w`` of the equation for the lifting w."""
        if isinstance(self.lifting, SideSeries):
            return self.lifting.image(x)
        if len(set(a)) == 1:
            divergence = a[0] * self.lifting.laplacian(x)
        else:
            divergence = self.lifting.hessian(x).diagonal(dim1=1, dim2=2) @ torch.tensor(a, dtype=x.dtype)
        return c * self.lifting(x).detach() - divergence


class _SineSum(LinearEvaluator):
    """Separable sums, axis by axis, in chunks of points limited by memory.

    The tables of sines are recomputed in each evaluation, because they cost less than the sums and would need the most memory.
    """

    def __init__(self, space: SineSeries, x: Points) -> None:
        self._space = space
        self._x = x
        self._angles = torch.pi * (x - x.new_tensor(space.box.lower)) / x.new_tensor(space.box.lengths)
        widest = max(math.prod(space.modes[:-1]), *space.modes)
        self._rows = max(1, _CHUNK // widest)

    def value(self, c: Coefficients) -> Values:
        return self._space.lifting(self._x) + self._sum(c, lambda _: torch.sin)

    def gradient(self, c: Coefficients) -> Gradients:
        d = self._x.shape[1]
        slopes = [self._sum(self._slopes(c, k), lambda j, k=k: torch.cos if j == k else torch.sin) for k in range(d)]
        return self._space.lifting.gradient(self._x) + torch.stack(slopes, dim=1)

    def _slopes(self, c: Coefficients, axis: int) -> Coefficients:
        """The coefficients multiplied by the wavenumber along an axis."""
        modes = self._space.modes
        shape = [-1 if k == axis else 1 for k in range(len(modes))]
        xi = torch.arange(1, modes[axis] + 1).to(c) * (torch.pi / self._space.box.lengths[axis])
        return (c.reshape(modes) * xi.reshape(shape)).reshape(-1)

    def _sum(self, c: Coefficients, function: Callable[[int], Callable[[Tensor], Tensor]]) -> Values:
        """The sums ``sum_k c_k prod_i function_i(k_i angle_i)`` at each point."""
        modes = self._space.modes
        counts = [torch.arange(1, m + 1).to(c) for m in modes]
        sums = []
        for angles in self._angles.split(self._rows):
            tables = [function(i)(torch.outer(k, angles[:, i])) for i, k in enumerate(counts)]  # each (modes, points)
            partial = c.reshape(-1, modes[-1]) @ tables[-1]
            for m, table in zip(modes[-2::-1], tables[-2::-1], strict=True):
                partial = (partial.reshape(-1, m, len(angles)) * table).sum(dim=1)
            sums.append(partial.reshape(-1))
        return torch.cat(sums)
