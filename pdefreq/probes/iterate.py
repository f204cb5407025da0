"""Iterates, the arguments of probes: functions of points, with coefficients and a trial space if they exist.

For a run, this function is given by the states of its iteration; for an external solver, it is a function of points. Only
probes that use coefficients distinguish the two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.fields import CallableField, Field
from pdefreq.probes.sampled import PerPointSet, SampledSpace, field_gradients, field_values

if TYPE_CHECKING:
    from pdefreq.core.shapes import Coefficients, Points
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import State
    from pdefreq.spaces.trial_space import TrialSpace


class Iterate(ABC):
    """A function u at one step. Its values at each set of points are computed once and shared by all probes."""

    def __init__(self) -> None:
        self._values = PerPointSet(self._evaluate)
        self._gradients = PerPointSet(self._differentiate)

    @staticmethod
    def of_state(state: State, functional: Callable[[], Functional] | None = None) -> SpaceIterate:
        """The iterate of an iteration.

        Args:
            state: The state.
            functional: A function that returns the objective at the state.
        """
        return SpaceIterate(state.space, state.coefficients, functional=functional)

    @staticmethod
    def of_function(
        u: Callable[[Any], Any] | Field,
        *,
        gradient: Callable[[Any], Any] | None = None,
        points: Literal["numpy", "torch"] = "numpy",
    ) -> Iterate:
        """A function of points as an iterate, such as ``lambda x: solver.evaluate(t, x)`` for a time t.

        Args:
            u: A function of points of shape ``(n, d)``, float64, that returns n values; or a `Field`.
            gradient: A function of the same points that returns gradients, shape ``(n, d)``. Without it, torch functions are
                differentiated automatically, and gradients of numpy functions are not available.
            points: Whether the functions take numpy arrays or torch tensors on the CPU; ignored for a `Field`.

        Raises:
            OptionError: If `points` is neither ``"numpy"`` nor ``"torch"``.
        """
        if points not in ("numpy", "torch"):
            raise OptionError(f"`points` must be 'numpy' or 'torch', got {points!r}")
        if isinstance(u, Field):
            return FieldIterate(u)
        if points == "torch":
            return FieldIterate(CallableField(u, gradient))
        return ArrayIterate(u, gradient)

    @property
    def space(self) -> TrialSpace | None:
        """The trial space of u; None if unknown."""
        return None

    @property
    def coefficients(self) -> Coefficients | None:
        """The coefficients of u in its space, shape ``(P,)``; None if there are none."""
        return None

    @property
    def functional(self) -> Functional | None:
        """The objective that the iteration minimizes, at all points of the step; None if there is none."""
        return None

    def values(self, x: Points) -> np.ndarray:
        """Values of u at points ``(n, d)``, shape ``(n,)``, float64."""
        return self._values(x)

    def gradients(self, x: Points) -> np.ndarray:
        """Gradients of u at points ``(n, d)``, shape ``(n, d)``, float64.

        Raises:
            IncompatibleError: If u is a numpy function without a gradient.
        """
        return self._gradients(x)

    @abstractmethod
    def _evaluate(self, x: Points) -> np.ndarray:
        """Values at a new set of points."""

    @abstractmethod
    def _differentiate(self, x: Points) -> np.ndarray:
        """Gradients at a new set of points."""


class SpaceIterate(Iterate):
    """A member of a trial space.

    Args:
        space: The space.
        coefficients: The coefficients of the member, shape ``(P,)``.
        sampled: The space at points at which other members were evaluated.
        functional: A function that returns the objective that the coefficients minimize.
    """

    def __init__(
        self,
        space: TrialSpace,
        coefficients: Coefficients,
        sampled: SampledSpace | None = None,
        functional: Callable[[], Functional] | None = None,
    ) -> None:
        super().__init__()
        self._space, self._coefficients, self._functional = space, coefficients, functional
        self._sampled = sampled or SampledSpace(space, coefficients)

    @property
    def space(self) -> TrialSpace:
        return self._space

    @property
    def coefficients(self) -> Coefficients:
        return self._coefficients

    @property
    def functional(self) -> Functional | None:
        return None if self._functional is None else self._functional()

    def member(self, coefficients: Coefficients, functional: Callable[[], Functional] | None = None) -> SpaceIterate:
        """Another member of the same space, with shared data at the points."""
        return SpaceIterate(self.space, coefficients, self._sampled, functional)

    def _evaluate(self, x: Points) -> np.ndarray:
        return self._sampled.values(self.coefficients, x)

    def _differentiate(self, x: Points) -> np.ndarray:
        return self._sampled.gradients(self.coefficients, x)


class FieldIterate(Iterate):
    """A field, evaluated in float64."""

    def __init__(self, u: Field) -> None:
        super().__init__()
        self._u = u

    def _evaluate(self, x: Points) -> np.ndarray:
        return field_values(self._u, x)

    def _differentiate(self, x: Points) -> np.ndarray:
        return field_gradients(self._u, x)


class ArrayIterate(Iterate):
    """A function of numpy arrays, which is called once for each set of points."""

    def __init__(self, u: Callable[[np.ndarray], Any], gradient: Callable[[np.ndarray], Any] | None) -> None:
        super().__init__()
        self._u, self._gradient = u, gradient

    def _evaluate(self, x: Points) -> np.ndarray:
        found = np.asarray(self._u(x.numpy().copy()))  # a copy, because the function may change its argument
        if found.dtype.kind not in "biuf":
            raise OptionError(f"the measured function must return real numbers, got the type {found.dtype}")
        values = found.astype(float)
        if values.size != len(x):
            raise OptionError(
                f"the measured function must return one value for each point, {len(x)} for points of shape {tuple(x.shape)}, "
                f"got an array of shape {values.shape}"
            )
        return values.reshape(len(x))

    def _differentiate(self, x: Points) -> np.ndarray:
        if self._gradient is None:
            raise IncompatibleError("the measured function has no gradient: pass one, Iterate.of_function(u, gradient=...)")
        gradients = np.asarray(self._gradient(x.numpy().copy()), dtype=float)
        if gradients.size != x.numel():
            raise OptionError(
                f"the gradient of the function must have the shape of its points, {tuple(x.shape)}, got {gradients.shape}"
            )
        return gradients.reshape(tuple(x.shape))
