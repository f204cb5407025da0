"""Stationary linear iterations, whose errors are predicted by the matrix of one step."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.iterations.linear.grid_iteration import GridIteration
from pdefreq.iterations.protocols import Prediction
from pdefreq.spectrum.span import span_of
from pdefreq.theory.kernel_modes import RayleighQuotients, rayleigh_quotients
from pdefreq.theory.relaxation import propagate

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.spectrum.modes import Modes

_UNKNOWNS = 1000  # largest number of unknowns for which the matrix is formed: one second, and 30 products of 8 MB
_ENTRIES = 1e6  # largest number of entries in the modes to which a step is applied one by one: one second


class StationaryIteration(GridIteration):
    """A step takes the error e to M e, M a matrix that depends neither on the step nor on the right-hand side.

    Without a theory of modes, the prediction uses M itself, whose columns are the images of unit vectors.
    """

    open_ended = True

    @abstractmethod
    def _after(self, error: Coefficients) -> Coefficients:
        """M e, as a new flat array, for a grid function e that is zero at prescribed values."""

    @property
    def has_small_matrix(self) -> bool:
        """Whether the matrix of a step is formed for predictions."""
        return self._count <= _UNKNOWNS

    @property
    def _count(self) -> int:
        return int(self._stencil.unknown.sum())

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction | None:
        found, count = self._rayleigh_quotients(modes), self._count
        if found is None and not (modes.kind == "fourier" and self.has_small_matrix):
            return None
        quotients, residuals = (None, None) if found is None else (found.values, found.eigen_residuals)
        if not self.has_small_matrix:
            unknown = torch.full((len(steps), len(modes)), torch.nan, dtype=torch.float64)
            note = (
                f"from one step on each mode; no curves, since the matrix of a step is too large for {count:,} unknowns: "
                f"at most {_UNKNOWNS:,} (`intervals`)"
            )
            return Prediction(unknown, unknown[0], note, quotients, residuals)
        matrix = self._images(torch.eye(count, dtype=torch.float64))
        start = self._inside(self._error_at_start())
        errors = propagate(matrix, start, steps)
        curves = torch.from_numpy(np.stack([modes.coefficients(self._extended(e).numpy(), self._grid) for e in errors]))
        note = f"exact: powers of the matrix of a step, computed by a step on each of the {count:,} unknowns"
        return Prediction(
            curves / curves[0], torch.full((len(modes),), torch.nan, dtype=torch.float64), note, quotients, residuals
        )

    def _error_at_start(self) -> Tensor:
        """The first iterate minus the discrete solution, float64, in new memory."""
        return GridIteration.init(self).coefficients.double() - self._discrete_solution

    def _rayleigh_quotients(self, modes: Modes) -> RayleighQuotients | None:
        """Rayleigh quotients of the modes in K = 1 - M; None if the modes are not known waves, or too many."""
        span = span_of(modes)
        if span is None or len(modes) * self._grid.num_coefficients > _ENTRIES:
            return None
        waves = span.at(self._grid.nodes).jacobian(torch.zeros(len(modes), dtype=torch.float64))
        inside = torch.stack([self._inside(wave) for wave in waves.T], dim=1)
        return rayleigh_quotients(lambda v: v - self._images(v), inside)

    def _images(self, errors: Tensor) -> Tensor:
        """M times columns of errors at the unknowns."""
        return torch.stack([self._inside(self._after(self._extended(e))) for e in errors.T], dim=1)

    def _inside(self, u: Tensor) -> Tensor:
        """The values of a grid function at the unknowns, float64."""
        return self._stencil.window(u.contiguous())[self._stencil.unknown].double()

    def _extended(self, values: Tensor) -> Tensor:
        """The grid function with given values at the unknowns and zero elsewhere."""
        u = torch.zeros(self._grid.num_coefficients, dtype=torch.float64)
        self._stencil.window(u)[self._stencil.unknown] = values
        return u
