"""The two ideas every space shares: a coefficient vector, and its evaluation at fixed points."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pdefreq.fields import Field

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients, Gradients, Points, Values


class Evaluator(ABC):
    """A space at fixed points: everything that depends on the points alone is computed once."""

    @abstractmethod
    def value(self, c: Coefficients) -> Values:
        """U at the points."""

    @abstractmethod
    def gradient(self, c: Coefficients) -> Gradients:
        """Grad u at the points; where u has a kink, a one-sided limit."""

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        """Both at once, for spaces that share work between them."""
        return self.value(c), self.gradient(c)


class TrialSpace(ABC):
    """A set of functions, each given by one flat vector of coefficients. Spaces are immutable."""

    @property
    @abstractmethod
    def num_coefficients(self) -> int:
        """P, the length of the coefficient vector."""

    @property
    @abstractmethod
    def smoothness(self) -> float:
        """Largest order of derivative that is square integrable: 1 for P1 and ReLU, inf for tanh."""

    @property
    def nodes(self) -> Points | None:
        """Points ``(P, d)`` whose values are the coefficients, for nodal spaces; else None."""
        return None

    @property
    def mesh_width(self) -> float | None:
        """The length of the longest edge of a cell, for spaces on a mesh; else None."""
        return None

    @abstractmethod
    def at(self, x: Points) -> Evaluator:
        """The space at points ``(n, d)``, which also fix dtype and device."""

    def interpolate(self, u: Field, like: Tensor) -> Coefficients:
        """Coefficients of the member that agrees with `u` at the nodes, in the dtype and on the device of `like`.

        Raises:
            IncompatibleError: If the space has no nodes (networks).
        """
        from pdefreq.errors import IncompatibleError

        if self.nodes is None:
            raise IncompatibleError(
                f"a {type(self).__name__} can't start from a given function: it has no nodes to interpolate at"
            )
        return u(self.nodes.to(like))


@dataclass(frozen=True)
class LinearSystem:
    """A x = b for the coefficients, with Dirichlet values already in place.

    Args:
        matrix: Sparse, shape ``(P, P)``, as assembled (scipy CSR).
        load: Right-hand side, shape ``(P,)``.
        fixed: Indices of prescribed coefficients.
        values: Their values.
    """

    matrix: Any
    load: Any
    fixed: Any
    values: Any


class LinearSpace(TrialSpace):
    """A space whose members depend linearly on their coefficients."""

    @abstractmethod
    def assemble(self, problem: Problem) -> LinearSystem:
        """The linear system of the problem in this space (numpy and scipy, float64)."""


class Network(TrialSpace):
    """A space of neural networks; the coefficients are the weights, in one flat vector."""

    @property
    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters, in the order in which they fill the vector."""

    @property
    def num_coefficients(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    @abstractmethod
    def initialize(self, stream: torch.Generator) -> Coefficients:
        """Random initial weights, ``(P,)``, float64 on the CPU."""

    def unflatten(self, c: Coefficients) -> dict[str, Tensor]:
        """Views of the vector as named parameters: one `split`, so its backward pass is one concatenation."""
        shapes = self.shapes
        pieces = c.split([math.prod(shape) for shape in shapes.values()])
        return {name: piece.view(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}


class SpaceField(Field):
    """A member of a space, as a function."""

    def __init__(self, space: TrialSpace, coefficients: Coefficients) -> None:
        self.space = space
        self.coefficients = coefficients

    def __call__(self, x: Points) -> Values:
        return self.space.at(x).value(self.coefficients.to(x))

    def gradient(self, x: Points) -> Gradients:
        return self.space.at(x).gradient(self.coefficients.to(x)).detach()
