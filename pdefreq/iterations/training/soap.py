"""SOAP: Adam in the eigenbasis of Shampoo's preconditioners."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.iterations.training.steppers import FirstOrderStepper, age

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.iterations.training.step_graphs import Numbers
    from pdefreq.iterations.training.steppers import Memory
    from pdefreq.spaces.trial_space import Network

_LARGEST = 1024  # longest side of a weight matrix that is rotated: its preconditioner and basis then take 16 MiB for each network


class Side(NamedTuple):
    """One side of a weight matrix, or of a stack of matrices, that is rotated.

    Args:
        name: The name of the parameter with the side, for the memory.
        start: The position of the parameter in the vector of coefficients.
        shape: The shape of the parameter as a stack of matrices, ``(S, rows, columns)``.
        left: Whether the side is that of the rows.
    """

    name: str
    start: int
    shape: tuple[int, int, int]
    left: bool

    @property
    def length(self) -> int:
        """The number n of rows or columns."""
        return self.shape[1] if self.left else self.shape[2]

    def of(self, vector: Tensor) -> Tensor:
        """The entries of the parameter in a vector ``(P,)``, as a view ``(S, n, m)`` whose first axis is the rotated side."""
        matrix = vector[self.start : self.start + math.prod(self.shape)].view(self.shape)
        return matrix if self.left else matrix.mT


@dataclass(frozen=True)
class SoapStepper(FirstOrderStepper):
    """Adam on gradients that are rotated, for each weight matrix, into the eigenbases of the means of G G^T and G^T G.

    A side of length 1, and one of more than 1024 entries, is not rotated; parameters with one axis are not rotated either. The
    networks of a stack have separate bases. The first gradient only initializes the means, as in the authors' code. The bases are
    updated then, and every few steps, by one step of orthogonal iteration, and the second moments are permuted like its vectors.
    The authors' code starts from all eigenvectors of the first means; those in their null spaces depend on rounding errors.

    Args:
        rate: The learning rate.
        clip: Largest Euclidean norm of a gradient.
        every: Number of steps between updates of the bases.
        sides: The rotated sides; `on` determines them for a network.

    Source:
        Vyas et al. (2025), SOAP: improving and stabilizing Shampoo using Adam, arXiv 2409.11321, Algorithms 3 and 4, with its
        constants beta_1 = beta_2 = 0.95.
    """

    title = "SOAP"

    every: int = 10
    sides: tuple[Side, ...] = ()

    def on(self, space: Network) -> SoapStepper:
        return replace(self, sides=rotated_sides(space.shapes))

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        found = {"m": torch.zeros_like(c), "v": torch.zeros_like(c)}
        for side in self.sides:
            n = side.length
            found[f"mean.{side.name}"] = c.new_zeros(side.shape[0], n, n)
            found[f"basis.{side.name}"] = torch.eye(n, dtype=c.dtype, device=c.device).repeat(side.shape[0], 1, 1)
        return found

    def numbers(self, step: int, memory: Memory) -> Sequence[float]:
        """The learning rate, and the number of steps before this one."""
        return self.rate(step), age(step, memory)

    def update(self, c: Coefficients, gradient: Coefficients, memory: Memory, numbers: Numbers) -> None:
        rate, count, beta, epsilon = float(numbers[0]), int(numbers[1]), 0.95, 1e-8
        if count == 0:
            for side in self.sides:
                mean = self._averaged(side, gradient, memory, beta)
                memory[f"basis.{side.name}"], _ = next_basis(mean, memory[f"basis.{side.name}"])
            return
        m, v = memory["m"], memory["v"]
        m.lerp_(gradient, 1 - beta)
        rotated = self.rotated(gradient, memory)
        v.mul_(beta).addcmul_(rotated, rotated, value=1 - beta)
        denominator = (v.sqrt() / math.sqrt(1 - beta**count)).add_(epsilon)
        direction = self.rotated(self.rotated(m, memory) / denominator, memory, back=True)
        c.sub_(direction, alpha=rate / (1 - beta**count))
        for side in self.sides:
            mean = self._averaged(side, gradient, memory, beta)
            if count % self.every == 0:
                memory[f"basis.{side.name}"], order = next_basis(mean, memory[f"basis.{side.name}"])
                view = side.of(v)
                view.copy_(view.gather(1, order[:, :, None].expand_as(view)))

    def rotated(self, vector: Coefficients, memory: Memory, *, back: bool = False) -> Coefficients:
        """A vector ``(P,)`` in the bases, or back from the bases."""
        vector = vector.clone()
        for side in self.sides:
            basis, view = memory[f"basis.{side.name}"], side.of(vector)
            view.copy_((basis if back else basis.mT) @ view)
        return vector

    def _averaged(self, side: Side, gradient: Coefficients, memory: Memory, beta: float) -> Tensor:
        """The mean of G G^T with the newest gradient, ``(S, n, n)``."""
        view, mean = side.of(gradient), memory[f"mean.{side.name}"]
        return mean.lerp_(view @ view.mT, 1 - beta)


def rotated_sides(shapes: Mapping[str, tuple[int, ...]]) -> tuple[Side, ...]:
    """The sides of the parameters of a network that are rotated, in the order of the vector of coefficients."""
    sides, start = [], 0
    for name, shape in shapes.items():
        if len(shape) >= 2:
            stack = (math.prod(shape[:-2]), shape[-2], shape[-1])
            both = (Side(f"{end}.{name}", start, stack, end == "left") for end in ("left", "right"))
            sides += [side for side in both if 1 < side.length <= _LARGEST]
        start += math.prod(shape)
    return tuple(sides)


def next_basis(mean: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """One step of orthogonal iteration with a small shift.

    The shift keeps vectors whose eigenvalues, relative to the trace, are below the square root of the rounding error. Without
    it, these vectors would be determined by rounding errors.

    Args:
        mean: Symmetric matrices, ``(S, n, n)``.
        basis: Orthonormal columns near their eigenvectors, ``(S, n, n)``.

    Returns:
        The next basis, by descending Rayleigh quotients of the old one, and the positions of its vectors there, ``(S, n)``.
    """
    shift = torch.finfo(mean.dtype).eps ** 0.5 * mean.diagonal(dim1=1, dim2=2).sum(dim=1)
    image = mean @ basis + shift[:, None, None] * basis
    order = (basis * image).sum(dim=1).argsort(dim=1, descending=True, stable=True)
    return torch.linalg.qr(image.gather(2, order[:, None, :].expand_as(image)))[0], order
