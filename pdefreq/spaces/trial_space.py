"""The two ideas every space shares: a coefficient vector, and its evaluation at fixed points."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import Field
from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.problem.problem import Problem


class Evaluator(ABC):
    """A space at fixed points: everything that depends on the points alone is computed once.

    All results can be differentiated in c by one reverse pass. What takes second derivatives is offered by networks, and by
    no space whose members have kinks.
    """

    @abstractmethod
    def value(self, c: Coefficients) -> Values:
        """The values of u at the points."""

    @abstractmethod
    def gradient(self, c: Coefficients) -> Gradients:
        """Grad u at the points; where u has a kink, a one-sided limit."""

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        """Both at once, for spaces that share work between them."""
        return self.value(c), self.gradient(c)

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        """The values u, the gradient grad u, and lap u or the S : D^2 u of `with_second`, at the points.

        Raises:
            IncompatibleError: If the space has no second derivatives at points.
        """
        raise self._lacks("second derivatives")

    def with_second(self, matrix: Tensor) -> Evaluator:
        """The space at the same points, with ``S : D^2 u = sum_ij S_ij d_i d_j u`` wherever the Laplacian of u stands here.

        What was computed of the points is shared, so that binding costs nothing, also where S is another one at each step. All
        weights and derivatives in x and c hold S. What comes out can be differentiated in S as well.

        Args:
            matrix: S, symmetric and possibly indefinite, ``(n, d, d)``.

        Raises:
            IncompatibleError: If the space has no second derivatives at points.
        """
        raise self._lacks("second derivatives")

    def second(self, c: Coefficients) -> Values:
        """The Laplacian of u at the points, or the S : D^2 u of `with_second`."""
        return self.second_order(c)[2]

    def channels(self, c: Coefficients, order: int) -> Channels:
        """The values u and derivatives up to an order of 0, 1 or 2: u; grad u, ``(d, n)``; lap u or S : D^2 u.

        Raises:
            IncompatibleError: If the space has no second derivatives at points and they are asked for.
        """
        if order == 0:
            return Channels(self.value(c))
        value, gradient, *second = self.value_and_gradient(c) if order == 1 else self.second_order(c)
        return Channels(value, gradient.T, *second)

    def vjp(self, c: Coefficients, order: int) -> tuple[Channels, Callable[[Channels], Coefficients]]:
        """`channels` as numbers, and their vector-Jacobian product in c.

        The product takes weights of these channels at the points, of that order, to the derivative in c, ``(P,)``, of
        ``sum_i value_i u + gradient_i . grad u + second_i lap u`` at x_i: one reverse pass. With the derivatives of an
        integrand for weights it is the gradient of the integral. It may be asked for once, since it takes what the way
        forwards left. The default leaves it to automatic differentiation.

        Raises:
            IncompatibleError: If the space has no second derivatives at points and they are asked for.
        """
        c = c.detach().requires_grad_(True)
        with torch.enable_grad():
            u = self.channels(c, order)

        def pull_back(weights: Channels) -> Coefficients:
            return torch.autograd.grad(u.present, c, weights.present)[0]

        return u.map(torch.detach), pull_back

    def gradient_of(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Gradients:
        """Grad ( value_i u + gradient_i . grad u + second_i lap u ) at x_i, the weights held; with none given, grad u.

        So it is ``value grad u + H gradient + second grad lap u`` with H the Hessian, at the cost of one gradient: a
        Hessian times a vector, or the gradient of a whole residual, needs no Hessian.

        Args:
            c: Coefficients.
            value: Weights ``(n,)``; they may depend on c.
            gradient: Weights ``(n, d)``.
            second: Weights ``(n,)``, of S : D^2 u where S is given by `with_second`.

        Raises:
            IncompatibleError: If the space has no second derivatives at points.
        """
        raise self._lacks("second derivatives")

    def hessian(self, c: Coefficients) -> Tensor:
        """The second derivatives of u at the points, ``(n, d, d)``."""
        n, d = self.value_and_gradient(c)[1].shape
        rows = [self.gradient_of(c, gradient=axis.expand(n, -1)) for axis in torch.eye(d, dtype=c.dtype, device=c.device)]
        return torch.stack(rows, dim=1)

    def gradient_of_second(self, c: Coefficients) -> Gradients:
        """Grad lap u at the points, or the gradient of the S : D^2 u of `with_second` with S held."""
        return self.gradient_of(c, second=torch.ones_like(self.value(c)))

    def third_derivatives(self, c: Coefficients) -> Tensor:
        """The third derivatives of u at the points, ``(n, d, d, d)``."""
        n, d = self.value_and_gradient(c)[1].shape
        pairs = torch.eye(d * d, dtype=c.dtype, device=c.device).reshape(d, d, d, d)
        pairs = (pairs + pairs.mT) / 2
        rows = [[self.with_second(pair.expand(n, -1, -1)).gradient_of_second(c) for pair in row] for row in pairs]
        return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)

    def jacobian(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Tensor:
        """The derivatives in c of ``value_i u + gradient_i . grad u + second_i lap u`` at x_i, shape ``(n, P)``.

        Args:
            c: Coefficients.
            value: Weights ``(n,)``; with no weights given, the derivatives are those of u.
            gradient: Weights ``(n, d)``.
            second: Weights ``(n,)``, of S : D^2 u where S is given by `with_second`.

        Raises:
            IncompatibleError: If the space has no second derivatives at points and they are asked for.
        """
        blocks = self.jacobian_factors(c, value, gradient, second)
        return torch.cat([torch.einsum("sqnb,sqna->nsba", D, Z).flatten(1) for D, Z in blocks], dim=1)

    def jacobian_factors(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """`jacobian` without forming it: a pair (D, Z) for each parameter block, in the order of ``Network.shapes``.

        With D of shape ``(S, q, n, b)`` and Z of shape ``(S, q, n, a)``, the derivative at x_n in entry (s, b, a) of the block
        is ``sum_q D[s, q, n, b] Z[s, q, n, a]``: a matrix's is cotangents times inputs, channel by channel (value, gradient,
        second order: q is 1, 1 + d or 2 + d). A bias has q = a = 1 and Z = 1. S = 1 where a stack shares the block.

        Raises:
            IncompatibleError: If the space is no network.
        """
        raise self._lacks("layers")

    def _lacks(self, what: str) -> IncompatibleError:
        return IncompatibleError(f"this method needs {what} and {type(self).__name__.strip('_')} has none: use a network")


class LinearEvaluator(Evaluator):
    """Of a space whose members depend linearly on c, up to a fixed function."""

    def jacobian(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Tensor:
        """The basis functions, one evaluation each: for small P."""

        def combined(c: Coefficients) -> Values:
            if value is None and gradient is None and second is None:
                return self.value(c)
            terms = [] if value is None else [value * self.value(c)]
            terms += [] if gradient is None else [(gradient * self.gradient(c)).sum(dim=1)]
            terms += [] if second is None else [second * self.second(c)]
            return torch.stack(terms).sum(dim=0)

        with torch.no_grad():
            origin = combined(torch.zeros_like(c))
            return torch.stack([combined(e) - origin for e in torch.eye(len(c), dtype=c.dtype, device=c.device)], dim=1)


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
    def breadth(self) -> int:
        """The most numbers that stand side by side for a point while the space is evaluated there: of networks, a layer's."""
        return self.num_coefficients

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
        symmetric: Whether the matrix is symmetric.
        definite: Whether the matrix of the free coefficients is known to be symmetric and positive definite, or semidefinite.
    """

    matrix: Any
    load: Any
    fixed: Any
    values: Any
    symmetric: bool = True
    definite: bool = True


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

    @property
    def breadth(self) -> int:
        # The networks of a stack times the inputs or outputs of a layer, whose weights are (S, out, in).
        return max(shape[0] * max(shape[1:], default=1) for shape in self.shapes.values())

    @abstractmethod
    def initialize(self, stream: torch.Generator) -> Coefficients:
        """Random initial weights, ``(P,)``, float64 on the CPU."""

    def unflatten(self, c: Coefficients) -> dict[str, Tensor]:
        """Views of the vector as named parameters: one `split`, so its backward pass is one concatenation."""
        shapes = self.shapes
        pieces = c.split_with_sizes([math.prod(shape) for shape in shapes.values()])
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

    def laplacian(self, x: Points) -> Values:
        return self.space.at(x).second(self.coefficients.to(x)).detach()

    def hessian(self, x: Points) -> Tensor:
        return self.space.at(x).hessian(self.coefficients.to(x)).detach()

    def gradient_of_laplacian(self, x: Points) -> Gradients:
        return self.space.at(x).gradient_of_second(self.coefficients.to(x)).detach()

    def third_derivatives(self, x: Points) -> Tensor:
        return self.space.at(x).third_derivatives(self.coefficients.to(x)).detach()
