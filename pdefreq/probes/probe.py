"""The interface of probes, and the creation of probes by name."""

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
    """A probe prepared for one target and one trial space."""

    facts: Mapping[str, Any] = {}
    """Arrays that are constant during a run, such as the wavenumbers of the modes; written to the history once."""

    @abstractmethod
    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        """One row: floats or float arrays ``(m,)`` (numpy or Python), with the same names and shapes in every call."""


class Nothing(Measurement):
    """A measurement without columns, for a probe that does not apply to the problem."""

    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        return {}


class Probe(Part, ABC):
    """A measurement along a run, described by a frozen dataclass of options."""

    registry = PROBES

    @abstractmethod
    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> Measurement:
        """Prepare the probe; called again whenever the trial space of the iterates changes.

        Args:
            target: The problem with its exact or reference solution, and the points at which iterates are compared with it.
            iterate: One of the iterates to measure; only its space is used, not its values.
            discrete_solution: The limit of the iterates in their space, the target of algebraic errors; None if unknown.
            facts: Facts of the run so far, from earlier spaces; columns must keep their names and shapes.
        """


def make_probe(name: str) -> Probe:
    """A probe given by name or as ``path/to/file.py:Name``, optionally followed by options, as in ``"ntk:number=50"``.

    Raises:
        UnknownNameError: If the probe or an option does not exist.
        OptionError: If a value lies outside its range, or the name does not refer to a probe.
    """
    name, options = split_options(name)
    probe = build("probe", name, PROBES.load(name), options)
    if not isinstance(probe, Probe):
        raise OptionError(f"'{name}' must be a Probe or a function that returns one, got {type(probe).__name__}")
    return probe


def default_probes() -> tuple[Probe, ...]:
    """The probes named in `DEFAULT_PROBES`."""
    return tuple(make_probe(name) for name in DEFAULT_PROBES)
