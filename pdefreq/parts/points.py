"""Point rules: the points at which a loss is sampled."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from pdefreq.core.composition import Part
from pdefreq.core.errors import IncompatibleError
from pdefreq.parts.part import COUNT, require
from pdefreq.parts.tables import POINTS

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.samples import Samples

_MOST = 3  # largest dimension with Gauss points


class Points(Part):
    """A rule for interior points, which depend only on the seed and the number of the draw.

    Attributes:
        is_adaptive: Whether the points depend on the residual of the current iterate.
    """

    registry = POINTS
    is_adaptive: ClassVar[bool] = False
    number: int | None

    @property
    def is_fixed(self) -> bool:
        """Whether all steps use the same points."""
        return True

    def suited(self, dimension: int, *, known: bool, even: bool) -> Points:
        """The rule that is used.

        Args:
            dimension: The dimension of the domain.
            known: Whether the loss is a sum over the points of [data].
            even: Whether the points are to be spread evenly, at the cost of the accuracy of integrals.
        """
        return self

    def resolved(self, dimension: int, number: int, *, known: bool) -> Points:
        """The rule with all defaults set.

        Args:
            dimension: The dimension of the domain.
            number: The default number of interior points.
            known: Whether the loss is a sum over the points of [data].

        Raises:
            IncompatibleError: If the rule does not suit the loss or the dimension.
        """
        if known:
            raise IncompatibleError(
                f"the loss is a sum over the points at which the problem gives its source ([data]): leave points={self._name} out"
            )
        return replace(self, number=self.number or number)  # pyright: ignore[reportArgumentType]

    def draw(self, step: int) -> int:
        """The number of the draw that a step uses, counted from 0."""
        return 0

    @abstractmethod
    def interior(self, domain: Domain, seed: int, draw: int) -> Samples:
        """Interior points of one draw with their weights, float64 on the CPU."""

    @property
    def _name(self) -> str:
        return self.registry.name_of(type(self)) or type(self).__name__


@dataclass(frozen=True, kw_only=True)
class AtData(Points):
    """The points of [data] at which the problem gives its source."""

    number = None

    def resolved(self, dimension: int, number: int, *, known: bool) -> Points:
        if not known:
            raise IncompatibleError(
                "points=at-data needs a loss that is a sum over points that the problem gives ([data]): use `--set points=sobol`"
            )
        return self

    def interior(self, domain: Domain, seed: int, draw: int) -> Samples:
        raise AssertionError("the points belong to the problem")


@dataclass(frozen=True, kw_only=True)
class Automatic(Points):
    """Gauss points up to 2-D and Sobol points beyond; the points of [data] if the loss is a sum over them.

    Residuals on domains with holes are trained by gauss-newton on Sobol points that stay the same: the Gauss points of such
    domains lie on lines, and networks overfit a few thousand of them.

    Args:
        number: Number of interior points, unless the problem provides them; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond,
            and with gauss-newton at least 500, 1600, 2000.
    """

    number: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "number")

    def suited(self, dimension: int, *, known: bool, even: bool) -> Points:
        if known:
            return AtData()
        if dimension > 2:
            return Sobol(number=self.number)
        return Sobol(number=self.number, resample_every=None) if even else Gauss(number=self.number)

    def resolved(self, dimension: int, number: int, *, known: bool) -> Points:
        return self.suited(dimension, known=known, even=False).resolved(dimension, number, known=known)

    def interior(self, domain: Domain, seed: int, draw: int) -> Samples:
        raise AssertionError("the rule is chosen by `suited`")


@dataclass(frozen=True, kw_only=True)
class Gauss(Points):
    """A fixed Gauss quadrature, up to three dimensions.

    Args:
        number: Number of interior points; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond, with gauss-newton at
            least 500, 1600, 2000.
    """

    number: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "number")

    def resolved(self, dimension: int, number: int, *, known: bool) -> Points:
        if dimension > _MOST:
            raise IncompatibleError(f"Gauss points are limited to {_MOST} dimensions, got {dimension}: use `--set points=sobol`")
        return super().resolved(dimension, number, known=known)

    def interior(self, domain: Domain, seed: int, draw: int) -> Samples:
        assert self.number is not None
        return domain.quadrature(self.number)


@dataclass(frozen=True, kw_only=True)
class RandomPoints(Points):
    """Random points that are redrawn every few steps, or stay the same.

    Args:
        number: Number of interior points; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond, with gauss-newton at
            least 500, 1600, 2000.
        resample_every: Number of steps between draws; null means that all steps use the first draw.
    """

    is_sobol: ClassVar[bool]

    number: int | None = None
    resample_every: int | None = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "number", "resample_every")

    @property
    def is_fixed(self) -> bool:
        return self.resample_every is None

    def draw(self, step: int) -> int:
        return 0 if self.resample_every is None else step // self.resample_every

    def interior(self, domain: Domain, seed: int, draw: int) -> Samples:
        from pdefreq.core.streams import stream

        assert self.number is not None
        return domain.interior(self.number, stream(seed, "interior", draw), sobol=self.is_sobol)


@dataclass(frozen=True, kw_only=True)
class Sobol(RandomPoints):
    """Points of a scrambled Sobol sequence, redrawn every few steps."""

    is_sobol = True


@dataclass(frozen=True, kw_only=True)
class Uniform(RandomPoints):
    """Independent points of the uniform distribution, redrawn every few steps."""

    is_sobol = False
