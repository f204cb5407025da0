"""The diffusion term ``-div( A |grad u|^(p-2) grad u )``: the Laplacian, the p-Laplacian and anisotropic diffusion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.table_keys import Formula, Key, Number, Other
from pdefreq.core.validation import validated
from pdefreq.problem.terms.power import moderate_power, size_power
from pdefreq.problem.terms.term import (
    CoefficientReader,
    FiniteDifferenceCoefficients,
    StrongTerm,
    Term,
    Weak,
    WeakSlopes,
    WeakTerm,
)

if TYPE_CHECKING:
    from sympy import Expr, Symbol
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

HIGHEST_EXPONENT = 100
_EXPONENT = Number(above=1, most=HIGHEST_EXPONENT)
_KEY = "[equation] diffusion"
_SYMMETRIC = 1e-12  # relative tolerance of symmetry and semidefiniteness
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
                raise ProblemFileError(f"{_KEY} must be finite and nonnegative, got {constant:g}")
        elif not self.coefficient or any(len(row) != len(self.coefficient) for row in self.coefficient):
            raise ProblemFileError(f"{_KEY} must be a square matrix, got {len(self.coefficient)} rows of a different length")
        elif self.exponent != 2:
            raise ProblemFileError(f"{_KEY} must be one number or expression if exponent is not 2, got a matrix")
        elif self.constant:
            import torch

            _matrix(self.coefficient, torch.zeros(1, len(self.coefficient), dtype=torch.float64))

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
                    f"{_KEY} must be one number or expression, or a matrix of {dimension} rows with {dimension} entries each"
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
        power = "" if self.exponent == 2 else f"|grad u|^{self.exponent - 2:g} "
        if isinstance(self.coefficient, Field):
            return f"-div( {'' if self.coefficient.constant == 1 else f'({self.coefficient.text}) '}{power}grad u )"
        rows = ", ".join(f"[{', '.join(entry.text for entry in row)}]" for row in self.coefficient)
        return f"-div( [{rows}] grad u )"

    @property
    def flux_text(self) -> str:
        if self.is_matrix:
            return "(A grad u) . n"
        return f"a{'' if self.exponent == 2 else f' |grad u|^{self.exponent - 2:g}'} du/dn"

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
            return _WeakPower(validated(self.coefficient, _KEY, x, least=0), self.exponent)
        return _WeakMatrix(_matrix(self.coefficient, x))

    def strong(self, x: Points) -> StrongTerm:
        if isinstance(self.coefficient, Field):
            a = validated(self.coefficient, _KEY, x, least=0)
            slope = validated(self.coefficient.gradient, f"the gradient of {_KEY}", x)
            return _StrongPower(a, slope, self.exponent, self.coefficient, x)
        return _strong_matrix(self.coefficient, x)


def _exponent(value: Any, coefficient: CoefficientReader) -> float:
    number = value if isinstance(value, (int, float)) else coefficient(value, "exponent").constant
    if number is None:
        raise ProblemFileError(f"[equation] exponent must be a number, got {value!r}")
    return float(number)


def _matrix(rows: tuple[tuple[Field, ...], ...], x: Points) -> Tensor:
    """The matrix A at points, ``(n, d, d)``, with n = 1 if all entries are constant.

    Raises:
        ProblemFileError: If an entry is not finite, or the matrix is not symmetric and positive semidefinite at a point.
    """
    import torch

    at = x[:1] if all(entry.constant is not None for row in rows for entry in row) else x
    a = torch.stack([torch.stack([validated(entry, _KEY, at) for entry in row], dim=1) for row in rows], dim=1)
    size = a.abs().amax(dim=(1, 2))
    skew, low = (a - a.mT).abs().amax(dim=(1, 2)), torch.linalg.eigvalsh(a)[:, 0]
    for wrong, what in ((skew > _SYMMETRIC * size, "symmetric"), (low < -_SYMMETRIC * size, "positive semidefinite")):
        if bool(wrong.any()):
            first = int(wrong.nonzero()[0, 0])
            point = ", ".join(f"{v:g}" for v in at[first].tolist())
            entries = [[float(f"{v:g}") for v in row] for row in a[first].tolist()]
            raise ProblemFileError(f"{_KEY} must be a {what} matrix, got {entries} at ({point})")
    return (a + a.mT) / 2


@dataclass(frozen=True)
class _WeakPower(WeakTerm):
    """The weak form for a scalar coefficient a, ``(n,)``, and any exponent."""

    a: Values
    exponent: float

    def densities(self, u: Values, q: Gradients) -> Weak:
        a = self.a if self.exponent == 2 else self.a * size_power(q, self.exponent - 2)
        return Weak(flux=a[:, None] * q)

    def slopes(self, u: Values, q: Gradients) -> WeakSlopes:
        """``a |q|^(p-2) (I + (p-2) n n^T)`` with n = q / |q|; |q|^(p-2) is bounded to keep linear systems solvable."""
        p = self.exponent
        if p == 2:
            return WeakSlopes(isotropic=self.a)
        isotropic = self.a * moderate_power(q, p - 2)
        return WeakSlopes(isotropic=isotropic, directed=((p - 2) * isotropic, q * size_power(q, -1)[:, None]))

    def energy(self, u: Values, q: Gradients) -> Values:
        p = self.exponent
        return self.a / p * (q.square().sum(dim=1) if p == 2 else size_power(q, p))


@dataclass(frozen=True)
class _WeakMatrix(WeakTerm):
    """The weak form for a matrix A, ``(n or 1, d, d)``."""

    a: Tensor

    def densities(self, u: Values, q: Gradients) -> Weak:
        return Weak(flux=(self.a @ q[:, :, None])[:, :, 0])

    def slopes(self, u: Values, q: Gradients) -> WeakSlopes:
        return WeakSlopes(matrix=self.a)

    def energy(self, u: Values, q: Gradients) -> Values:
        return ((self.a @ q[:, :, None])[:, :, 0] * q).sum(dim=1) / 2


@dataclass(frozen=True)
class _StrongPower(StrongTerm):
    """``-|q|^(p-2) ( grad a . q + (a I + (p-2) a n n^T) : D^2 u )`` with n = q / |q|."""

    a: Values
    slope: Gradients
    exponent: float
    field: Field
    x: Points

    def lower(self, u: Values, q: Gradients) -> Values:
        along = (self.slope * q).sum(dim=1)
        return -along if self.exponent == 2 else -size_power(q, self.exponent - 2) * along

    def lower_slopes(self, u: Values, q: Gradients) -> tuple[None, Gradients]:
        p = self.exponent
        if p == 2:
            return None, -self.slope
        along = (self.slope * q).sum(dim=1) * size_power(q, -2)
        return None, -size_power(q, p - 2)[:, None] * (self.slope + (p - 2) * along[:, None] * q)

    def lower_gradient(self, u: Values, q: Gradients) -> Gradients | None:
        assert self.exponent == 2
        if self.field.constant is not None:
            return None
        return -(self._bend @ q[:, :, None])[:, :, 0]

    @cached_property
    def _bend(self) -> Tensor:
        return validated(self.field.hessian, f"the second derivative of {_KEY}", self.x.double().cpu()).to(self.a)

    def second(self, u: Values, q: Gradients) -> Tensor:
        import torch

        p = self.exponent
        if p == 2:
            return self.a
        a, n = self.a * size_power(q, p - 2), q * size_power(q, -1)[:, None]
        identity = torch.eye(q.shape[1], dtype=q.dtype, device=q.device)
        return a[:, None, None] * (identity + (p - 2) * n[:, :, None] * n[:, None, :])

    def second_gradient(self) -> Tensor | None:
        return None if self.field.constant is not None else self.slope


@dataclass(frozen=True)
class _StrongMatrix(StrongTerm):
    """``-(div A) . q - A : D^2 u``, where component i of div A is the divergence of row i."""

    a: Tensor
    slopes: Tensor | None
    rows: tuple[tuple[Field, ...], ...]
    x: Points

    def lower(self, u: Values, q: Gradients) -> Values | None:
        return None if self.slopes is None else -(self._divergence * q).sum(dim=1)

    def lower_slopes(self, u: Values, q: Gradients) -> tuple[None, Gradients | None]:
        return None, None if self.slopes is None else -self._divergence

    def lower_gradient(self, u: Values, q: Gradients) -> Gradients | None:
        return None if self.slopes is None else -(self._bends * q[:, :, None]).sum(dim=1)

    def second(self, u: Values, q: Gradients) -> Tensor:
        return self.a

    def second_gradient(self) -> Tensor | None:
        return self.slopes

    @cached_property
    def _divergence(self) -> Gradients:
        assert self.slopes is not None
        return self.slopes.diagonal(dim1=2, dim2=3).sum(dim=2)

    @cached_property
    def _bends(self) -> Tensor:
        """The gradient of (div A)_i = sum_j d_j A_ij, ``(n, d, d)`` with the derivative last."""
        import torch

        x, key = self.x.double().cpu(), f"the second derivative of {_KEY}"
        rows = [sum((validated(a.hessian, key, x)[:, j] for j, a in enumerate(row)), torch.zeros_like(x)) for row in self.rows]
        return torch.stack(rows, dim=1).to(self.a)


def _strong_matrix(rows: tuple[tuple[Field, ...], ...], x: Points) -> _StrongMatrix:
    import torch

    a, key = _matrix(rows, x), f"the gradient of {_KEY}"
    if len(a) == 1:
        return _StrongMatrix(a.expand(len(x), -1, -1), None, rows, x)
    slopes = torch.stack([torch.stack([validated(entry.gradient, key, x) for entry in row], dim=1) for row in rows], dim=1)
    return _StrongMatrix(a, slopes, rows, x)
