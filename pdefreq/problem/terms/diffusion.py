"""The diffusion term ``-div( A |grad u|^(p-2) grad u )``: the Laplacian, the p-Laplacian and anisotropic diffusion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.number_kinds import Number
from pdefreq.core.table_keys import Key, Other
from pdefreq.core.text_kinds import Formula
from pdefreq.core.validation import validated
from pdefreq.problem.terms.diffusion_forms import KEY, StrongPower, WeakMatrix, WeakPower, matrix_at, strong_matrix
from pdefreq.problem.terms.term import (
    CoefficientReader,
    FiniteDifferenceCoefficients,
    StrongTerm,
    Term,
    WeakTerm,
)

if TYPE_CHECKING:
    from sympy import Expr, Symbol
    from torch import Tensor

    from pdefreq.core.shapes import Points

HIGHEST_EXPONENT = 100
_EXPONENT = Number(above=1, most=HIGHEST_EXPONENT)
_ABOVE = (2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0)


def exponents(p: float) -> tuple[float, ...]:
    """The exponents of the continuation from 2 to p: upward in increasing steps, downward by halving p - 1.

    Example:
        >>> exponents(5), exponents(1.2)
        ((2.0, 3.0, 4.0, 5), (2.0, 1.5, 1.25, 1.2))
    """
    if p > 2:
        return (*(q for q in _ABOVE if q < p), p)
    halvings = math.ceil(-math.log2(p - 1)) if p < 2 else 0
    return (*(1 + 2.0**-k for k in range(halvings)), p)


@dataclass(frozen=True)
class Diffusion(Term):
    """The term ``-div( A |grad u|^(p-2) grad u )``: A >= 0 is a scalar or, for p = 2, a symmetric positive semidefinite matrix.

    Args:
        coefficient: The coefficient A: a field, or a matrix of fields as a tuple of rows.
        exponent: The exponent p > 1.

    Raises:
        ProblemFileError: If p is not above 1, a constant A is negative or not symmetric, or A is a matrix and p is not 2.
    """

    order: ClassVar[int] = 2
    keys: ClassVar[tuple[str, ...]] = (
        Key(
            "diffusion",
            Other(f"{Formula(file=True).words}; or a symmetric matrix, a list of rows"),
            "the coefficient A >= 0; 0 states a regression, whose solution is f / c",
            default="1",
            examples=("1", [["2", "0"], ["0", "1"]], "coefficient.csv"),
        ),
        Key("exponent", _EXPONENT, "the exponent p", default=2),
    )
    content_type: ClassVar[str] = "diffusion"

    coefficient: Field | tuple[tuple[Field, ...], ...] = field(default_factory=lambda: ConstantField(1.0))
    exponent: float = 2.0

    def __post_init__(self) -> None:
        if not _EXPONENT.holds(self.exponent):
            raise ProblemFileError(f"[equation] exponent must be{_EXPONENT.range}, got {self.exponent:g}")
        if isinstance(self.coefficient, Field):
            constant = self.coefficient.constant
            if constant is not None and not 0 <= constant < math.inf:
                raise ProblemFileError(f"{KEY} must be finite and nonnegative, got {constant:g}")
        elif not self.coefficient or any(len(row) != len(self.coefficient) for row in self.coefficient):
            raise ProblemFileError(f"{KEY} must be a square matrix, got {len(self.coefficient)} rows of a different length")
        elif self.exponent != 2:
            raise ProblemFileError(f"{KEY} must be one number or expression if exponent is not 2, got a matrix")
        elif self.constant:
            import torch

            matrix_at(self.coefficient, torch.zeros(1, len(self.coefficient), dtype=torch.float64))

    @classmethod
    def read(cls, values: Mapping[str, Any], dimension: int, coefficient: CoefficientReader) -> Diffusion | None:
        given, exponent = values.get("diffusion", 1.0), _exponent(values.get("exponent", 2.0), coefficient)
        if getattr(given, "shape", None) == (dimension, dimension) and dimension > 1:
            given = given.tolist()  # an array of this shape is the matrix, not values on a grid
        if not isinstance(given, (list, tuple)):
            read: Field | tuple[tuple[Field, ...], ...] = coefficient(given, "diffusion")
        else:
            rows = [row if isinstance(row, (list, tuple)) else () for row in given]
            if len(rows) != dimension or any(len(row) != dimension for row in rows):
                raise ProblemFileError(
                    f"{KEY} must be one number or expression, or a matrix of {dimension} rows with {dimension} entries each"
                )
            read = tuple(tuple(coefficient(entry, "diffusion") for entry in row) for row in rows)
        term = cls(read, exponent)
        return None if isinstance(read, Field) and read.constant == 0 else term

    @property
    def is_matrix(self) -> bool:
        """Whether the coefficient is a matrix."""
        return not isinstance(self.coefficient, Field)

    @property
    def linear(self) -> bool:
        return self.exponent == 2

    @property
    def coercive(self) -> bool:
        return True

    @property
    def constant(self) -> bool:
        return all(entry.constant is not None for entry in self._entries)

    @property
    def has_energy(self) -> bool:
        return True

    @property
    def stages(self) -> Sequence[Diffusion]:
        """The exponents between 2 and p."""
        return [replace(self, exponent=p) for p in exponents(self.exponent)]

    @property
    def text(self) -> str:
        return f"-div( {self._flux} )"

    @property
    def _flux(self) -> str:
        """The formula of A |grad u|^(p-2) grad u."""
        power = "" if self.exponent == 2 else f"|grad u|^{self.exponent - 2:g} "
        if isinstance(self.coefficient, Field):
            return f"{'' if self.coefficient.constant == 1 else f'({self.coefficient.text}) '}{power}grad u"
        rows = ", ".join(f"[{', '.join(entry.text for entry in row)}]" for row in self.coefficient)
        return f"[{rows}] grad u"

    @property
    def flux_text(self) -> str:
        return f"({self._flux}) . n" if self.is_matrix else f"{self._flux.removesuffix('grad u')}du/dn"

    @property
    def coefficients(self) -> Mapping[str, Field]:
        if isinstance(self.coefficient, Field):
            return {"diffusion a": self.coefficient}
        rows = enumerate(self.coefficient, 1)
        return {f"diffusion A{i}{j}": entry for i, row in rows for j, entry in enumerate(row, 1) if j >= i}

    @property
    def _entries(self) -> list[Field]:
        return [self.coefficient] if isinstance(self.coefficient, Field) else [entry for row in self.coefficient for entry in row]

    def symbolic(self, u: Expr, x: Sequence[Symbol]) -> Expr:
        from pdefreq.problem.expressions.arithmetic import negative
        from pdefreq.problem.expressions.manufactured import divergence

        return negative(divergence(u, self._expressions(len(x)), self.exponent, x))

    def symbolic_flux(self, u: Expr, x: Sequence[Symbol]) -> Sequence[Expr]:
        from pdefreq.problem.expressions.manufactured import flux

        return flux(u, self._expressions(len(x)), self.exponent, x)

    def _expressions(self, dimension: int) -> Expr | list[list[Expr]]:
        from pdefreq.problem.expressions import expression_of

        if isinstance(self.coefficient, Field):
            return expression_of(self.coefficient)
        return [[expression_of(entry) for entry in row] for row in self.coefficient]

    def finite_difference_coefficients(self) -> FiniteDifferenceCoefficients | None:
        if not self.linear:
            return None
        if isinstance(self.coefficient, Field):
            return FiniteDifferenceCoefficients(diffusion=(self.coefficient,))
        off = [entry for i, row in enumerate(self.coefficient) for j, entry in enumerate(row) if i != j]
        diagonal = tuple(row[i] for i, row in enumerate(self.coefficient))
        return None if any(entry.constant != 0 for entry in off) else FiniteDifferenceCoefficients(diffusion=diagonal)

    def symbol(self, xi: Tensor) -> Tensor | None:
        if not (self.linear and self.constant):
            return None
        if isinstance(self.coefficient, Field):
            return self.coefficient.constant * xi.square().sum(dim=1)  # pyright: ignore[reportOptionalOperand]
        a = xi.new_tensor([[entry.constant for entry in row] for row in self.coefficient])
        return ((xi @ a) * xi).sum(dim=1)

    def weak(self, x: Points) -> WeakTerm:
        if isinstance(self.coefficient, Field):
            return WeakPower(validated(self.coefficient, KEY, x, least=0), self.exponent)
        return WeakMatrix(matrix_at(self.coefficient, x))

    def strong(self, x: Points) -> StrongTerm:
        if isinstance(self.coefficient, Field):
            a = validated(self.coefficient, KEY, x, least=0)
            slope = validated(self.coefficient.gradient, f"the gradient of {KEY}", x)
            return StrongPower(a, slope, self.exponent, self.coefficient, x)
        return strong_matrix(self.coefficient, x)


def _exponent(value: Any, coefficient: CoefficientReader) -> float:
    number = value if isinstance(value, (int, float)) else coefficient(value, "exponent").constant
    if number is None:
        raise ProblemFileError(f"[equation] exponent must be a number, got {value!r}")
    return float(number)
