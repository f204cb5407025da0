"""Data: a source, or the target of a regression, that is known at points only."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pdefreq.core.content import Content
from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import Field

if TYPE_CHECKING:
    from pdefreq.core.shapes import Points, Values

_GENERATED = ("uniform", "random")


@dataclass(frozen=True)
class Data(Content):
    """Points at which f is known, when it is not known everywhere. For a regression c u = f these are the data to fit.

    Either rules for points at which the source is taken, ``Data("uniform", 20)``, or points with their values,
    ``Data(x=points, values=values)``.

    Args:
        points: ``"uniform"``: evenly spread, end points included; ``"random"``: uniform random. With `x`: what to call them.
        number: How many, in one dimension; per axis for ``"uniform"`` in more. With `x` it is known.
        noise: Standard deviation of Gaussian noise added to the values.
        holdout: The part of the points, at least 0 and below 1, that no method trains on; for regressions.
        x: Points, shape ``(n, d)``; in one dimension ``(n,)`` will do. Tensor or array.
        values: f at these points, shape ``(n,)``.
        interpolant: What stands for f between the points, in figures and in errors; by default the value at the nearest point.

    Raises:
        ProblemFileError: If points lack values, shapes do not fit, or a number is not finite or out of its range.

    Example:
        >>> Data(x=[0.25, 0.5, 0.75], values=[1.0, 2.0, 1.0]).number
        3
    """

    content_type: ClassVar[str] = "data"
    points: str = ""
    number: int = 0
    noise: float = 0.0
    holdout: float = 0.0
    x: Points | None = field(default=None, compare=False, repr=False)
    values: Values | None = field(default=None, compare=False, repr=False)
    interpolant: Field | None = field(default=None, compare=False, repr=False)
    digest: str = field(default="", init=False, repr=False)  # stands for the tensors where problems are compared

    def __post_init__(self) -> None:
        if not 0 <= self.noise < float("inf"):
            raise ProblemFileError(f"[data] noise must be a standard deviation, zero or more and finite, got {self.noise:g}")
        if not 0 <= self.holdout < 1:
            raise ProblemFileError(f"[data] holdout must be a part of the points, at least 0 and below 1, got {self.holdout:g}")
        if (self.x is None) != (self.values is None):
            raise ProblemFileError("[data] x and values belong together: give both, or neither")
        if self.x is not None:
            self._take(self.x, self.values)
        elif self.points not in _GENERATED or self.number < 1:
            raise ProblemFileError(
                f'[data] needs points = "uniform" or "random" and a number, or x and values; got {self.points!r}, {self.number}'
            )

    def _take(self, x: Any, values: Any) -> None:
        import torch

        x, values = (torch.as_tensor(v, dtype=torch.float64).detach().cpu() for v in (x, values))
        x = x[:, None] if x.ndim == 1 else x
        if x.ndim != 2 or values.shape != x.shape[:1] or not len(x):
            raise ProblemFileError(
                f"[data] x must have shape (n, d) and values (n,), got {tuple(x.shape)} and {tuple(values.shape)}"
            )
        for name, column in (("x", x), ("values", values)):
            if not bool(column.isfinite().all()):
                row = int((~column.isfinite()).reshape(len(x), -1).any(dim=1).nonzero()[0])
                raise ProblemFileError(f"[data] {name} must be finite, and row {row} is not: leave it out")
        digest = hashlib.sha256(x.contiguous().numpy().tobytes() + values.contiguous().numpy().tobytes()).hexdigest()
        taken = {"x": x, "values": values, "number": len(x), "points": self.points or "given", "digest": digest}
        for name, value in taken.items():
            object.__setattr__(self, name, value)

    def content(self) -> Any:
        """The rule, or the points and values; what the points are called serves people only."""
        own = super().content()
        return own if self.x is None else own | {"points": "given", "title": self.points}

    @classmethod
    def from_content(cls, arguments: dict[str, Any]) -> Self:
        name = arguments.pop("title", None)
        return super().from_content(arguments if name is None else arguments | {"points": name})

    @property
    def field(self) -> Field | None:
        """What stands for f between the points; None where the points come without values."""
        return self.interpolant or (NearestValue(self) if self.values is not None else None)

    def count(self, dimension: int) -> int:
        """How many points there are in all."""
        return self.number**dimension if self.points == "uniform" and self.x is None else self.number

    def held_out(self, dimension: int) -> int:
        """How many of them no method trains on."""
        return round(self.holdout * self.count(dimension))

    def text(self, dimension: int) -> str:
        """For people."""
        count = self.count(dimension)
        noise = f", noise {self.noise:g}" if self.noise else ""
        kept = f", {self.held_out(dimension)} of them held out" if self.holdout else ""
        where = f"{count} points of {self.points}" if self.x is not None else f"{count} {self.points} points"
        return where + noise + kept


@dataclass(frozen=True)
class NearestValue(Field):
    """At each point the value at the nearest point of some data: nothing is made up in between."""

    content_type: ClassVar[str] = "nearest-value"
    data: Data
    has_kinks = True

    @functools.cached_property
    def _tree(self) -> Any:
        from scipy.spatial import KDTree

        assert self.data.x is not None
        return KDTree(self.data.x.numpy())

    def __call__(self, x: Points) -> Values:
        import torch

        assert self.data.values is not None
        _, nearest = self._tree.query(x.detach().cpu().double().numpy())
        return self.data.values[torch.from_numpy(nearest)].to(x)

    @property
    def text(self) -> str:
        return f"known at the {self.data.number} points of {self.data.points}"
