"""The base class of probes, and probes by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.core.composition import Part, build
from pdefreq.core.errors import OptionError
from pdefreq.core.options import split_options
from pdefreq.probes import DEFAULT_PROBES, PROBES

if TYPE_CHECKING:
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target


class Measurement(ABC):
    """A probe that is prepared for one target and one space."""

    facts: Mapping[str, Any] = {}
    """Arrays that are constant during a run, such as the wavenumbers of modes; they are written to the history once."""

    @abstractmethod
    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        """One row: floats or float arrays ``(m,)`` by name, with the same names and shapes at each call."""


class Nothing(Measurement):
    """A measurement without columns, for a probe that does not apply to the problem."""

    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        return {}


class Probe(Part, ABC):
    """A probe, a frozen dataclass of options."""

    registry = PROBES

    @abstractmethod
    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> Measurement:
        """Prepare the probe. This method is called again whenever the space of the iterates changes.

        Args:
            target: The problem with its exact or reference solution, and the points at which iterates are compared with it.
            iterate: An iterate in the space of those that will be measured.
            discrete_solution: The limit of the iterates in their space, which is the target of algebraic errors; None if it
                is not known.
            facts: Facts of earlier spaces of this run; columns must keep their names and shapes.
        """


def make_probe(name: str) -> Probe:
    """A probe by name, or ``path/to/file.py:Name``; options may be appended, ``"ntk:number=50"``.

    Raises:
        UnknownNameError: If the probe or an option does not exist.
        OptionError: If a value lies outside its range, or the object of that name is not a probe.
    """
    name, options = split_options(name)
    probe = build("probe", name, PROBES.load(name), options)
    if not isinstance(probe, Probe):
        raise OptionError(f"'{name}' must be a Probe or a function that returns one, got {type(probe).__name__}")
    return probe


def default_probes() -> tuple[Probe, ...]:
    """The probes named in `DEFAULT_PROBES`."""
    return tuple(make_probe(name) for name in DEFAULT_PROBES)
