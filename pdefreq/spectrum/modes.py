"""Families of modes by name: those of a box, and those of any domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.domains.box import Box
from pdefreq.errors import IncompatibleError, UnknownNameError
from pdefreq.registry import nearest
from pdefreq.spectrum.box_modes import BOX_FAMILIES, DEFAULT_INTERVALS, grid_intervals, make_modes
from pdefreq.spectrum.eigen import EigenModes, NeumannModes
from pdefreq.spectrum.family import Modes, strongest

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pdefreq.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace

__all__ = ["DEFAULT_INTERVALS", "FAMILIES", "Modes", "grid_intervals", "make_modes", "modes_of", "strongest"]

_MESH_FAMILIES: dict[str, type[EigenModes]] = {family.kind: family for family in (EigenModes, NeumannModes)}
FAMILIES: dict[str, type[Modes]] = {**BOX_FAMILIES, **_MESH_FAMILIES}


def modes_of(problem: Problem, kind: str, indices: ArrayLike | None = None, *, space: TrialSpace | None = None) -> Modes:
    """Modes of a family on the domain of a problem.

    Args:
        problem: Its domain counts, and for ``"eigen"`` where it has Dirichlet conditions.
        kind: A name in `FAMILIES`.
        indices: Numbers of the modes, as `Modes.indices`; by default all that there are, or the first, of which
            `Modes.strongest` gets as many as a function needs.
        space: The modes that its grid carries, if it has one; by default those of a fine grid.

    Raises:
        UnknownNameError: If there is no such family.
        IncompatibleError: If the family has no modes on the domain.
    """
    domain = problem.domain
    if kind in _MESH_FAMILIES:
        return _MESH_FAMILIES[kind].of(problem, indices)
    if kind in BOX_FAMILIES and not isinstance(domain, Box):
        raise IncompatibleError(f"{kind} modes need a box, and the domain is a {domain.title}: watch eigen modes")
    if kind not in FAMILIES:
        raise UnknownNameError(f"unknown modes '{kind}': {nearest(kind, FAMILIES)}")
    assert isinstance(domain, Box)
    intervals = None if space is None else grid_intervals(domain, space)
    return make_modes(kind, domain, indices, intervals=intervals)
