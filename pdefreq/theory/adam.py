"""Adam on a linearized model, with its preconditioner frozen at stated steps.

Let F be the Gauss-Newton factor of the objective and G its gradient at a start, so that the gradient of the linearized model at
c + d is G + F^T F d. Adam divides the mean m of its gradients by sqrt(v) + epsilon, with v the mean of their squares. While
P = 1 / (sqrt(v) + epsilon) is frozen, it is the heavy ball method in the variables P^(-1/2) d, whose kernel is

    K_P = F P F^T,    m <- beta_1 m + (1 - beta_1) G,    d <- d - eta P m.

Along an eigenvector of K_P with eigenvalue kappa, one step maps the gradient, the momentum and the displacement by a matrix
with three rows, whose powers give the state after any number of steps. The preconditioner and the learning rate are updated in
each of the first 50 steps, and then at steps in geometric progression with the ratio 1.3. The mean of the squares of the
gradients between two such steps is formed from the gradients at both.

This is a guide and not a theorem, even for a model that is linear in its parameters. Along eigenvectors beyond the limit
eta kappa = 2 (1 + beta_1) / (1 - beta_1), Adam oscillates and thereby increases v; the guide reduces eta there until the
error decays without oscillation.

Source:
    Kingma and Ba (2015), Adam: a method for stochastic optimization; Cohen et al. (2022), Adaptive gradient methods at the edge
    of stability, arXiv 2207.14484, for the limit and the frozen preconditioner.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.theory.rounding import above_rounding

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.theory.linearization import Linearization

EACH = 50
"""Number of steps in each of which the preconditioner is updated."""
RATIO = 1.3
"""Ratio of the later steps at which the preconditioner is updated."""


@dataclass(frozen=True)
class FrozenAdam:
    """Adam from a step on, on the model linearized there.

    Args:
        rate: The learning rate as a function of the number of the step.
        first: m before the step, shape ``(P,)``.
        second: v before the step, shape ``(P,)``.
        step: The number of the step.
        betas: beta_1 and beta_2.
        epsilon: The number that is added to sqrt(v).
    """

    rate: Callable[[int], float]
    first: Tensor
    second: Tensor
    step: int = 0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8

    @property
    def note(self) -> str:
        """The source and the assumptions."""
        return (
            "a guide without a proof: Adam on the network linearized at its initial state, with the preconditioner P frozen at "
            f"each of the steps 0 to {EACH} and then at steps in the ratio {RATIO:g} (kernel F P F^T)"
        )

    def errors(self, model: Linearization, steps: Tensor) -> Tensor:
        """The errors of the watched quantities after numbers of steps, ascending, shape ``(len(steps), q)``.

        Args:
            model: The linearized model.
            steps: Numbers of steps after `step`, shape ``(T,)``.
        """
        if len(model.factor) > model.factor.shape[1]:
            model = model.reduced()
        asked = [int(t) for t in steps]
        errors = [model.start] * asked.count(0)
        gradient, m, v = model.gradient, self.first.to(model.gradient), self.second.to(model.gradient)
        moved, done, remaining = torch.zeros_like(gradient), 0, [t for t in asked if t > 0]
        while remaining:
            end = min(_following(done), remaining[-1])
            piece = _Piece.of(self, model, gradient, m, v, done)
            inside = [t for t in remaining if t <= end]
            errors += [model.start + _apply(model.probe, moved + piece.after(t - done)[1]) for t in inside]
            remaining = remaining[len(inside) :]
            m, change = piece.after(end - done)
            moved = moved + change
            following = model.gradient + model.factor.T @ (model.factor @ moved)
            kept = self.betas[1] ** (end - done)
            squares = gradient.square() if end == done + 1 else (gradient.square() + following.square()) / 2
            v, gradient, done = kept * v + (1 - kept) * squares, following, end
        return torch.stack(errors)


@dataclass(frozen=True)
class _Piece:
    """The steps between two updates of the preconditioner P.

    Args:
        root: P^(1/2), shape ``(P,)``.
        vectors: Orthonormal w_j as rows, ``(k, P)``: eigenvectors of P^(1/2) F^T F P^(1/2).
        matrices: The maps of (gradient, momentum, displacement) along each w_j, ``(k, 3, 3)``.
        rest: The map outside their span, ``(3, 3)``.
        state: Gradient and momentum in the variables P^(-1/2) d, shape ``(2, P)``.
    """

    root: Tensor
    vectors: Tensor
    matrices: Tensor
    rest: Tensor
    state: Tensor

    @classmethod
    def of(cls, adam: FrozenAdam, model: Linearization, gradient: Tensor, m: Tensor, v: Tensor, done: int) -> _Piece:
        """The piece that starts after a number of steps, with v of the gradient at its start included."""
        beta1, beta2 = adam.betas
        step = adam.step + done
        v = beta2 * v + (1 - beta2) * gradient.square()
        root = ((v / (1 - beta2 ** (step + 1))).sqrt() + adam.epsilon).rsqrt()
        rate = adam.rate(step) / (1 - beta1 ** (step + 1))
        state = torch.stack([root * gradient, root * m])
        empty = root.new_zeros(0, len(root))
        rest = _matrices(root.new_zeros(1), rate, beta1)[0]
        if _following(done) == done + 1:  # one step needs no powers
            return cls(root, empty, empty.new_zeros(0, 3, 3), rest, state)
        factor = model.factor * root
        kappa, u = torch.linalg.eigh(factor @ factor.T)
        kept = above_rounding(kappa, len(kappa))
        kappa = kappa[kept]
        vectors = (u[:, kept].T @ factor) / kappa.sqrt()[:, None]
        return cls(root, vectors, _matrices(kappa, rate, beta1), rest, state)

    def after(self, steps: int) -> tuple[Tensor, Tensor]:
        """The momentum m and the displacement of the coefficients after steps, each ``(P,)``."""
        along = self.state @ self.vectors.T
        outside = self.state - along @ self.vectors
        power = torch.linalg.matrix_power(self.rest, steps)[1:, :2]
        inside = torch.linalg.matrix_power(self.matrices, steps)[:, 1:, :2]
        found = power @ outside + torch.einsum("kab,bk->ak", inside, along) @ self.vectors
        return found[0] / self.root, found[1] * self.root


def _matrices(kappa: Tensor, rate: float, beta: float) -> Tensor:
    """One step along eigenvectors: (g, n, y) -> (g + kappa dy, beta n + (1 - beta) g, y + dy), dy = -rate n, ``(k, 3, 3)``.

    The rate is reduced to the largest one without oscillation where it is beyond the limit of stability.
    """
    step = rate * kappa * (1 - beta)
    calm = (1 - math.sqrt(beta)) ** 2
    rates = torch.where(step < 2 * (1 + beta), rate, rate * calm / step.clamp(min=calm))
    matrix = kappa.new_zeros(len(kappa), 3, 3)
    matrix[:, 1, 0], matrix[:, 1, 1] = 1 - beta, beta
    matrix[:, 2, 0], matrix[:, 2, 1], matrix[:, 2, 2] = -rates * (1 - beta), -rates * beta, 1
    matrix[:, 0, 0], matrix[:, 0, 1] = 1 - kappa * rates * (1 - beta), -kappa * rates * beta
    return matrix


def _following(done: int) -> int:
    """The number of steps after which the preconditioner is updated next."""
    return done + 1 if done < EACH else math.ceil(RATIO * done)


def _apply(probe: Tensor, moved: Tensor) -> Tensor:
    return probe @ moved.to(probe)
