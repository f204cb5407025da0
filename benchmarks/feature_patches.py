"""Sines times windows on patches beside global sines: ``python benchmarks/feature_patches.py``.

The solution is a sum of four tones of equal amplitude, up to sin 16 pi x sin 16 pi y. The unit square is covered by P x P
patches, whose windows are products of smooth bumps of one variable, normalized so that their sum is 1, and extend beyond the
cell of a patch by a quarter of its side. Each patch has random sines up to its own bandwidth, in half waves per side of the
support: the occupied wavenumbers on this side plus a margin. With one patch there is no window. All problems have the same
numbers of rows per function and are solved with sketched least squares, in one thread and float64. Zero entries of the matrix
are treated like all others.

``--tones`` sets the largest wavenumber, ``--margin`` the margins, ``--overlap`` the overlap.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.problem.problem import Problem
from pdefreq.solvers.feature_bands import num_features
from pdefreq.solvers.feature_objectives import boundary_weights
from pdefreq.spaces.features.features import Features
from pdefreq.spaces.features.sine_features import SineFeatures, random_sines
from pdefreq.spaces.features.wave_bands import WaveBands
from pdefreq.theory.sketched_least_squares import SketchedFactorization

ROWS, POINTS = 2.6, 20_000


@dataclass(frozen=True, eq=False)
class WindowedSines:
    """Sines times the window of patch (i, j) of a P x P partition of unity on the unit square."""

    sines: SineFeatures
    patch: tuple[int, int]
    patches: int
    overlap: float

    @property
    def size(self) -> int:
        return self.sines.size

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return self._window(x)[0][:, None] * self.sines.value(x)

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        w, slope, _ = self._window(x)
        return w[:, None, None] * self.sines.gradient(x) + slope[:, :, None] * self.sines.value(x)[:, None]

    def laplacian(self, x: torch.Tensor) -> torch.Tensor:
        w, slope, bend = self._window(x)
        bend = bend.diagonal(dim1=1, dim2=2).sum(dim=1)
        found = w[:, None] * self.sines.laplacian(x) + bend[:, None] * self.sines.value(x)
        return found + 2 * torch.einsum("nd,ndm->nm", slope, self.sines.gradient(x))

    def hessian(self, x: torch.Tensor) -> torch.Tensor:
        w, slope, bend = self._window(x)
        mixed = torch.einsum("ni,njm->nijm", slope, self.sines.gradient(x))
        found = w[:, None, None, None] * self.sines.hessian(x) + mixed + mixed.transpose(1, 2)
        return found + bend[..., None] * self.sines.value(x)[:, None, None]

    def _window(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The window, its gradient and its second derivatives, ``(n, 2, 2)``."""
        (a, da, dda), (b, db, ddb) = (self._of_axis(x[:, k], self.patch[k]) for k in (0, 1))
        bend = torch.stack([dda * b, da * db, da * db, a * ddb], dim=1).view(-1, 2, 2)
        return a * b, torch.stack([da * b, a * db], dim=1), bend

    def _of_axis(self, t: torch.Tensor, index: int) -> list[torch.Tensor]:
        """The normalized bump of one variable with two derivatives, by automatic differentiation."""
        t = t.detach().requires_grad_(True)
        with torch.enable_grad():
            bumps = [self._bump(t, k) for k in range(self.patches)]
            found = [bumps[index] / sum(bumps)]
            for _ in range(2):
                found.append(torch.autograd.grad(found[-1].sum(), t, create_graph=True)[0])
        return [each.detach() for each in found]

    def _bump(self, t: torch.Tensor, index: int) -> torch.Tensor:
        """exp(-1 / (1 - s^2)) for |s| < 1, with s = 1 at the end of the support."""
        s = (t * self.patches - index - 0.5) / (0.5 + self.overlap)
        inside = 1 - s**2
        return torch.where(inside > 0, torch.exp(-1 / inside.clamp(min=1e-300)), 0.0)


def space(patches: int, tones: int, margin: float, overlap: float) -> tuple[Features, float]:
    """The trial space, and its largest wavenumber in rad per unit of length."""
    side = 1.0 if patches == 1 else (1 + 2 * overlap) / patches
    half_waves = tones * side + margin
    bands = WaveBands.box([half_waves] * 2)
    number, angular = num_features(bands), bands.scaled([math.pi / side] * 2)
    families = []
    for k, patch in enumerate(itertools.product(range(patches), repeat=2)):
        middle = [(index + 0.5) / patches for index in patch]
        sines = random_sines(angular, number, [side] * 2, middle, stream(0, "patch", k))
        families.append(sines if patches == 1 else WindowedSines(sines, patch, patches, overlap))
    return Features(tuple(families)), max(angular.largest)


def measured(patches: int, tones: int, margin: float, overlap: float) -> str:
    """One row of the table."""
    exact = "+".join(f"sin({w}*pi*x)*sin({w}*pi*y)" for w in range(tones // 4, tones + 1, tones // 4))
    problem = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), exact=exact)
    began = time.process_time()
    trial, largest = space(patches, tones, margin, overlap)
    count = trial.num_coefficients
    rows = math.ceil(ROWS * count)
    interior = problem.domain.interior(rows, stream(0, "interior"), sobol=True)
    edge = problem.domain.boundary(math.ceil(6 * math.sqrt(rows)))
    beta, robin = boundary_weights(problem, "l2", largest / 3, interior, edge)
    like = torch.zeros(0, dtype=torch.float64)
    functional = StrongResidual(problem, trial, interior, edge, beta=beta, robin_beta=robin, like=like)
    zero = like.new_zeros(count)
    residual = functional.residual(zero)
    stored = [block.detach() for block in functional.factor_by_block(zero)]
    empty = sum(int((block == 0).sum()) for block in stored) / sum(block.numel() for block in stored)
    c, left = SketchedFactorization(lambda: stored, count, stream(0, "sketch")).solve(-residual)
    seconds = time.process_time() - began
    x = problem.domain.interior(POINTS, stream(0, "benchmark")).x
    u = trial.at(x).value(c)
    error = float((u - problem.exact(x)).norm() / problem.exact(x).norm())
    relative = float(left.norm() / residual.norm())
    return f"| {patches} x {patches} | {margin:g} | {count} | {1 - empty:.2f} | {seconds:.1f} | {relative:.1e} | {error:.1e} |"


def main() -> None:
    """Measure global sines and patches, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tones", type=int, default=16)
    parser.add_argument("--patches", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--margin", type=float, nargs="+", default=[0.0, 4.0, 8.0])
    parser.add_argument("--overlap", type=float, default=0.25, help="of the side of a cell, on each side")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.linalg.lstsq(torch.eye(2), torch.ones(2, 1), driver="gels")  # loads libraries
    print(
        "| patches | margin | functions | nonzero entries | seconds | residual | error |\n|---|---|---|---|---|---|---|",
        flush=True,
    )
    for patches in arguments.patches:
        for margin in arguments.margin:
            print(measured(patches, arguments.tones, margin, arguments.overlap), flush=True)


if __name__ == "__main__":
    main()
