"""Mode families by name: those of a box, those of a mesh, and waves along a direction in any dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError, UnknownNameError
from pdefreq.core.registry import nearest
from pdefreq.domains.box import Box
from pdefreq.spectrum.box_modes import BOX_FAMILIES, make_modes
from pdefreq.spectrum.eigen import EigenModes, NeumannModes
from pdefreq.spectrum.family import Modes, strongest
from pdefreq.spectrum.ray import RayModes
from pdefreq.spectrum.sampling_grid import DEFAULT_INTERVALS, grid_intervals
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
"""Largest dimension of grids and meshes."""


_PER_WAVE = 4  # intervals in the shortest wavelength
_MOST_INTERVALS = {1: 2**16, 2: 2**10, 3: 2**6}  # along each axis
MESH_FAMILIES: dict[str, type[EigenModes]] = {family.kind: family for family in (EigenModes, NeumannModes)}
WAVE_FAMILIES: dict[str, type[RayModes]] = {family.kind: family for family in (RayModes, ToneModes)}
FAMILIES: dict[str, type[Modes]] = {**BOX_FAMILIES, **MESH_FAMILIES, **WAVE_FAMILIES}


@dataclass(frozen=True)
class ModeFamilies:
    """The mode families of the domain of a problem, and the family in which the problem is measured.

    Args:
        problem: A problem, of which the domain and `spectrum` are used, and for ``"eigen"`` the Dirichlet parts.
    """

    problem: Problem

    @property
    def chosen(self) -> str:
        """The family that the problem names, or the default family.

        Defaults are sine modes on a box, eigen modes on other domains, and ray modes beyond three dimensions. On a box with
        periodic sides they are Fourier modes, or eigen modes if some sides are not periodic. On a box without prescribed values
        they are cosine modes: sine modes subtract the line through the end values, and for a fit of a low tone that would
        remove most of the solution.
        """
        named, domain = self.problem.spectrum.modes, self.problem.domain
        if domain.dimension > MOST_DIMENSIONS:  # a file may name the family for lower dimensions
            return named if named in WAVE_FAMILIES else "ray"
        if named or not isinstance(domain, Box):
            return named or "eigen"
        if self.problem.periodic_axes:
            return "fourier" if self.problem.is_periodic else "eigen"
        return "sine" if any(part.kind == "dirichlet" for part in self.problem.boundary) else "cosine"

    def _intervals(self, box: Box) -> tuple[int, ...]:
        """Intervals of the grid for functions without a grid, enough for the waves in the formulas of the problem.

        A wave that the grid does not resolve would appear as a mode of a lower wavenumber.
        """
        usual, d = DEFAULT_INTERVALS[box.dimension], box.dimension
        shortest = min((feature.length for feature in self.problem.features if feature.kind == "wave"), default=math.inf)
        needed = [_PER_WAVE * length / shortest for length in box.lengths]
        return tuple(min(max(usual, 2 ** math.ceil(math.log2(n)) if n > 0 else usual), _MOST_INTERVALS[d]) for n in needed)

    def check(self, kind: str) -> None:
        """Check that a family has modes on the domain, before any computation.

        Raises:
            UnknownNameError: If the family does not exist.
            IncompatibleError: If it has no modes on the domain.
        """
        domain = self.problem.domain
        if kind not in FAMILIES:
            raise UnknownNameError(f"unknown modes '{kind}': {nearest(kind, FAMILIES)}")
        if kind in WAVE_FAMILIES:
            WAVE_FAMILIES[kind].check(self.problem)
        elif domain.dimension > MOST_DIMENSIONS:
            raise IncompatibleError(
                f"{kind} modes need a grid or mesh, so at most {MOST_DIMENSIONS} dimensions, got {domain.dimension}: "
                "use ray modes"
            )
        elif kind in BOX_FAMILIES and not isinstance(domain, Box):
            raise IncompatibleError(f"{kind} modes need a box, and the domain is a {domain.title}: use eigen modes")

    def modes(self, kind: str, indices: ArrayLike | None = None, *, space: TrialSpace | None = None) -> Modes:
        """Modes of a family on the domain.

        Args:
            kind: A name in `FAMILIES`.
            indices: Numbers of the modes, as `Modes.indices`; by default all modes, or the first ones, which `Modes.strongest`
                extends as needed.
            space: A space, whose grid determines the modes if it has one; by default a fine grid does.

        Raises:
            UnknownNameError: If the family does not exist.
            IncompatibleError: If the family has no modes on the domain.
        """
        self.check(kind)
        if kind in WAVE_FAMILIES:
            return WAVE_FAMILIES[kind].of(self.problem, indices)
        if kind in MESH_FAMILIES:
            return MESH_FAMILIES[kind].of(self.problem, indices)
        domain = self.problem.domain
        assert isinstance(domain, Box)
        usual = self._intervals(domain)
        intervals = grid_intervals(domain, space, usual)
        return make_modes(kind, domain, indices, intervals=intervals, periodic=self.problem.is_periodic).sampled_on(usual)
