"""Fourier series on a box with periodic sides along all axes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import IncompatibleError, SingularProblemError
from pdefreq.core.validation import validated
from pdefreq.problem.compatibility import require_compatible
from pdefreq.spaces.trial_space import Evaluator, LinearEvaluator, LinearSpace, LinearSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.domains.box import Box
    from pdefreq.domains.samples import Samples
    from pdefreq.problem.problem import Problem

_ROUNDING = 1e-13  # relative to the terms of its sum, the size below which a symbol is zero
_CHUNK = 2**21  # complex entries of the largest intermediate array of an evaluation: 32 MiB in float64


@dataclass(frozen=True)
class FourierSeries(LinearSpace):
    """``u(x) = sum_k c_k cas(xi_k . (x - a))`` with cas t = cos t + sin t and real c, over -m_i <= k_i <= m_i along each axis.

    The wavevectors xi_k are 2 pi k_i / L_i. The number of real Hartley coefficients c_k = Re u^_k - Im u^_k is the number of
    real degrees of freedom of the complex Fourier coefficients. They are in C order (last axis fastest), from -m_i to m_i.

    Args:
        box: The box with lower bounds a_i and side lengths L_i.
        harmonics: The largest number of periods m_i along each axis.

    Source:
        Bracewell (1983), Discrete Hartley transform, J. Opt. Soc. Am. 73, 1832-1835.
    """

    box: Box
    harmonics: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of modes along each axis, which is also the number of grid points that `transform` takes."""
        return tuple(2 * m + 1 for m in self.harmonics)

    @property
    def num_coefficients(self) -> int:
        return math.prod(self.shape)

    @property
    def smoothness(self) -> float:
        return math.inf

    @property
    def wavenumbers(self) -> list[np.ndarray]:
        """The angular wavenumbers along each axis, ascending."""
        return [2 * np.pi / length * np.arange(-m, m + 1) for m, length in zip(self.harmonics, self.box.lengths, strict=True)]

    @property
    def quadrature(self) -> Samples:
        """The uniform grid on which functions are sampled, both periodic sides included, with trapezoidal weights."""
        return self.box.trapezoidal(self.shape)

    def at(self, x: Points) -> Evaluator:
        return _FourierSum(self, x)

    def interpolate(self, u: Field, like: Tensor) -> Coefficients:
        return self.transform(self._sampled(lambda x: u(x.to(like)).detach().double().cpu())).to(like)

    def transform(self, values: Tensor) -> Coefficients:
        """The coefficients of a function from its values on a uniform grid of `shape` with the lower sides, float64."""
        from scipy.fft import fftn, fftshift

        transform = np.asarray(fftshift(np.asarray(fftn(values.reshape(self.shape).numpy(), norm="forward"))))
        return torch.from_numpy(np.real(transform) - np.imag(transform)).reshape(-1)

    def assemble(self, problem: Problem) -> LinearSystem:
        """The equations of the modes, sigma(xi_k) u^_k = f^_k with the symbol sigma of the equation.

        In Hartley coefficients they are ``Re sigma c_k - Im sigma c_-k = f_k``, diagonal without convection. If no term depends
        on u itself, the mean of u is set to zero.

        Raises:
            IncompatibleError: If a coefficient varies, or the symbol vanishes for a mode other than the constant.
            InconsistentProblemError: If the problem has no solution.
        """
        import scipy.sparse as sp

        wavevectors = torch.cartesian_prod(*map(torch.from_numpy, self.wavenumbers)).reshape(-1, len(self.harmonics))
        symbols = [term.symbol(wavevectors) for term in problem.equation]
        if any(symbol is None for symbol in symbols):
            raise IncompatibleError(
                "a Fourier series diagonalizes the equation only if its coefficients are constant: use `multigrid` or `fem`"
            )
        parts = [np.broadcast_to(np.asarray(symbol), self.num_coefficients) for symbol in symbols]
        symbol = functools.reduce(np.add, parts)
        zero = np.abs(symbol) <= _ROUNDING * sum(np.abs(part) for part in parts)
        fixed, constant = np.empty(0, dtype=int), self.num_coefficients // 2
        if problem.is_up_to_constant:
            require_compatible(problem)
            fixed, zero[constant] = np.array([constant]), False
        if zero.any():
            mode = ", ".join(f"{xi:.6g}" for xi in wavevectors[int(np.argmax(zero))].tolist())
            raise SingularProblemError(
                f"the equation is singular because its symbol is zero for the Fourier mode of wavevector ({mode}), a resonance, "
                "so that u is not unique and may not exist: change the reaction or the box"
            )
        even, odd = np.real(symbol), np.imag(symbol)
        matrix = sp.diags_array(even).tocsr()
        convected = odd.any()
        if convected:
            numbers = np.arange(self.num_coefficients)  # the index of -k is that of k, counted from the end
            matrix = matrix - sp.csr_array((odd, (numbers, numbers[::-1])), shape=matrix.shape)
        load = self.transform(self._sampled(lambda x: validated(problem.source, "[equation] source", x))).numpy()
        definite = not convected and bool((even >= 0).all())
        return LinearSystem(matrix, load, fixed, np.zeros(len(fixed)), symmetric=not convected, definite=definite)

    def _sampled(self, function: Callable[[Points], Values]) -> Tensor:
        """The values on the grid of `transform`, averaged over both sides on periodic sides."""
        axes = [
            torch.linspace(a, b, size + 1, dtype=torch.float64)
            for a, b, size in zip(self.box.lower, self.box.upper, self.shape, strict=True)
        ]
        values = function(torch.cartesian_prod(*axes).reshape(-1, len(axes))).reshape([len(axis) for axis in axes])
        for axis, size in enumerate(self.shape):
            first = (values.narrow(axis, 0, 1) + values.narrow(axis, size, 1)) / 2
            values = torch.cat([first, values.narrow(axis, 1, size - 1)], dim=axis)
        return values


class _FourierSum(LinearEvaluator):
    """Separable sums of complex exponentials, axis by axis, in chunks of points limited by memory."""

    def __init__(self, space: FourierSeries, x: Points) -> None:
        self._space = space
        self._x = x - x.new_tensor(space.box.lower)
        self._xi = [torch.from_numpy(xi).to(x) for xi in space.wavenumbers]
        self._rows = max(1, _CHUNK // max(math.prod(space.shape[:-1]), *space.shape))

    def value(self, c: Coefficients) -> Values:
        return self._sum(self._fourier(c))

    def gradient(self, c: Coefficients) -> Gradients:
        fourier = self._fourier(c)
        slopes = []
        for axis, xi in enumerate(self._xi):
            shape = [-1 if k == axis else 1 for k in range(len(self._xi))]
            slopes.append(self._sum(fourier * (1j * xi).reshape(shape)))
        return torch.stack(slopes, dim=1)

    def _fourier(self, c: Coefficients) -> Tensor:
        """The complex Fourier coefficients, in the shape of the modes."""
        c = c.reshape(self._space.shape)
        opposite = c.flip(dims=list(range(c.ndim)))  # the coefficients of -k
        return torch.complex((c + opposite) / 2, (opposite - c) / 2)

    def _sum(self, fourier: Tensor) -> Values:
        """The real part of ``sum_k fourier_k exp(i xi_k . (x - a))`` at each point."""
        shape, sums = self._space.shape, []
        for x in self._x.split(self._rows):
            tables = [torch.exp(1j * torch.outer(xi, x[:, k])) for k, xi in enumerate(self._xi)]  # each (modes, points)
            partial = fourier.reshape(-1, shape[-1]) @ tables[-1]
            for size, table in zip(shape[-2::-1], tables[-2::-1], strict=True):
                partial = (partial.reshape(-1, size, len(x)) * table).sum(dim=1)
            sums.append(partial.reshape(-1).real)
        return torch.cat(sums)
