"""Adaptive point rules, which choose points among Sobol candidates by the residual of the current iterate."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pdefreq.parts.part import COUNT, NONNEGATIVE, require
from pdefreq.parts.points import RandomPoints

if TYPE_CHECKING:
    import torch

    from pdefreq.core.shapes import Points as Coordinates
    from pdefreq.core.shapes import Values
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.samples import Samples


@dataclass(frozen=True, kw_only=True)
class AdaptivePoints(RandomPoints):
    """A point rule that starts with Sobol points and chooses points by the residual every few steps.

    All points have the same weight, as in the papers, so that regions with many points have more weight in the loss.

    Args:
        number: Number of initial interior points; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond, with gauss-newton at
            least 500, 1600, 2000.
        resample_every: Number of steps between choices.
        candidates: Number of candidates for each of the initial points.
    """

    is_sobol = True
    is_adaptive: ClassVar[bool] = True

    resample_every: int = 100
    candidates: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "candidates")

    def offered(self, domain: Domain, seed: int, draw: int) -> Samples:
        """The candidates for one choice, float64 on the CPU."""
        from pdefreq.core.streams import stream

        assert self.number is not None
        return domain.interior(self.candidates * self.number, stream(seed, "candidates", draw), sobol=True)

    @abstractmethod
    def chosen(self, current: Coordinates, offered: Coordinates, residual: Values, generator: torch.Generator) -> Coordinates:
        """The points of the next steps, float64 on the CPU.

        Args:
            current: The current points, ``(n, d)``.
            offered: The candidates, ``(m, d)``.
            residual: |r| at the candidates, finite, ``(m,)``.
            generator: The random generator of this choice.
        """


@dataclass(frozen=True, kw_only=True)
class Rad(AdaptivePoints):
    """Points drawn from a density that increases with the residual, |r|^k / mean |r|^k + c (RAD).

    Args:
        exponent: The exponent k; with 0 the points are uniform.
        offset: The constant c, which adds a uniform density.

    Source:
        Wu, Zhu, Tan, Kartha, Lu (2023), CMAME 403, 115671, arXiv 2207.10289, equation 2 and Algorithm 2.
    """

    exponent: float = 1.0
    offset: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, NONNEGATIVE, "exponent", "offset")

    def chosen(self, current: Coordinates, offered: Coordinates, residual: Values, generator: torch.Generator) -> Coordinates:
        density = self.density(residual)
        places = density.multinomial(min(len(current), int(density.count_nonzero())), generator=generator)
        return offered[places]

    def density(self, residual: Values) -> Values:
        """The density relative to the uniform one, not normalized; uniform if the residual is zero."""
        largest = residual.max()
        power = (residual / largest) ** self.exponent if largest > 0 else residual.new_ones(len(residual))
        return power / power.mean() + self.offset


@dataclass(frozen=True, kw_only=True)
class Rar(AdaptivePoints):
    """The current points and the candidates with the largest residuals (residual-based adaptive refinement, RAR).

    Args:
        add: Number of points that are added each time.

    Source:
        Lu, Meng, Mao, Karniadakis (2021), SIAM Review 63, 208-228; Wu, Zhu, Tan, Kartha, Lu (2023), CMAME 403, 115671, arXiv
        2207.10289, Algorithm 1 (RAR-G).
    """

    add: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "add")

    def chosen(self, current: Coordinates, offered: Coordinates, residual: Values, generator: torch.Generator) -> Coordinates:
        import torch

        return torch.cat([current, offered[residual.topk(min(self.add, len(residual))).indices]])
