"""The approximate solution of a run as a function of points: its values, its errors, and its export to other programs."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.fields import Field
from pdefreq.runs.record import Record
from pdefreq.runs.values_at_points import Outside, values_at_points

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor
    from torch.nn import Module

    from pdefreq.core.shapes import Points
    from pdefreq.iterations.iteration import State
    from pdefreq.probes.error import Errors
    from pdefreq.probes.iterate import Iterate
    from pdefreq.runs.export import PointTable

_OWN = 2.0  # times the error of the reference solution: smaller differences may be the error of the reference solution itself


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Approximation(Record, Field):
    """The record of a run with the function u that it found.

    Args:
        state: The state of the iteration that determines u.

    The other arguments are those of `Record`.
    """

    state: State

    def __call__(self, x: Any, *, outside: Outside = "refuse") -> Any:
        """The values of u at points.

        Args:
            x: Points ``(n, d)``, in one dimension also ``(n,)``; or one point, ``(d,)`` or a number.
            outside: Whether points outside the closed domain are refused, or have the value nan (``"nan"``).

        Returns:
            The values ``(n,)``: a tensor for a tensor, otherwise a numpy array; for one point a number (a tensor without axes for
            a tensor).

        Raises:
            OptionError: If x has another shape, or a point lies outside the domain by more than rounding and `outside` is not
                ``"nan"``.
        """
        return self._at(self.function, x, outside)

    def gradient(self, x: Any, *, outside: Outside = "refuse") -> Any:
        """The gradient of u at points, shape ``(n, d)``, or ``(d,)`` at one point, with the arguments and errors of a call."""
        return self._at(self.function.gradient, x, outside)

    @functools.cached_property
    def function(self) -> Field:
        """The approximate solution as a field, without a test whether points lie in the domain."""
        from pdefreq.spaces.trial_space import SpaceField

        return SpaceField(self.state.space, self.state.coefficients)

    def to_torch(self) -> Module:
        """The solution as a `torch.nn.Module` that maps points ``(n, d)`` to values ``(n,)``.

        Boundary values that are built in are part of it. Its parameter is the vector of all coefficients, a copy of those of the
        solution. It does not test whether points lie in the domain.
        """
        from pdefreq.spaces.torch_module import SpaceModule

        return SpaceModule(self.state.space, self.state.coefficients)

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the parameters of the network by name, as in the ``state_dict`` of a module.

        For a network that was given as a module these are its trainable parameters, so that
        ``module.load_state_dict(solution.state_dict(), strict=False)`` sets them.

        Raises:
            IncompatibleError: If the trial space is not a network.
        """
        from pdefreq.spaces.trial_space import Network

        if not isinstance(self.state.space, Network):
            raise IncompatibleError(f"{self.label} has no network: use `to_torch()`, which has all coefficients in one vector")
        parameters = self.state.space.unflatten(self.state.coefficients)
        return {name: value.detach().clone() for name, value in parameters.items()}

    def _at(self, function: Callable[[Points], Tensor], x: Any, outside: Outside) -> Any:
        device = self.state.coefficients.device
        return values_at_points(function, x, self.problem.domain, outside=outside, device=device)

    def error(self, norm: str = "l2") -> float:
        """Relative error in ``"l2"`` or ``"h1"``, or the largest absolute error (``"max"``); nan without a reference.

        ``"homogeneous"`` is the L2 error relative to u* minus a lifting of its boundary values.

        If the exact solution is unknown, this is an upper bound: the difference from the reference solution plus the estimated
        error of the latter, which is `reference_error` in L2.

        Raises:
            OptionError: If the norm is unknown.
        """
        if self._errors is None:
            return math.nan
        own = self._errors.norm(norm)  # raises if the norm is unknown
        return self.error("l2") * self._errors.offset if norm == "homogeneous" else self.target.bound(norm, own)

    @functools.cached_property
    def contradiction(self) -> str:
        """A sentence if the relative L2 and H1 errors contradict each other, otherwise empty."""
        from pdefreq.runs.resolution import contradiction_sentence

        errors = self._errors
        if errors is None or errors.norm("h1") <= _OWN * self.target.accuracy.h1:  # the reference solution may cause it
            return ""
        return contradiction_sentence(errors, self.state.space)

    @functools.cached_property
    def _errors(self) -> Errors | None:
        from pdefreq.probes.error import Errors

        return None if self.reference is None else Errors(self.measured, self.target)

    @functools.cached_property
    def measured(self) -> Iterate:
        """The solution as an argument of probes; its values at sets of points are cached."""
        from pdefreq.probes.iterate import Iterate

        return Iterate.of_function(self.function)

    def energy_minimum(self) -> float:
        """A lower bound of the minimum of the energy; nan if it is unknown, or f is known at points only.

        An energy converges to its minimum, which is not zero. The energy of a run minus this bound is an upper bound of its
        distance from the minimum. See `pdefreq.runs.energy_minimum`.
        """
        return self._energy_minimum

    @functools.cached_property
    def _energy_minimum(self) -> float:
        if self.reference is None or "objective.energy" not in self.history or self.problem.data is not None:
            return math.nan
        from pdefreq.runs.energy_minimum import energy_minimum

        return energy_minimum(self.target)

    def export(self, path: str | Path) -> PointTable:
        """Write u, the exact or reference solution, the error and its bands of wavenumbers in the format that the suffix names.

        Args:
            path: A file that ends in ``.vtu`` (a mesh, for ParaView), ``.csv`` (one row for each point) or ``.npz`` (arrays).

        Returns:
            What was written.

        Raises:
            OptionError: If the suffix is none of these.
            IncompatibleError: If a ``.vtu`` file is requested and the domain has no mesh: it has more than three dimensions, or
                needs gmsh, which is not installed.
            RunFolderError: If the file can't be written.
        """
        from pdefreq.runs.export import export

        return export(path, self, self.function, self.state.space)

    def to_vtu(self, path: str | Path) -> None:
        """Write u, the exact or reference solution, the error and its bands of wavenumbers on a mesh, for ParaView.

        Raises:
            OptionError: If the path does not end in ``.vtu``.
            IncompatibleError: If the domain has no mesh: it has more than three dimensions, or needs gmsh, which is not
                installed.
            RunFolderError: If the file can't be written.
        """
        self._export(path, ".vtu")

    def to_csv(self, path: str | Path) -> None:
        """Write the same fields as a table, one row per point.

        Raises:
            OptionError: If the path does not end in ``.csv``.
            RunFolderError: If the file can't be written.
        """
        self._export(path, ".csv")

    def _export(self, path: str | Path, suffix: str) -> None:
        from pdefreq.core.file_io import as_path

        if as_path(path).suffix.lower() != suffix:
            raise OptionError(f"the file must end in {suffix}, got '{path}'")
        self.export(path)
