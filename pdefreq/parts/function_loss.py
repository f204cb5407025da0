"""Losses given by a Python function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pdefreq.core.errors import OptionError
from pdefreq.core.registry import is_file, nearest
from pdefreq.parts.losses import Loss, Sampled

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace


@dataclass(frozen=True, kw_only=True)
class FunctionLoss(Loss):
    """The integral of a function of u and its derivatives, or of the square of a residual.

    Args:
        function: A function with some of the parameters u, gradient, second and x: the values ``(n,)``, gradients ``(n, d)``
            and Laplacians ``(n,)`` of u at points x, ``(n, d)``, as tensors; or my_file.py:Name.
        form: Whether the function returns a residual, whose square is integrated, or the integrand itself (density). A residual
            may have several components, ``(n, k)``. By default (null), the function is a residual; if it is not linear in the
            highest derivative of u, it may be either, and the form has to be stated.
        constants: Numbers for further parameters of the function, such as c:2; each of these parameters has a default.
    """

    function: str | Callable[..., Any]
    form: Literal["residual", "density"] | None = None
    constants: Mapping[str, float] | None = None

    adopts = "a function with some of the parameters u, gradient, second and x, such as `def residual(u, second, x)`"
    sums_over_data = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._names  # noqa: B018  # raises if a parameter is unknown

    @staticmethod
    def accepts(value: Any) -> bool:
        """Whether a value is a function of u or its derivatives: of a parameter with such a name and without a default."""
        from pdefreq.functionals.pointwise import ARGUMENTS

        if not inspect.isfunction(value):
            return False
        needed = {name for name, p in inspect.signature(value).parameters.items() if p.default is p.empty}
        return not needed.isdisjoint(ARGUMENTS[:3])

    @classmethod
    def adopt(cls, value: Any) -> FunctionLoss:
        """The part for a value that it accepts, or for the name of such a value in a file."""
        return cls(function=value)

    @property
    def is_square(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.form != "density"

    @property
    def derivatives(self) -> int:
        from pdefreq.functionals.pointwise import order_of

        return order_of(self._names)

    def is_quadratic(self, *, linear: bool) -> bool:
        return False

    def functional(self, problem: Problem, space: TrialSpace, sampled: Sampled, *, like: Tensor) -> Functional:
        from pdefreq.functionals.boundary_penalty import ConditionsAtPoints, PenaltyBlock, RobinEnergyBlock, RobinResidualBlock
        from pdefreq.functionals.equation_at_points import WeakEquation
        from pdefreq.functionals.functional import Functional
        from pdefreq.functionals.pointwise import PointwiseDensity, PointwiseResidual, require_form
        from pdefreq.functionals.sampling import in_blocks

        require_form(self.form, self._loaded, self._names, sampled.interior.x)
        kind = PointwiseResidual if self.is_square else PointwiseDensity
        columns = sampled.interior.x, sampled.interior.weights
        blocks: list[Any] = [
            kind(space.at(x), self._loaded, self._names, x, weights) for x, weights in in_blocks(columns, space, like)
        ]
        if sampled.boundary is not None:
            edge = sampled.boundary
            conditions = ConditionsAtPoints.of(problem.boundary, problem.part_of(edge), edge, like)
            if sampled.beta is not None:
                blocks += [PenaltyBlock(space, dirichlet, sampled.beta) for dirichlet in conditions.where("dirichlet")]
            for robin in conditions.where("robin"):
                weak = WeakEquation.at(problem.equation, robin.x.double().cpu(), like)
                blocks.append(
                    RobinResidualBlock(weak, space, robin, sampled.flux_beta)
                    if self.is_square
                    else RobinEnergyBlock(space, robin)
                )
        return Functional(blocks)

    @property
    def _given(self) -> Callable[..., Tensor]:
        return self.registry.load(self.function) if isinstance(self.function, str) else self.function

    @property
    def _loaded(self) -> Callable[..., Tensor]:
        """The function with the constants in place of their defaults."""
        return functools.partial(self._given, **self.constants) if self.constants else self._given

    @property
    def _names(self) -> Sequence[str]:
        from pdefreq.functionals.pointwise import ARGUMENTS

        if isinstance(self.function, str) and not is_file(self.function):
            raise OptionError(f"`function` must be a function or my_file.py:Name, got '{self.function}'")
        parameters = inspect.signature(self._given).parameters
        further = {name: p for name, p in parameters.items() if name not in ARGUMENTS}
        if unknown := [name for name, p in further.items() if p.default is p.empty]:
            raise OptionError(
                f"the parameters of the function of a loss must be among {', '.join(ARGUMENTS)}, got {unknown[0]}: give a number "
                f"a default, such as `{unknown[0]}=1.0`"
            )
        if unknown := [name for name in self.constants or () if name not in further]:
            raise OptionError(f"the function of the loss has no constant '{unknown[0]}': {nearest(unknown[0], further)}")
        return [name for name in parameters if name in ARGUMENTS]
