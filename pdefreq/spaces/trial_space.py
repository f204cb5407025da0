"""Trial spaces, and their evaluators at fixed points."""

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
    """A trial space at fixed points. Quantities that depend on the points only are computed once.

    All results can be differentiated with respect to c in reverse mode. Methods that require second derivatives are available
    for networks, but not for spaces whose functions have kinks.
    """

    @abstractmethod
    def value(self, c: Coefficients) -> Values:
        """The values of u at the points."""

    @abstractmethod
    def gradient(self, c: Coefficients) -> Gradients:
        """The gradient of u at the points; where u has a kink, a one-sided limit."""

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        """The values and the gradient of u, for spaces that share work between them."""
        return self.value(c), self.gradient(c)

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        """The values u, the gradient grad u, and lap u (after `with_second`, S : D^2 u) at the points.

        Raises:
            IncompatibleError: If the space has no second derivatives at points.
        """
        raise self._lacks("second derivatives")

    def with_second(self, matrix: Tensor) -> Evaluator:
        """The space at the same points with ``S : D^2 u = sum_ij S_ij d_i d_j u`` in place of the Laplacian of u.

        Both evaluators share the quantities that depend on the points, so this call is cheap even if S changes in each step.
        Derivatives in x and c hold S constant, but the results can be differentiated with respect to S as well.

        Args:
            matrix: S, symmetric and possibly indefinite, ``(n, d, d)``.

        Raises:
            IncompatibleError: If the space has no second derivatives at points.
        """
        raise self._lacks("second derivatives")

    def second(self, c: Coefficients) -> Values:
        """The Laplacian of u at the points, or, after `with_second`, S : D^2 u."""
        return self.second_order(c)[2]

    def channels(self, c: Coefficients, order: int) -> Channels:
        """The channels of u up to order 0, 1 or 2: u; grad u, ``(d, n)``; lap u or S : D^2 u.

        Raises:
            IncompatibleError: If the order is 2 and the space has no second derivatives at points.
        """
        if order == 0:
            return Channels(self.value(c))
        value, gradient, *second = self.value_and_gradient(c) if order == 1 else self.second_order(c)
        return Channels(value, gradient.T, *second)

    def vjp(self, c: Coefficients, order: int) -> tuple[Channels, Callable[[Channels], Coefficients]]:
        """The detached `channels` of u, and their vector-Jacobian product in c.

        The product maps weights of the same order at the points x_i to the derivative in c, ``(P,)``, of
        ``sum_i value_i u + gradient_i . grad u + second_i lap u``, in one reverse pass. If the weights are the derivatives of
        an integrand, the result is the gradient of the integral. The product may be called only once, because it consumes the
        results of the forward pass. The default implementation uses automatic differentiation.

        Raises:
            IncompatibleError: If the order is 2 and the space has no second derivatives at points.
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
        """The gradient in x of ``value_i u + gradient_i . grad u + second_i lap u`` at x_i, with the weights held constant.

        Without weights it is grad u. The result is ``value grad u + H gradient + second grad lap u`` with the Hessian H, at the
        cost of one gradient, so that neither a Hessian-vector product nor the gradient of a residual forms a Hessian.

        Args:
            c: Coefficients.
            value: Weights ``(n,)``; they may depend on c.
            gradient: Weights ``(n, d)``.
            second: Weights ``(n,)`` of lap u, or, after `with_second`, of S : D^2 u.

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
        """The gradient of lap u at the points, or, after `with_second`, of S : D^2 u with S held constant."""
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
            value: Weights ``(n,)``. Without any weights, the derivatives of u are returned.
            gradient: Weights ``(n, d)``.
            second: Weights ``(n,)`` of lap u, or, after `with_second`, of S : D^2 u.

        Raises:
            IncompatibleError: If `second` is given and the space has no second derivatives at points.
        """
        blocks = self.jacobian_factors(c, value, gradient, second)
        return torch.cat([torch.einsum("sqnb,sqna->nsba", D, Z).flatten(1) for D, Z in blocks], dim=1)

    def jacobian_factors(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """The factors (D, Z) of the `jacobian`, a pair for each parameter block in the order of ``Network.shapes``.

        With D of shape ``(S, q, n, b)`` and Z of shape ``(S, q, n, a)``, the derivative at x_n in entry (s, b, a) of the block
        is ``sum_q D[s, q, n, b] Z[s, q, n, a]``. For a weight matrix, D holds cotangents and Z inputs, channel by channel
        (value, gradient, second order; q is 1, 1 + d or 2 + d). For a bias, q = a = 1 and Z = 1. S = 1 if a stack shares the
        block.

        Raises:
            IncompatibleError: If the space is not a network.
        """
        raise self._lacks("layers")

    def _lacks(self, what: str) -> IncompatibleError:
        return IncompatibleError(f"this method needs {what}, but {type(self).__name__.strip('_')} has none: use a network")


class LinearEvaluator(Evaluator):
    """An evaluator for spaces whose functions depend affinely on c."""

    def jacobian(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Tensor:
        """The Jacobian, by one evaluation for each basis function; suitable for small P."""

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
    """A set of functions, each represented by a coefficient vector. Trial spaces are immutable."""

    @property
    @abstractmethod
    def num_coefficients(self) -> int:
        """P, the length of the coefficient vector."""

    @property
    @abstractmethod
    def smoothness(self) -> float:
        """The largest order of square-integrable derivatives: 1 for P1 and ReLU, inf for tanh."""

    @property
    def breadth(self) -> int:
        """The largest number of values per point during an evaluation; for networks, the widest layer of the whole stack."""
        return self.num_coefficients

    @property
    def nodes(self) -> Points | None:
        """The points ``(P, d)`` at which the values are the coefficients, for nodal spaces; otherwise None."""
        return None

    @property
    def mesh_width(self) -> float | None:
        """The length of the longest edge of a cell, for spaces on a mesh; otherwise None."""
        return None

    @abstractmethod
    def at(self, x: Points) -> Evaluator:
        """The evaluator at points ``(n, d)``, whose dtype and device it uses."""

    def interpolate(self, u: Field, like: Tensor) -> Coefficients:
        """The coefficients of the function that agrees with `u` at the nodes, in the dtype and on the device of `like`.

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
    """The linear system A x = b of the coefficients, with the Dirichlet values listed separately.

    Args:
        matrix: Sparse, shape ``(P, P)``, as assembled (scipy CSR).
        load: Right-hand side, shape ``(P,)``.
        fixed: Indices of prescribed coefficients.
        values: The values of the prescribed coefficients.
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
    """A trial space whose functions depend linearly on their coefficients."""

    @abstractmethod
    def assemble(self, problem: Problem) -> LinearSystem:
        """The linear system of the problem in this space (numpy and scipy, float64)."""


class Network(TrialSpace):
    """A trial space of neural networks, whose coefficient vector holds all parameters."""

    @property
    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters, in the order in which they fill the vector."""

    @property
    def num_coefficients(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def num_linear(self) -> int:
        """The number of last coefficients in which the functions are linear, up to a constant; 0 if it is unknown."""
        return 0

    @property
    def breadth(self) -> int:
        # A stack has S networks and weights (S, out, in): S times the larger of inputs and outputs.
        return max(shape[0] * max(shape[1:], default=1) for shape in self.shapes.values())

    @abstractmethod
    def initialize(self, stream: torch.Generator) -> Coefficients:
        """Random initial weights, ``(P,)``, float64 on the CPU."""

    def unflatten(self, c: Coefficients) -> dict[str, Tensor]:
        """Views of the vector as named parameters. A single `split` makes the backward pass a single concatenation."""
        shapes = self.shapes
        pieces = c.split_with_sizes([math.prod(shape) for shape in shapes.values()])
        return {name: piece.view(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}


class SpaceField(Field):
    """A function of a trial space as a field."""

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
