"""The modes that a run would measure on a problem, and the methods that can solve it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pdefreq.core.errors import UserError
from pdefreq.probes.spectral import SpectralProbe
from pdefreq.problem.needs import ENERGY
from pdefreq.problem.problem import Problem
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.requirements import can_mesh
from pdefreq.spectrum.modes import BOX_FAMILIES, WAVE_FAMILIES, ModeFamilies

if TYPE_CHECKING:
    import numpy as np

_SHOWN = 8  # number of wavenumbers that are listed
_PENALTY = "boundary=penalty"  # an option with which network methods impose any condition
_RESIDUAL = "loss=residual"  # an option with which network methods solve equations without an energy


@dataclass(frozen=True)
class Outlook:
    """The modes that a run watches, and the methods that can solve a problem.

    Args:
        family: The mode family.
        wavenumbers: The wavenumbers of the watched modes in ascending order, as far as they are known without solving the
            problem: those of the exact solution, or only those that the problem names.
        num_modes: The number of watched modes, of which several may have the same wavenumber; None if it is not known.
        is_measured: Whether there is a solution with which the modes of a run are compared.
        able: The names of methods that can solve the problem, with an option where one is needed.
        unable: The names of the other methods, by the requirement that the problem violates and the reason.
    """

    family: str
    wavenumbers: tuple[float, ...]
    num_modes: int | None
    is_measured: bool
    able: tuple[str, ...]
    unable: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether `wavenumbers` contains all wavenumbers of the watched modes."""
        return self.num_modes is not None

    @property
    def watched(self) -> str:
        """A description of the watched modes."""
        if not self.is_measured:
            return "no modes, since the function to fit is known only at the points of [data]"
        shown = [f"{xi:.6g}" for xi in self.wavenumbers[:_SHOWN]]
        more = f", ... {self.wavenumbers[-1]:.6g}" if len(self.wavenumbers) > _SHOWN else ""
        if self.num_modes == 0:
            return f"no modes, since u has none of the family {self.family}: name another family, [spectrum] modes or --modes"
        if self.is_complete:
            return f"{self.num_modes} {self.family} modes with wavenumbers {', '.join(shown)}{more}"
        named = f" and those nearest to the wavenumbers {', '.join(shown)}{more}" if shown else ""
        return f"the strongest {self.family} modes of the solution{named}"


def outlook(problem: Problem) -> Outlook:
    """The modes that a run watches, and the methods that can solve a problem.

    The strongest modes of an exact solution are determined for families that need no eigenfunctions of the domain.
    """
    families = ModeFamilies(problem)
    family, found = families.chosen, None
    if problem.exact is not None and (family in BOX_FAMILIES or family in WAVE_FAMILIES):
        try:
            found = _strongest(problem, families)
        except UserError:  # for example the tones of a problem that names none
            found = None
    able, unable = [], {}
    for name in SOLVERS:
        if name == "auto":
            continue
        why = _reason(problem, name)
        changed = f"{name}:{_RESIDUAL if why.startswith(ENERGY.what) else _PENALTY}"
        if why and _reason(problem, changed):
            unable.setdefault(why, []).append(name)
        else:
            able.append(changed if why else name)
    named = tuple(sorted(problem.spectrum.wavenumbers))
    known = named if found is None else tuple(sorted({float(f"{xi:.9g}") for xi in found.tolist()}))
    return Outlook(family, known, None if found is None else len(found), not problem.is_fit_of_points, tuple(able), unable)


def _strongest(problem: Problem, families: ModeFamilies) -> np.ndarray:
    """The wavenumbers of the modes of the exact solution that the default probe watches."""
    import torch

    assert problem.exact is not None
    modes = families.modes(families.chosen)
    values = problem.exact(torch.as_tensor(modes.points(None))).numpy()
    probe, named = SpectralProbe(), problem.spectrum.wavenumbers
    chosen, _ = modes.strongest(values, None, threshold=probe.threshold, max_modes=probe.max_modes, wavenumbers=named)
    return chosen.wavenumber


def _reason(problem: Problem, method: str) -> str:
    """The requirement of a method that a problem violates, with the reason, as ``"a box, and ..."``; else an empty string."""
    try:
        lacking = problem.lacks(make_solver(method).needs)
    except UserError as error:
        return str(error)
    if lacking is None and method == "fem" and not can_mesh(problem.domain):
        return "gmsh for meshes of this domain, and it is not installed: run `pip install 'pdefreq[mesh]'`"
    return "" if lacking is None else f"{lacking[0].what}, and {lacking[1]}"
