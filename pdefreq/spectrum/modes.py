"""Families of modes by name: those of a box, those of a mesh, and waves along a direction in any dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError, UnknownNameError
from pdefreq.core.registry import nearest
from pdefreq.domains.box import Box
from pdefreq.spectrum.box_modes import BOX_FAMILIES, DEFAULT_INTERVALS, grid_intervals, make_modes
from pdefreq.spectrum.eigen import EigenModes, NeumannModes
from pdefreq.spectrum.family import Modes, strongest
from pdefreq.spectrum.ray import RayModes
from pdefreq.spectrum.tones import ToneModes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace

__all__ = [
    "DEFAULT_INTERVALS",
    "FAMILIES",
    "MOST_DIMENSIONS",
    "ModeFamilies",
    "Modes",
    "grid_intervals",
    "make_modes",
    "strongest",
]

MOST_DIMENSIONS = max(DEFAULT_INTERVALS)
"""Beyond, there is neither a grid nor a mesh."""


MESH_FAMILIES: dict[str, type[EigenModes]] = {family.kind: family for family in (EigenModes, NeumannModes)}
WAVE_FAMILIES: dict[str, type[RayModes]] = {family.kind: family for family in (RayModes, ToneModes)}
FAMILIES: dict[str, type[Modes]] = {**BOX_FAMILIES, **MESH_FAMILIES, **WAVE_FAMILIES}


@dataclass(frozen=True)
class ModeFamilies:
    """The families of modes that the domain of a problem has, and the one in which the problem is measured.

    Args:
        problem: Its domain and its `spectrum` count, and for ``"eigen"`` where it has Dirichlet conditions.
    """

    problem: Problem

    @property
    def chosen(self) -> str:
        """The family that the problem names; else sine modes on a box, eigen modes elsewhere, ray modes beyond three dimensions.

        On a box all of whose sides are periodic Fourier modes, and eigen modes where some are. Where no values are prescribed, on
        a box, cosine modes. A fit of a low tone is wrong at the ends of an interval while it learns, and with the line through
        its end values, which sine modes leave out, would go most of what it has learnt.
        """
        named, domain = self.problem.spectrum.modes, self.problem.domain
        if domain.dimension > MOST_DIMENSIONS:  # where a file may name the family of its lower dimensions
            return named if named in WAVE_FAMILIES else "ray"
        if named or not isinstance(domain, Box):
            return named or "eigen"
        if self.problem.periodic_axes:
            return "fourier" if self.problem.is_periodic else "eigen"
        return "sine" if any(part.kind == "dirichlet" for part in self.problem.boundary) else "cosine"

    def check(self, kind: str) -> None:
        """Refuse a family that has no modes on the domain, before anything is computed.

        Raises:
            UnknownNameError: If there is no such family.
            IncompatibleError: If it has no modes there.
        """
        domain = self.problem.domain
        if kind not in FAMILIES:
            raise UnknownNameError(f"unknown modes '{kind}': {nearest(kind, FAMILIES)}")
        if kind in WAVE_FAMILIES:
            WAVE_FAMILIES[kind].check(self.problem)
        elif domain.dimension > MOST_DIMENSIONS:
            raise IncompatibleError(
                f"{kind} modes need a grid or mesh, so at most {MOST_DIMENSIONS} dimensions, got {domain.dimension}: "
                "watch ray modes"
            )
        elif kind in BOX_FAMILIES and not isinstance(domain, Box):
            raise IncompatibleError(f"{kind} modes need a box, and the domain is a {domain.title}: watch eigen modes")

    def modes(self, kind: str, indices: ArrayLike | None = None, *, space: TrialSpace | None = None) -> Modes:
        """Modes of a family on the domain.

        Args:
            kind: A name in `FAMILIES`.
            indices: Numbers of the modes, as `Modes.indices`; by default all that there are, or the first, of which
                `Modes.strongest` gets as many as a function needs.
            space: The modes that its grid resolves, if it has one; by default those of a fine grid.

        Raises:
            UnknownNameError: If there is no such family.
            IncompatibleError: If the family has no modes on the domain.
        """
        self.check(kind)
        if kind in WAVE_FAMILIES:
            return WAVE_FAMILIES[kind].of(self.problem, indices)
        if kind in MESH_FAMILIES:
            return MESH_FAMILIES[kind].of(self.problem, indices)
        domain = self.problem.domain
        assert isinstance(domain, Box)
        intervals = None if space is None else grid_intervals(domain, space)
        return make_modes(kind, domain, indices, intervals=intervals, periodic=self.problem.is_periodic)
