"""What every probe can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import State
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients


class Measurement(ABC):
    """A probe made ready for one problem and one space."""

    facts: Mapping[str, Any] = {}
    """Arrays that hold for the whole run, e.g. the wavenumber of each mode; written to the history once."""

    @abstractmethod
    def __call__(self, state: State) -> Mapping[str, Any]:
        """One row: floats or float arrays ``(m,)`` (numpy or Python), the same names and shapes every time."""


class Nothing(Measurement):
    """Of what is not there to be measured no column is kept."""

    def __call__(self, state: State) -> Mapping[str, Any]:
        return {}


class Probe(ABC):
    """A frozen dataclass of options."""

    @abstractmethod
    def prepare(
        self,
        problem: Problem,
        state: State,
        *,
        reference: Field | None,
        limit: Coefficients | None,
        facts: Mapping[str, Any],
    ) -> Measurement:
        """Make the probe ready; called again whenever the state's space changes.

        Args:
            problem: The problem, exact solution included.
            state: A state of the run: its space, device and dtype count, its coefficients do not.
            reference: The exact or a reference solution; None where none is known.
            limit: The coefficients that the iteration tends to, where known: the target of algebraic errors.
            facts: What earlier spaces of this run settled; columns must keep their names and shapes.
        """
